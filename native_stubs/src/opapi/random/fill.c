/* Tensors full of random numbers: uniform, whole, exponential, of one probability; normal ones are in normal.c. */
#include <math.h>

#include "core/half.h"
#include "opapi/map.h"
#include "opapi/random/source.h"

#define OUTPUTS (STUB_NUMBERS | STUB_COMPLEXES)

/* The last tensor argument that comes out. */
static uint32_t out_of(const stub_call *call) {
    uint32_t arg = call->op->count - 1;
    while (call->op->params[arg].kind != STUB_TENSOR || call->op->params[arg].role == STUB_IN) {
        arg--;
    }
    return arg;
}

static aclnnStatus check_out(const stub_call *call, stub_plan *plan, stub_dtypes allowed) {
    const uint32_t out = out_of(call);
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    const stub_dtype_rule rule = {out, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, out, 0, STUB_MAX_RANK));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, out)) == 0;
    return stub_stream_check(call);
}

#define COPY(name, T) STUB_LOOP1(name, T, T, x)
COPY(copy_f32, float)
COPY(copy_f64, double)
COPY(copy_i64, int64_t)
COPY(copy_b8, uint8_t)
static const stub_map copy = {.loops = {&copy_f32, &copy_f64, &copy_i64, &copy_b8}};

static aclnnStatus fill(const stub_call *call, const stub_distribution *from) {
    stub_view out;
    stub_array numbers;
    STUB_REQUIRE(stub_view_open(call, out_of(call), &out));
    STUB_REQUIRE(stub_array_draw(call, from, out.tensor, &numbers));
    const stub_operand in = {.view = &numbers.view};
    const stub_view *outs = &out;
    stub_map_apply(&copy, from->type, &in, 1, &outs, 1, NULL);
    stub_array_release(&numbers);
    return ACLNN_SUCCESS;
}

/* Uniform numbers. Floats take as many bits of a word as their fraction has, so that no result is rounded up to 1. */
enum { FROM = 1, TO };

static void draw_f32(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const double *c = constants;
    const float low = (float)c[0], width = (float)(c[1] - c[0]), high = (float)c[1];
    const uint32_t unused = (uint32_t)c[2];
    float *to = numbers;
    for (size_t i = 0; i < n; i++) {
        const uint32_t fraction = (words[i] << (9 + unused) >> 9) | 0x3F800000u;
        const float value = low + (stub_bits_float(fraction) - 1) * width;
        to[i] = value < high ? value : low;
    }
}

static void draw_f64(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const double *c = constants;
    double *to = numbers;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
        const double value = c[0] + (double)(bits >> 11) * 0x1p-53 * (c[1] - c[0]);
        to[i] = value < c[1] ? value : c[0];
    }
}

/* Whole numbers of a uniform distribution over the reals: down to the next one. */
static void draw_floor(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    double *to = numbers;
    draw_f64(n, words, numbers, constants);
    for (size_t i = 0; i < n; i++) {
        to[i] = floor(to[i]);
    }
}

static int unused_bits(aclDataType dtype) {
    return dtype == ACL_FLOAT16 ? 13 : dtype == ACL_BF16 ? 16 : 0;
}

static aclnnStatus check_uniform(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_out(call, plan, STUB_REALS | STUB_INTEGERS));
    const double low = call->args[FROM].real, high = call->args[TO].real;
    if (!(low <= high)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: from is %g, to is %g; from may not be larger", call->op->name,
                         low, high);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_uniform(const stub_call *call) {
    const aclDataType dtype = stub_tensor_arg(call, 0)->dtype;
    const double c[] = {call->args[FROM].real, call->args[TO].real, unused_bits(dtype)};
    const bool is_float = (STUB_FLOATS >> dtype & 1) != 0;
    const stub_distribution uniform = {.draw = is_float              ? draw_f32
                                               : dtype == ACL_DOUBLE ? draw_f64
                                                                     : draw_floor,
                                       .type = is_float ? ACL_FLOAT : ACL_DOUBLE,
                                       .words = is_float ? 1 : 2,
                                       .constants = c};
    return fill(call, &uniform);
}

STUB_KERNEL(aclnnInplaceUniform, check_uniform, run_uniform)
STUB_KERNEL(aclnnInplaceUniformTensor, check_uniform, run_uniform)

/* Integers from a range: a word, or two for more than 2^32 of them, modulo the size of the range. */
typedef struct {
    int64_t low;
    uint64_t size; /* 0: 2^64 */
} range;

static void draw_whole(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const range *within = constants;
    int64_t *to = numbers;
    for (size_t i = 0; i < n; i++) {
        to[i] = (int64_t)((uint64_t)within->low + words[i] % within->size);
    }
}

static void draw_wide(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const range *within = constants;
    int64_t *to = numbers;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
        to[i] = (int64_t)((uint64_t)within->low + (within->size ? word % within->size : word));
    }
}

static aclnnStatus fill_range(const stub_call *call, range within) {
    const bool is_wide = within.size == 0 || within.size > UINT64_C(1) << 32;
    const stub_distribution whole = {
        .draw = is_wide ? draw_wide : draw_whole, .type = ACL_INT64, .words = is_wide ? 2 : 1, .constants = &within};
    return fill(call, &whole);
}

/* The largest integer up to which the type has all of them. */
static int64_t largest(aclDataType dtype) {
    switch (dtype) {
    case ACL_BOOL:
        return 1;
    case ACL_INT8:
        return INT8_MAX;
    case ACL_UINT8:
        return UINT8_MAX;
    case ACL_INT16:
        return INT16_MAX;
    case ACL_INT32:
        return INT32_MAX;
    case ACL_BF16:
        return 1 << 8;
    case ACL_FLOAT16:
        return 1 << 11;
    case ACL_FLOAT:
    case ACL_COMPLEX64:
        return 1 << 24;
    case ACL_INT64:
        return INT64_MAX;
    default:
        return INT64_C(1) << 53;
    }
}

static aclnnStatus check_random(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_out(call, plan, OUTPUTS));
    const int64_t low = call->args[FROM].integer, high = call->args[TO].integer;
    const aclDataType dtype = stub_tensor_arg(call, 0)->dtype;
    const bool is_integer = (STUB_INTEGERS >> dtype & 1) != 0;
    const int64_t limit = largest(dtype), least = dtype == ACL_UINT8 ? 0 : -limit - 1;
    if (low >= high || (is_integer && (low < least || high - 1 > limit))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: from is %lld, to is %lld; from must be smaller, and from to to - 1 values of %s",
                         call->op->name, (long long)low, (long long)high, stub_dtype_name(dtype));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_random(const stub_call *call) {
    const int64_t low = call->args[FROM].integer;
    return fill_range(call, (range){low, (uint64_t)call->args[TO].integer - (uint64_t)low});
}

static aclnnStatus check_any(const stub_call *call, stub_plan *plan) {
    return check_out(call, plan, STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS);
}

static aclnnStatus run_any(const stub_call *call) {
    return fill_range(call, (range){0, (uint64_t)largest(stub_tensor_arg(call, 0)->dtype) + 1});
}

STUB_KERNEL(aclnnInplaceRandom, check_random, run_random)
STUB_KERNEL(aclnnInplaceRandomTensor, check_random, run_random)
STUB_KERNEL(aclnnInplaceRandomWithoutFromTo, check_any, run_any)
STUB_KERNEL(aclnnInplaceRandomWithoutFromToTensor, check_any, run_any)

/* -log(u) / lambda, u above 0. */
static void draw_exponential(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const double *lambda = constants;
    float *to = numbers;
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)(-log(1 - stub_unit(words[i])) / *lambda);
    }
}

enum { COUNT = 1, LAMBDA };

static aclnnStatus check_exponential(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_out(call, plan, STUB_FLOATS));
    const int64_t count = call->args[COUNT].integer, all = stub_tensor_numel(stub_tensor_arg(call, 0));
    if (!(call->args[LAMBDA].real > 0) || count != all) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: lambda is %g, count %lld; lambda must be above 0, count the %lld elements of selfRef",
                         call->op->name, call->args[LAMBDA].real, (long long)count, (long long)all);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_exponential(const stub_call *call) {
    const stub_distribution exponential = {draw_exponential, ACL_FLOAT, 1, &call->args[LAMBDA].real};
    return fill(call, &exponential);
}

STUB_KERNEL(aclnnSimThreadExponential, check_exponential, run_exponential)
