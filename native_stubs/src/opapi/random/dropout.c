/* Dropout: masks of one bit for each element (set: the element stays, scaled), and what is done with them. Bytes hold
 * eight elements, the first in the lowest bit; a mask has whole groups of 128 bits. */
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/map.h"
#include "opapi/random/source.h"

enum { GROUP = 128 };

static int64_t mask_bytes(int64_t elements) {
    return (elements + GROUP - 1) / GROUP * (GROUP / 8);
}

static aclnnStatus check_mask(const stub_call *call, uint32_t mask, int64_t elements) {
    const stub_dtype_rule rule = {mask, STUB_ON_ALL(STUB_DTYPE(ACL_UINT8))};
    STUB_REQUIRE(stub_check_given(call, &mask, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, mask, 0, STUB_MAX_RANK));
    const int64_t given = stub_tensor_numel(stub_tensor_arg(call, mask)), wanted = mask_bytes(elements);
    if (given != wanted) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s has %lld bytes; a mask of %lld elements has %lld (a bit each, in groups of 128)",
                         call->op->name, call->op->params[mask].name, (long long)given, (long long)elements,
                         (long long)wanted);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_probability(const stub_call *call, uint32_t arg) {
    const double p = call->args[arg].real;
    return p >= 0 && p <= 1 ? ACLNN_SUCCESS
                            : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; allowed are 0 to 1", call->op->name,
                                        call->op->params[arg].name, p);
}

/* Byte number i of a mask, which may be a strided tensor. */
static uint8_t *byte_at(const stub_view *mask, int64_t i) {
    stub_row row;
    stub_row_start(&row, mask, mask->tensor->rank, i);
    return mask->base + row.offset;
}

typedef struct {
    stub_stream stream;
    const stub_view *mask;
    double keep; /* the probability of a set bit */
} generation;

/* A group: 128 words for 128 bits. */
static void generate_group(void *state, size_t group) {
    const generation *work = state;
    uint32_t words[GROUP];
    stub_philox(work->stream, group * (GROUP / STUB_PHILOX_BLOCK), GROUP / STUB_PHILOX_BLOCK, words);
    for (int byte = 0; byte < GROUP / 8; byte++) {
        unsigned bits = 0;
        for (int bit = 0; bit < 8; bit++) {
            bits |= (unsigned)(stub_unit(words[byte * 8 + bit]) < work->keep) << bit;
        }
        *byte_at(work->mask, (int64_t)group * (GROUP / 8) + byte) = (uint8_t)bits;
    }
}

enum { GROUPS_AT_ONCE = 64 };

static void generate_groups(void *state, size_t index) {
    const generation *work = state;
    const size_t groups = (size_t)stub_tensor_numel(work->mask->tensor) / (GROUP / 8);
    for (size_t i = index * GROUPS_AT_ONCE; i < groups && i < (index + 1) * GROUPS_AT_ONCE; i++) {
        generate_group(state, i);
    }
}

static aclnnStatus generate(const stub_call *call, const stub_view *mask, double p) {
    generation work = {.mask = mask, .keep = 1 - p};
    STUB_REQUIRE(stub_stream_open(call, &work.stream));
    const size_t groups = (size_t)stub_tensor_numel(mask->tensor) / (GROUP / 8);
    stub_parallel((groups + GROUPS_AT_ONCE - 1) / GROUPS_AT_ONCE, generate_groups, &work);
    return ACLNN_SUCCESS;
}

/* Masks on their own: the shape of what they are for is an array. */
enum { SHAPE, PROB };

static uint32_t out_of(const stub_call *call) {
    return call->op->count - 1;
}

static aclnnStatus check_generation(const stub_call *call, stub_plan *plan) {
    uint64_t count;
    const int64_t *shape = stub_argument_items(call, SHAPE, &count);
    if (!shape) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: shape is NULL", call->op->name);
    }
    int64_t elements = 1;
    for (uint64_t i = 0; i < count; i++) {
        elements *= shape[i] > 0 ? shape[i] : 0;
    }
    STUB_REQUIRE(check_mask(call, out_of(call), elements));
    STUB_REQUIRE(check_probability(call, PROB));
    plan->nothing_to_run = elements == 0;
    return stub_stream_check(call);
}

static aclnnStatus run_generation(const stub_call *call) {
    stub_view mask;
    STUB_REQUIRE(stub_view_open(call, out_of(call), &mask));
    return generate(call, &mask, call->args[PROB].real);
}

STUB_KERNEL(aclnnDropoutGenMask, check_generation, run_generation)
STUB_KERNEL(aclnnDropoutGenMaskV2, check_generation, run_generation)
STUB_KERNEL(aclnnDropoutGenMaskV2Tensor, check_generation, run_generation)

/* x: whether an element stays, as 0 or 1; c[0]: what those that stay are multiplied with. */
#define DROP(name, expression)                                                                                         \
    STUB_LOOP(name, {                                                                                                  \
        const float *const xs = in[0];                                                                                 \
        const uint8_t *const stays = in[1];                                                                            \
        const float scale = (float)c[0];                                                                               \
        float *const rs = out[0];                                                                                      \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            rs[i] = (expression);                                                                                      \
        }                                                                                                              \
    })
DROP(drop, stays[i] && scale != 0 ? xs[i] * scale : 0)
DROP(drop_by_product, xs[i] * (float)stays[i] * scale)

/* A mask's bits as bytes, in an array like the tensor they are for. */
static aclnnStatus unpack(const stub_call *call, const stub_view *mask, const aclTensor *like, stub_array *array) {
    STUB_REQUIRE(stub_array_make(call, ACL_BOOL, like, array));
    for (int64_t i = 0, n = stub_tensor_numel(like); i < n; i += 8) {
        const unsigned bits = *byte_at(mask, i / 8);
        for (int64_t bit = 0; bit < 8 && i + bit < n; bit++) {
            array->view.base[i + bit] = bits >> bit & 1;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus apply(const stub_call *call, const stub_loops *loop, const stub_view *x, const stub_view *mask,
                         const stub_view *out, double scale) {
    stub_array stays;
    STUB_REQUIRE(unpack(call, mask, x->tensor, &stays));
    const stub_map map = {.loops = {loop}};
    const stub_operand in[] = {{.view = x}, {.view = &stays.view, .is_condition = true}};
    stub_map_apply(&map, ACL_FLOAT, in, 2, &out, 1, &scale);
    stub_array_release(&stays);
    return ACLNN_SUCCESS;
}

static aclnnStatus check_tensors(const stub_call *call, stub_plan *plan, uint32_t out) {
    const uint32_t tensors[] = {0, out};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    for (int k = 0; k < 2; k++) {
        const stub_dtype_rule rule = {tensors[k], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, tensors[k], 0, STUB_MAX_RANK));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, 0)) == 0;
    return stub_check_same_shape(call, out, 0);
}

/* A given mask applied: x, mask, a number, out. */
enum { X, MASK, NUMBER, RESULT };

typedef struct {
    const stub_loops *loop;
    bool of_probability; /* the number is that of dropping; else it is the scale */
} masking;

static aclnnStatus masking_check(const stub_call *call, stub_plan *plan, const masking *how) {
    STUB_REQUIRE(check_tensors(call, plan, RESULT));
    STUB_REQUIRE(check_mask(call, MASK, stub_tensor_numel(stub_tensor_arg(call, X))));
    if (how->of_probability) {
        return check_probability(call, NUMBER);
    }
    const double scale = call->args[NUMBER].real;
    return scale == 0 || scale >= 1 ? ACLNN_SUCCESS
                                    : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: scale is %g; allowed are 0 and 1 or more",
                                                call->op->name, scale);
}

static aclnnStatus masking_run(const stub_call *call, const masking *how) {
    stub_view x, mask, out;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, MASK, &mask));
    STUB_REQUIRE(stub_view_open(call, RESULT, &out));
    const double number = call->args[NUMBER].real;
    const double scale = !how->of_probability ? number : number < 1 ? 1 / (1 - number) : 0;
    return apply(call, how->loop, &x, &mask, &out, scale);
}

STUB_FAMILY_KERNEL(aclnnDropoutDoMask, masking, {&drop, true})
STUB_FAMILY_KERNEL(aclnnDropoutBackward, masking, {&drop, false})
STUB_FAMILY_KERNEL(aclnnDropoutV3Grad, masking, {&drop_by_product, false})

/* Both at once: x, ..., out, mask. Without anything to decide (probability 0 or 1, no training) the mask stays as it
 * is. */
typedef struct {
    uint32_t p, train, out, mask;
    bool by_fours; /* offset is a multiple of 4 */
} dropout;

enum { OFFSET_BEFORE_OUT = 1 };
#define ALWAYS UINT32_MAX

static aclnnStatus dropout_check(const stub_call *call, stub_plan *plan, const dropout *at) {
    STUB_REQUIRE(check_tensors(call, plan, at->out));
    STUB_REQUIRE(check_mask(call, at->mask, stub_tensor_numel(stub_tensor_arg(call, X))));
    STUB_REQUIRE(check_probability(call, at->p));
    const int64_t offset = call->args[at->out - OFFSET_BEFORE_OUT].integer;
    if (at->by_fours && offset % 4 != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: offset is %lld; it must be a multiple of 4", call->op->name,
                         (long long)offset);
    }
    return ACLNN_SUCCESS;
}

STUB_LOOP1(scaled, float, float, c[0] != 0 ? x * (float)c[0] : 0)

static aclnnStatus dropout_run(const stub_call *call, const dropout *at) {
    stub_view x, mask, out;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, at->out, &out));
    const double p = call->args[at->p].real;
    const bool trains = at->train == ALWAYS || call->args[at->train].flag;
    if (!trains || p == 0 || p == 1) {
        const double scale = trains && p == 1 ? 0 : 1;
        const stub_map map = {.loops = {&scaled}};
        const stub_operand in = {.view = &x};
        const stub_view *outs = &out;
        stub_map_apply(&map, ACL_FLOAT, &in, 1, &outs, 1, &scale);
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, at->mask, &mask));
    STUB_REQUIRE(generate(call, &mask, p));
    return apply(call, &drop, &x, &mask, &out, 1 / (1 - p));
}

STUB_FAMILY_KERNEL(aclnnDropout, dropout, {.p = 1, .train = 2, .out = 5, .mask = 6})
STUB_FAMILY_KERNEL(aclnnDropoutV3, dropout, {.p = 2, .train = ALWAYS, .out = 5, .mask = 6, .by_fours = true})
