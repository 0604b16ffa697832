/* Gradients of activations: x is the gradient that comes in, y what the forward operator got or gave. */
#include <string.h>

#include "opapi/map.h"
#include "opapi/math.h"
#include "opapi/promote.h"

#define SQRT_HALF 0.70710678118654752440f
#define INVERSE_SQRT_TWO_PI 0.39894228040143267794f
#define TWO_SQRT_TWO_OVER_PI 1.59576912160573071176f
#define SELU_ALPHA 1.67326324235437728f
#define SELU_SCALE 1.05070098735548049f

STUB_INLINE float gelu_erf_slope(float x) {
    return 0.5f * (1 + stub_erff(x * SQRT_HALF)) + x * stub_expf(-0.5f * x * x) * INVERSE_SQRT_TWO_PI;
}

/* d/dx x s(u(x)) with s the sigmoid. */
STUB_INLINE float gelu_tanh_slope(float x) {
    const float u = TWO_SQRT_TWO_OVER_PI * (x + 0.044715f * x * x * x);
    const float inner = TWO_SQRT_TWO_OVER_PI * (1 + 3 * 0.044715f * x * x);
    return stub_sigmoidf(u) * (1 + x * stub_sigmoidf(-u) * inner);
}

/* d/dx x s(b x). */
STUB_INLINE float swish_slope(float x, float b) {
    const float s = stub_sigmoidf(b * x);
    return s * (1 + b * x * stub_sigmoidf(-b * x));
}

/* t = tanh(log(1 + exp(x))): t + x (1 - t t) sigmoid(x). */
STUB_INLINE float mish_slope(float x) {
    const float e = stub_expf(x < 20 ? x : 20), n = e * (e + 2), t = n / (n + 2);
    return t + x * (4 * (n + 1) / ((n + 2) * (n + 2))) * stub_sigmoidf(x);
}

STUB_LOOP2(sigmoid_f32, float, float, x * y * (1 - y))
STUB_LOOP2(sigmoid_f64, double, double, x * y * (1 - y))
STUB_LOOP2(sigmoid_c128, double complex, double complex, x *conj(y * (1 - y)))
STUB_LOOP2(tanh_f32, float, float, x * (1 - y * y))
STUB_LOOP2(tanh_f64, double, double, x * (1 - y * y))
STUB_LOOP2(silu_f32, float, float, x *swish_slope(y, 1))
STUB_LOOP2(gelu_erf_f32, float, float, x *gelu_erf_slope(y))
STUB_LOOP2(gelu_tanh_f32, float, float, x *gelu_tanh_slope(y))
STUB_LOOP2(fast_gelu_f32, float, float, x *swish_slope(y, 1.702f))
STUB_LOOP2(mish_f32, float, float, x *mish_slope(y))
STUB_LOOP2(log_sigmoid_f32, float, float, x *stub_sigmoidf(-y))
STUB_LOOP2(selu_f32, float, float, (y > 0 ? x * SELU_SCALE : x * (y + SELU_SCALE * SELU_ALPHA)))
STUB_LOOP2(selu_i64, int64_t, int64_t,
           (y > 0 ? (float)x * SELU_SCALE : (float)x * ((float)y + SELU_SCALE * SELU_ALPHA)))
STUB_LOOP2(hardsigmoid_f32, float, float, (y > -3 && y < 3 ? x * (1.0f / 6) : 0))
STUB_LOOP2(hardswish_f32, float, float, x *(y < -3 ? 0 : y > 3 ? 1 : y / 3 + 0.5f))
STUB_LOOP2(hardswish_v2_f32, float, float, x *(y <= -3 ? 0 : y >= 3 ? 1 : y / 3 + 0.5f))
STUB_LOOP3(threshold_f32, float, float, (y <= z ? 0 : x))
STUB_LOOP3(threshold_i64, int64_t, int64_t, (y <= z ? 0 : x))
STUB_LOOP3(leaky_relu_f32, float, float, (y > 0 ? x : x * z))
STUB_LOOP3(leaky_relu_f64, double, double, (y > 0 ? x : x * z))
STUB_LOOP3(hardshrink_f32, float, float, (y >= -(z > 0 ? z : 0) && y <= (z > 0 ? z : 0) ? 0 : x))
STUB_LOOP3(softshrink_f32, float, float, (y >= -z && y <= z ? 0 : x))
STUB_LOOP4(hardtanh_f32, float, float, (y < z || y > w ? 0 : x))
STUB_LOOP4(softplus_f32, float, float, (y * z > w ? x : x * stub_sigmoidf(y * z)))
STUB_LOOP4(softplus_f64, double, double, (y * z > w ? x : x * stub_sigmoid(y * z)))

/* in: the gradient, self, beta (1 when absent). */
STUB_LOOP(swish_f32, {
    const float *const xs = in[0], *const ys = in[1], *const beta = in[2];
    const float scale = beta ? beta[0] : 1;
    float *const rs = out[0];
    (void)c;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        rs[i] = xs[i] * swish_slope(ys[i], scale);
    }
})

/* in: the gradient, alpha, scale, inputScale, self or the result; c[0]: it is the result. */
STUB_LOOP(elu_f32, {
    const float *const xs = in[0], *const ys = in[4];
    const float alpha = ((const float *)in[1])[0], scale = ((const float *)in[2])[0], inner = ((const float *)in[3])[0];
    const int is_result = c[0] != 0;
    float *const rs = out[0];
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float y = ys[i], grown = is_result ? y + scale * alpha : scale * alpha * stub_expf(y * inner);
        rs[i] = xs[i] * (y > 0 ? scale : inner * grown);
    }
})

#define MAP(name, scalars) {.loops = {&name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = (scalars)}
/* The third input, the forward operator's buffer, holds nothing. */
#define LOG_SIGMOID                                                                                                    \
    {.loops = {&log_sigmoid_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = 4, .optional = 4}
#define WIDER(name, allowed_, scalars)                                                                                 \
    {.loops = {&name##_f32, &name##_f64}, .allowed = (allowed_), .type = STUB_AS_FLOAT, .apart = (scalars)}

STUB_FAMILY_KERNEL(aclnnSigmoidBackward, stub_map,
                   {.loops = {[STUB_F32] = &sigmoid_f32, [STUB_F64] = &sigmoid_f64, [STUB_C128] = &sigmoid_c128},
                    .allowed = STUB_REALS | STUB_COMPLEXES,
                    .type = STUB_AS_FLOAT})
STUB_FAMILY_KERNEL(aclnnTanhBackward, stub_map, WIDER(tanh, STUB_REALS, 0))
STUB_FAMILY_KERNEL(aclnnSiluBackward, stub_map, MAP(silu, 0))
STUB_FAMILY_KERNEL(aclnnSwishBackward, stub_map,
                   {.loops = {&swish_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = 4, .optional = 4})
STUB_FAMILY_KERNEL(aclnnFastGeluBackward, stub_map, MAP(fast_gelu, 0))
STUB_FAMILY_KERNEL(aclnnMishBackward, stub_map, MAP(mish, 0))
STUB_FAMILY_KERNEL(aclnnLogSigmoidBackward, stub_map, LOG_SIGMOID)
STUB_FAMILY_KERNEL(aclnnSeluBackward, stub_map,
                   {.loops = {[STUB_F32] = &selu_f32, [STUB_I64] = &selu_i64},
                    .allowed = STUB_FLOATS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32)})
STUB_FAMILY_KERNEL(aclnnHardsigmoidBackward, stub_map, MAP(hardsigmoid, 0))
STUB_FAMILY_KERNEL(aclnnHardswishBackward, stub_map, MAP(hardswish, 0))
STUB_FAMILY_KERNEL(aclnnHardswishBackwardV2, stub_map, MAP(hardswish_v2, 0))
STUB_FAMILY_KERNEL(aclnnThresholdBackward, stub_map,
                   {.loops = {[STUB_F32] = &threshold_f32, [STUB_I64] = &threshold_i64},
                    .allowed = STUB_FLOATS | STUB_INTEGERS,
                    .apart = 4})
STUB_FAMILY_KERNEL(aclnnLeakyReluBackward, stub_map, WIDER(leaky_relu, STUB_REALS, 4))
STUB_FAMILY_KERNEL(aclnnHardshrinkBackward, stub_map, MAP(hardshrink, 4))
STUB_FAMILY_KERNEL(aclnnSoftshrinkBackward, stub_map, MAP(softshrink, 4))
STUB_FAMILY_KERNEL(aclnnHardtanhBackward, stub_map, MAP(hardtanh, 12))
STUB_FAMILY_KERNEL(aclnnSoftplusBackward, stub_map, WIDER(softplus, STUB_REALS | STUB_INTEGERS | STUB_BOOLS, 12))
STUB_FAMILY_KERNEL(aclnnEluBackward, stub_map, MAP(elu, 14))

/* CANN looks at the promoted type alone: one of the two may be integers. The document of the forward operator has tanh,
 * this one's erf. */
static const stub_map gelu_map = {
    .loops = {&gelu_erf_f32}, .allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS, .type = STUB_AS_FLOAT};

static aclnnStatus check_gelu(const stub_call *call, stub_plan *plan) {
    static const stub_dtype_rule floats = {0, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_map_check(call, plan, &gelu_map));
    return stub_dtype_is_integral(call->args[1].tensor->dtype) ? stub_check_dtypes(call, &floats, 1) : ACLNN_SUCCESS;
}

static aclnnStatus run_gelu(const stub_call *call) {
    return stub_map_run(call, &gelu_map);
}

STUB_KERNEL(aclnnGeluBackward, check_gelu, run_gelu)

/* approximate: none (erf) or tanh. */
static const stub_map gelu_erf_map = MAP(gelu_erf, 0), gelu_tanh_map = MAP(gelu_tanh, 0);

static const stub_map *gelu_of(const char *approximate) {
    return strcmp(approximate, "none") == 0 ? &gelu_erf_map : strcmp(approximate, "tanh") == 0 ? &gelu_tanh_map : NULL;
}

static aclnnStatus check_gelu_v2(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &gelu_erf_map));
    const char *approximate = call->args[2].text;
    if (!approximate) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: approximate must not be NULL", call->op->name);
    }
    return gelu_of(approximate)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: approximate is \"%s\"; it has to be none or tanh",
                           call->op->name, approximate);
}

static aclnnStatus run_gelu_v2(const stub_call *call) {
    return stub_map_run(call, gelu_of(call->args[2].text));
}

STUB_KERNEL(aclnnGeluBackwardV2, check_gelu_v2, run_gelu_v2)
