/* Normal numbers, mean and deviation by value or from tensors; and numbers that are 1 with a probability. */
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/map.h"
#include "opapi/random/source.h"

/* Box-Muller, of neighbouring uniform numbers: sqrt(-2 log u) times sine and cosine of 2 pi v. */
static void draw_normal(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    (void)constants;
    float *to = numbers;
    for (size_t i = 0; i < n; i += 2) {
        const double u = stub_unit(words[i]) + 0x1p-33, v = stub_unit(words[i + 1]);
        const float radius = sqrtf(-2 * logf((float)u)), angle = (float)(2 * M_PI * v);
        to[i] = radius * sinf(angle);
        if (i + 1 < n) {
            to[i + 1] = radius * cosf(angle);
        }
    }
}
static const stub_distribution normal = {.draw = draw_normal, .type = ACL_FLOAT, .words = 1};

/* x: a normal number; mean and deviation: operands, or NULL where c has them. */
STUB_LOOP(scale_f32, {
    const float *const xs = in[0], *const means = in[1], *const deviations = in[2];
    float *const rs = out[0];
    STUB_EACH for (size_t i = 0; i < n; i++) {
        rs[i] = (means ? means[i] : (float)c[0]) + (deviations ? deviations[i] : (float)c[1]) * xs[i];
    }
})

/* Where the arguments are. In place (out 0), CANN's source takes any number, which the documents do not. */
typedef struct {
    uint32_t mean, deviation, out;
} normal_of;

static bool is_tensor(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].kind == STUB_TENSOR;
}

static aclnnStatus check_parameters(const stub_call *call, const normal_of *at) {
    const uint32_t args[] = {at->mean, at->deviation};
    const aclTensor *tensors[2] = {0};
    for (int k = 0; k < 2; k++) {
        if (!is_tensor(call, args[k])) {
            continue;
        }
        const stub_dtype_rule rule = {args[k], STUB_ON_ALL(STUB_REALS)};
        STUB_REQUIRE(stub_check_given(call, &args[k], 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, args[k], 0, STUB_MAX_RANK));
        tensors[k] = stub_tensor_arg(call, args[k]);
    }
    if (!tensors[0] && !tensors[1]) {
        return ACLNN_SUCCESS;
    }
    int64_t shape[STUB_MAX_RANK];
    const int rank = stub_broadcast(tensors, 2, shape);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of mean and std do not broadcast together",
                         call->op->name);
    }
    if (!tensors[1]) {
        tensors[1] = stub_tensor_arg(call, at->out); /* mean alone is broadcast to out */
        const int64_t *dims = tensors[1]->shape;
        const int all = stub_broadcast(tensors, 2, shape);
        return all == (int)tensors[1]->rank && memcmp(shape, dims, (size_t)all * sizeof *dims) == 0
                   ? ACLNN_SUCCESS
                   : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: mean cannot be broadcast to out", call->op->name);
    }
    return stub_check_shape(call, at->out, shape, (uint32_t)rank, "that of mean and std, broadcast");
}

static aclnnStatus normal_of_check(const stub_call *call, stub_plan *plan, const normal_of *at) {
    const stub_dtype_rule rule = {at->out, STUB_ON_ALL(at->out == 0 ? STUB_NUMBERS : STUB_REALS)};
    STUB_REQUIRE(stub_check_given(call, &at->out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, at->out, 0, STUB_MAX_RANK));
    STUB_REQUIRE(check_parameters(call, at));
    if (!is_tensor(call, at->deviation) && !(call->args[at->deviation].real >= 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: std is %g; it may not be negative", call->op->name,
                         call->args[at->deviation].real);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, at->out)) == 0;
    return stub_stream_check(call);
}

static aclnnStatus normal_of_run(const stub_call *call, const normal_of *at) {
    stub_view out, views[2];
    stub_operand in[3] = {{0}};
    const uint32_t args[] = {at->mean, at->deviation};
    double constants[2] = {0};
    STUB_REQUIRE(stub_view_open(call, at->out, &out));
    for (int k = 0; k < 2; k++) {
        if (is_tensor(call, args[k])) {
            STUB_REQUIRE(stub_view_open(call, args[k], &views[k]));
            in[k + 1].view = &views[k];
        } else {
            constants[k] = call->args[args[k]].real;
        }
    }
    stub_array numbers;
    STUB_REQUIRE(stub_array_draw(call, &normal, out.tensor, &numbers));
    in[0].view = &numbers.view;
    const stub_map map = {.loops = {&scale_f32}};
    const stub_view *outs = &out;
    stub_map_apply(&map, ACL_FLOAT, in, 3, &outs, 1, constants);
    stub_array_release(&numbers);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnInplaceNormal, normal_of, {1, 2, 0})
STUB_FAMILY_KERNEL(aclnnInplaceNormalTensor, normal_of, {1, 2, 0})
STUB_FAMILY_KERNEL(aclnnNormalFloatFloat, normal_of, {0, 1, 4})
STUB_FAMILY_KERNEL(aclnnNormalFloatTensor, normal_of, {0, 1, 4})
STUB_FAMILY_KERNEL(aclnnNormalTensorFloat, normal_of, {0, 1, 4})
STUB_FAMILY_KERNEL(aclnnNormalTensorTensor, normal_of, {0, 1, 4})

/* 1 where a uniform number is below the probability. */
static void draw_unit(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    (void)constants;
    double *to = numbers;
    for (size_t i = 0; i < n; i++) {
        to[i] = stub_unit(words[i]);
    }
}
static const stub_distribution unit = {.draw = draw_unit, .type = ACL_DOUBLE, .words = 1};

STUB_LOOP2(below, double, uint8_t, x < y)
static const stub_map bernoulli_map = {.loops = {[STUB_F64] = &below}, .result = STUB_GIVES_BOOL};

/* self, or selfRef; prob; and out, or selfRef again. */
enum { SELF, PROB };

typedef struct {
    uint32_t out;
    bool tensor;
} bernoulli;

static aclnnStatus bernoulli_check(const stub_call *call, stub_plan *plan, const bernoulli *at) {
    const uint32_t required[] = {SELF, PROB, at->out};
    STUB_REQUIRE(stub_check_given(call, required, 3));
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_NUMBERS)}, {at->out, STUB_ON_ALL(STUB_NUMBERS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, at->out, SELF));
    const double prob = at->tensor ? 0 : stub_number(call, PROB);
    if (!(prob >= 0 && prob <= 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: prob is %g; allowed are 0 to 1", call->op->name, prob);
    }
    if (at->tensor) {
        const stub_dtype_rule reals = {PROB, STUB_ON_ALL(STUB_REALS)};
        STUB_REQUIRE(stub_check_dtypes(call, &reals, 1));
        STUB_REQUIRE(stub_check_same_shape(call, PROB, SELF));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus bernoulli_run(const stub_call *call, const bernoulli *at) {
    stub_view out, prob;
    stub_operand in[2] = {{0}};
    STUB_REQUIRE(stub_view_open(call, at->out, &out));
    if (at->tensor) {
        STUB_REQUIRE(stub_view_open(call, PROB, &prob));
        in[1].view = &prob;
    } else {
        in[1].scalar = call->args[PROB].scalar;
    }
    stub_array numbers;
    STUB_REQUIRE(stub_array_draw(call, &unit, out.tensor, &numbers));
    in[0].view = &numbers.view;
    const stub_view *outs = &out;
    stub_map_apply(&bernoulli_map, ACL_DOUBLE, in, 2, &outs, 1, NULL);
    stub_array_release(&numbers);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnBernoulli, bernoulli, {.out = 4})
STUB_FAMILY_KERNEL(aclnnBernoulliTensor, bernoulli, {.out = 4, .tensor = true})
STUB_FAMILY_KERNEL(aclnnInplaceBernoulli, bernoulli, {.out = 0})
STUB_FAMILY_KERNEL(aclnnInplaceBernoulliTensor, bernoulli, {.out = 0, .tensor = true})
