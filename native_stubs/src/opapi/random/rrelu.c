/* aclnnRReluWithNoise: negative numbers times a random slope, which the noise keeps; without training, times the slope
 * in the middle. The slope is rounded to the tensors' type before it is used. */
#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/map.h"
#include "opapi/moves/numbers.h"
#include "opapi/random/source.h"

enum { SELF, NOISE, LOWER, UPPER, TRAINING };

typedef struct {
    uint32_t out; /* 0: in place */
} rrelu;

static aclnnStatus check_bound(const stub_call *call, uint32_t arg) {
    const aclScalar *scalar = call->args[arg].scalar;
    const char *name = call->op->params[arg].name;
    if (scalar == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name, name);
    }
    const bool real = (int)scalar->dtype >= 0 && (int)scalar->dtype < 64 && (STUB_REALS >> scalar->dtype & 1);
    return real ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID,
                            "%s: the data type of %s (%s) is not supported; allowed are FLOAT, FLOAT16, BF16, DOUBLE",
                            call->op->name, name, stub_dtype_name(scalar->dtype));
}

static aclnnStatus rrelu_check(const stub_call *call, stub_plan *plan, const rrelu *op) {
    const uint32_t tensors[] = {SELF, NOISE, op->out};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(check_bound(call, LOWER));
    STUB_REQUIRE(check_bound(call, UPPER));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, NOISE, SELF));
    STUB_REQUIRE(stub_check_same_dtype(call, op->out, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, NOISE, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, op->out, SELF));
    const int64_t count = stub_tensor_numel(stub_tensor_arg(call, SELF)),
                  room = stub_tensor_numel(stub_tensor_arg(call, NOISE));
    plan->nothing_to_run = count == 0 || room == 0;
    if (call->args[TRAINING].flag && room < count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: noise has %lld elements; it needs the %lld of self",
                         call->op->name, (long long)room, (long long)count);
    }
    return ACLNN_SUCCESS;
}

static void draw_slopes(size_t n, const uint32_t *words, void *numbers, const void *constants) {
    const float *bound = constants;
    float *to = numbers;
    for (size_t i = 0; i < n; i++) {
        const float unit = stub_bits_float(words[i] << 9 >> 9 | 0x3F800000u) - 1;
        to[i] = bound[0] + unit * (bound[1] - bound[0]);
    }
}

static void apply(const float *x, int64_t n, const float *slopes, float middle, float *noise, float *out) {
    for (int64_t i = 0; i < n; i++) {
        const float slope = !(x[i] < 0) ? 1 : slopes ? slopes[i] : middle;
        out[i] = x[i] * slope;
        if (noise) {
            noise[i] = slope;
        }
    }
}

static aclnnStatus rrelu_run(const stub_call *call, const rrelu *op) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t count = stub_tensor_numel(self);
    const float bounds[] = {(float)stub_number(call, LOWER), (float)stub_number(call, UPPER)};
    const stub_distribution uniform = {draw_slopes, ACL_FLOAT, 1, bounds};
    const bool trains = call->args[TRAINING].flag;
    stub_array slopes;
    if (trains) {
        STUB_REQUIRE(stub_array_draw(call, &uniform, self, &slopes));
    }
    stub_numbers set = {.call = call};
    const float *x = stub_numbers_read(&set, SELF, ACL_FLOAT);
    float *noise = trains ? stub_numbers_update(&set, NOISE, ACL_FLOAT) : NULL;
    float *out = stub_numbers_write(&set, op->out, ACL_FLOAT);
    float *drawn = trains ? (float *)(void *)slopes.view.base : NULL;
    if (set.status == ACLNN_SUCCESS) {
        if (trains) {
            stub_floats_round(self->dtype, drawn, (size_t)count);
        }
        apply(x, count, drawn, (bounds[0] + bounds[1]) / 2, noise, out);
    }
    if (trains) {
        stub_array_release(&slopes);
    }
    return stub_numbers_end(&set);
}

STUB_FAMILY_KERNEL(aclnnRReluWithNoise, rrelu, {7})
STUB_FAMILY_KERNEL(aclnnInplaceRReluWithNoise, rrelu, {SELF})
