/* Smooth activations, in FLOAT for the half types and rounded once. */
#include "opapi/map.h"
#include "opapi/math.h"

#define SQRT_HALF 0.70710678118654752440f
#define TWO_SQRT_TWO_OVER_PI 1.59576912160573071176f

/* tanh's argument comes doubled, since (1 + tanh(u)) / 2 is sigmoid(2 u). */
STUB_INLINE float gelu_tanh(float x) {
    return x * stub_sigmoidf(TWO_SQRT_TWO_OVER_PI * (x + 0.044715f * x * x * x));
}

STUB_INLINE float gelu_erf(float x) {
    return 0.5f * x * (1 + stub_erff(x * SQRT_HALF));
}

/* x tanh(log(1 + exp(x))), with tanh(log(e)) = (e e - 1) / (e e + 1). */
STUB_INLINE float mish(float x) {
    const float e = stub_expf(x < 20 ? x : 20), n = e * (e + 2);
    return x != x || x > 20 ? x : x * (n / (n + 2));
}

STUB_INLINE float log_sigmoid(float x) {
    return (x < 0 ? x : 0) - stub_log1pf(stub_expf(-fabsf(x)));
}

/* In double, for a product that is rounded to float before exp costs digits. */
STUB_INLINE float softplus(float x, float beta, float threshold) {
    const double scaled = (double)x * (double)beta;
    const float soft = (float)(stub_wide_log1p(stub_wide_exp(scaled)) / (double)beta);
    return scaled > (double)threshold ? x : soft;
}

STUB_INLINE float elu(float x, float alpha, float scale, float input_scale) {
    return x > 0 ? scale * x : scale * alpha * stub_expm1f(input_scale * x);
}

/* With an alpha or inputScale that is infinite or NaN, CANN leaves out expm1: -alpha takes its place at 0 too. */
STUB_INLINE float any_elu(float x, float alpha, float scale, float input_scale) {
    const bool finite = fabsf(alpha) < INFINITY && fabsf(input_scale) < INFINITY;
    const float usual = elu(x, alpha, scale, input_scale), odd = (x <= 0 ? -alpha : x) * scale;
    return finite ? usual : odd;
}

STUB_INLINE double any_elu_f64(double x, double alpha, double scale, double input_scale) {
    const bool finite = isfinite(alpha) && isfinite(input_scale);
    const double usual = x > 0 ? scale * x : scale * alpha * expm1(input_scale * x);
    return finite ? usual : (x <= 0 ? -alpha : x) * scale;
}

STUB_COSTLY_LOOP1(sigmoid_f32, float, float, stub_sigmoidf(x))
STUB_LOOP1(sigmoid_f64, double, double, stub_sigmoid(x))
STUB_LOOP1(sigmoid_c128, double complex, double complex, stub_csigmoid(x))
STUB_COSTLY_LOOP1(silu_f32, float, float, stub_siluf(x))
STUB_COSTLY_LOOP1(gelu_tanh_f32, float, float, gelu_tanh(x))
STUB_COSTLY_LOOP1(fast_gelu_f32, float, float, x *stub_sigmoidf(1.702f * x))
STUB_COSTLY_LOOP1(mish_f32, float, float, mish(x))
STUB_COSTLY_LOOP1(log_sigmoid_f32, float, float, log_sigmoid(x))
STUB_COSTLY_LOOP1(selu_f32, float, float, elu(x, 1.67326324235437728f, 1.05070098735548049f, 1))
STUB_LOOP1(selu_i64, int64_t, int64_t,
           elu((float)x, 1.67326324235437728f, 1.05070098735548049f, 1)) /* the fraction is cut off */
STUB_COSTLY_LOOP2(celu_f32, float, float, (x > 0 ? x : y * stub_expm1f(x / y)))
STUB_COSTLY_LOOP3(softplus_f32, float, float, softplus(x, y, z))
STUB_COSTLY_LOOP4(elu_f32, float, float, any_elu(x, y, z, w))
STUB_LOOP4(elu_f64, double, double, any_elu_f64(x, y, z, w))

/* in[1], beta: 1 when absent. */
STUB_COSTLY_LOOP(swish_f32, {
    const float *const xs = in[0], *const beta = in[1];
    const float scale = beta ? beta[0] : 1;
    float *const rs = out[0];
    (void)c;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        rs[i] = xs[i] * stub_sigmoidf(scale * xs[i]);
    }
})

/* c[0]: 0 erf, 1 tanh. */
STUB_COSTLY_LOOP(gelu_f32, {
    const float *const xs = in[0];
    float *const rs = out[0];
    if (c[0] != 0) {
        STUB_EACH for (size_t i = 0; i < n; i++) {
            rs[i] = gelu_tanh(xs[i]);
        }
        return;
    }
    STUB_EACH for (size_t i = 0; i < n; i++) {
        rs[i] = gelu_erf(xs[i]);
    }
})

#define MAP(name, scalars) {.loops = {&name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = (scalars)}
#define OWN(name) {.loops = {&name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .own_output = true}
#define SIGMOID(allowed_)                                                                                              \
    {.loops = {[STUB_F32] = &sigmoid_f32, [STUB_F64] = &sigmoid_f64, [STUB_C128] = &sigmoid_c128},                     \
     .allowed = (allowed_),                                                                                            \
     .type = STUB_AS_FLOAT}
#define ELU {.loops = {&elu_f32, &elu_f64}, .allowed = STUB_REALS, .type = STUB_AS_FLOAT, .apart = 14}
#define SELU                                                                                                           \
    {.loops = {[STUB_F32] = &selu_f32, [STUB_I64] = &selu_i64},                                                        \
     .allowed = STUB_FLOATS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32)}

STUB_FAMILY_KERNEL(aclnnSigmoid, stub_map, SIGMOID(STUB_REALS | STUB_COMPLEXES | STUB_INTEGERS | STUB_BOOLS))
STUB_FAMILY_KERNEL(aclnnInplaceSigmoid, stub_map, SIGMOID(STUB_REALS | STUB_COMPLEXES))
STUB_FAMILY_KERNEL(aclnnSilu, stub_map, OWN(silu))
STUB_FAMILY_KERNEL(aclnnSwish, stub_map,
                   {.loops = {&swish_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = 2, .optional = 2})
STUB_FAMILY_KERNEL(aclnnGelu, stub_map, OWN(gelu_tanh))
STUB_FAMILY_KERNEL(aclnnFastGelu, stub_map, MAP(fast_gelu, 0))
STUB_FAMILY_KERNEL(aclnnMish, stub_map, MAP(mish, 0))
STUB_FAMILY_KERNEL(aclnnInplaceMish, stub_map, MAP(mish, 0))
STUB_FAMILY_KERNEL(aclnnLogSigmoid, stub_map, MAP(log_sigmoid, 0))
STUB_FAMILY_KERNEL(aclnnSelu, stub_map, SELU)
STUB_FAMILY_KERNEL(aclnnInplaceSelu, stub_map, SELU)
STUB_FAMILY_KERNEL(aclnnSoftplus, stub_map, MAP(softplus, 6))
STUB_FAMILY_KERNEL(aclnnElu, stub_map, ELU)
STUB_FAMILY_KERNEL(aclnnInplaceElu, stub_map, ELU)

static const stub_map celu_map = MAP(celu, 2);

static aclnnStatus check_celu(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &celu_map));
    const double alpha = stub_scalar_number(call->args[1].scalar);
    return alpha > 0 || alpha < 0 ? ACLNN_SUCCESS
                                  : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: alpha is %g; it must be a number but 0",
                                              call->op->name, alpha);
}

static aclnnStatus run_celu(const stub_call *call) {
    return stub_map_run(call, &celu_map);
}

STUB_KERNEL(aclnnCelu, check_celu, run_celu)
STUB_KERNEL(aclnnInplaceCelu, check_celu, run_celu)
STUB_KERNEL(aclnnCeluV3, check_celu, run_celu)

static const stub_map gelu_map = OWN(gelu);

static aclnnStatus check_gelu_v2(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &gelu_map));
    const int64_t approximate = call->args[1].integer;
    return approximate == 0 || approximate == 1
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: approximate is %lld; it has to be 0 (erf) or 1 (tanh)",
                           call->op->name, (long long)approximate);
}

static aclnnStatus run_gelu_v2(const stub_call *call) {
    return stub_map_run(call, &gelu_map);
}

STUB_KERNEL(aclnnGeluV2, check_gelu_v2, run_gelu_v2)

/* silu(x) * y */
STUB_LOOP2(silu_mul_f32, float, float, stub_siluf(x) * y)

STUB_FAMILY_KERNEL(aclnnSiluMul, stub_map,
                   {.loops = {[STUB_F32] = &silu_mul_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT})
