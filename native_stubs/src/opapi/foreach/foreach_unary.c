/* Lists of tensors through functions of one number. */
#include "opapi/foreach/foreach.h"
#include "opapi/math.h"

STUB_LOOP1(abs_f32, float, float, fabsf(x))
STUB_COSTLY_LOOP1(acos_f32, float, float, stub_acosf(x))
STUB_COSTLY_LOOP1(asin_f32, float, float, stub_asinf(x))
STUB_COSTLY_LOOP1(atan_f32, float, float, stub_atanf(x))
STUB_LOOP1(copy_f32, float, float, x)
STUB_LOOP1(copy_f64, double, double, x)
STUB_LOOP1(copy_i64, int64_t, int64_t, x)
STUB_LOOP1(copy_b8, uint8_t, uint8_t, x)
STUB_TURN_LOOP(cos_f32, stub_cosf, cosf)
STUB_COSTLY_LOOP1(cosh_f32, float, float, stub_coshf(x))
STUB_COSTLY_LOOP1(erf_f32, float, float, stub_erff(x))
STUB_COSTLY_LOOP1(erfc_f32, float, float, stub_erfcf(x))
STUB_COSTLY_LOOP1(exp_f32, float, float, stub_expf(x))
STUB_COSTLY_LOOP1(expm1_f32, float, float, stub_expm1f(x))
STUB_COSTLY_LOOP1(log_f32, float, float, stub_logf(x))
STUB_COSTLY_LOOP1(log10_f32, float, float, stub_log10f(x))
STUB_COSTLY_LOOP1(log1p_f32, float, float, stub_log1pf(x))
STUB_COSTLY_LOOP1(log2_f32, float, float, stub_log2f(x))
STUB_LOOP1(neg_f32, float, float, -x)
STUB_LOOP1(neg_i64, uint64_t, uint64_t, 0 - x)
STUB_LOOP1(reciprocal_f32, float, float, 1 / x)
STUB_COSTLY_LOOP1(sigmoid_f32, float, float, stub_sigmoidf(x))
STUB_LOOP1(sign_f32, float, float, (x > 0) - (x < 0))
STUB_LOOP1(sign_i64, int64_t, int64_t, (x > 0) - (x < 0))
STUB_TURN_LOOP(sin_f32, stub_sinf, sinf)
STUB_COSTLY_LOOP1(sinh_f32, float, float, stub_sinhf(x))
STUB_LOOP1(sqrt_f32, float, float, sqrtf(x))
STUB_TURN_LOOP(tan_f32, stub_tanf, tanf)
STUB_COSTLY_LOOP1(tanh_f32, float, float, stub_tanhf(x))

/* In: a number and how to round it. Half to even unless the mode is 2 (down), 3 (up), 4 (half away from zero), 5
 * (towards zero) or 6 (half to odd). */
STUB_LOOP2(round_f32, float, float,
           (y == 2   ? floorf(x)
            : y == 3 ? ceilf(x)
            : y == 4 ? copysignf(truncf(fabsf(x)) + (fabsf(x) - truncf(fabsf(x)) >= 0.5f), x)
            : y == 5 ? truncf(x)
            : y == 6 && fabsf(x - truncf(x)) == 0.5f ? 2 * floorf(x * 0.5f) + 1
                                                     : rintf(x)))
STUB_LOOP2(round_i64, int64_t, int64_t, x + (y & 0))

STUB_LOOP(zero_f32, {
    float *const rs = out[0];
    (void)in, (void)c;
    for (size_t i = 0; i < n; i++) {
        rs[i] = 0;
    }
})

STUB_LOOP(zero_i64, {
    int64_t *const rs = out[0];
    (void)in, (void)c;
    for (size_t i = 0; i < n; i++) {
        rs[i] = 0;
    }
})

#define INT8 STUB_DTYPE(ACL_INT8)
#define UINT8 STUB_DTYPE(ACL_UINT8)
#define INT16 STUB_DTYPE(ACL_INT16)
#define INT32 STUB_DTYPE(ACL_INT32)
#define INT64 STUB_DTYPE(ACL_INT64)
#define FLOATS(name) {.loops = {[STUB_F32] = &name##_f32}, .types = STUB_FLOATS}
#define MIXED(name, integers)                                                                                          \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_I64] = &name##_i64}, .types = STUB_FLOATS | (integers)}
#define NARROW(name) {.loops = {&name##_f32}, .types = STUB_FLOATS | INT8 | UINT8 | INT16, .in_float = true}
#define COPY_TYPES (STUB_NUMBERS | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32))

STUB_FAMILY_KERNEL(aclnnForeachAbs, foreach, FLOATS(abs))
STUB_FAMILY_KERNEL(aclnnForeachAcos, foreach, FLOATS(acos))
STUB_FAMILY_KERNEL(aclnnForeachACosInplace, foreach, FLOATS(acos))
STUB_FAMILY_KERNEL(aclnnForeachAsin, foreach, FLOATS(asin))
STUB_FAMILY_KERNEL(aclnnForeachAtan, foreach, FLOATS(atan))
STUB_FAMILY_KERNEL(aclnnForeachCopy, foreach,
                   {.loops = {&copy_f32, &copy_f64, &copy_i64, &copy_b8}, .types = COPY_TYPES, .converts = true})
STUB_FAMILY_KERNEL(aclnnForeachCos, foreach, FLOATS(cos))
STUB_FAMILY_KERNEL(aclnnForeachCosh, foreach, FLOATS(cosh))
STUB_FAMILY_KERNEL(aclnnForeachErf, foreach, FLOATS(erf))
STUB_FAMILY_KERNEL(aclnnForeachErfc, foreach, FLOATS(erfc))
STUB_FAMILY_KERNEL(aclnnForeachExp, foreach, NARROW(exp))
STUB_FAMILY_KERNEL(aclnnForeachExpm1, foreach, NARROW(expm1))
STUB_FAMILY_KERNEL(aclnnForeachLog, foreach, FLOATS(log))
STUB_FAMILY_KERNEL(aclnnForeachLogInplace, foreach, FLOATS(log))
STUB_FAMILY_KERNEL(aclnnForeachLog10, foreach, FLOATS(log10))
STUB_FAMILY_KERNEL(aclnnForeachLog1p, foreach, FLOATS(log1p))
STUB_FAMILY_KERNEL(aclnnForeachLog2, foreach, FLOATS(log2))
STUB_FAMILY_KERNEL(aclnnForeachNeg, foreach, MIXED(neg, INT32 | INT16 | INT8 | UINT8))
STUB_FAMILY_KERNEL(aclnnForeachReciprocal, foreach, FLOATS(reciprocal))
STUB_FAMILY_KERNEL(aclnnForeachRoundOffNumber, foreach, MIXED(round, INT16))
STUB_FAMILY_KERNEL(aclnnForeachRoundOffNumberV2, foreach,
                   {.loops = {[STUB_F32] = &round_f32, [STUB_I64] = &round_i64},
                    .types = STUB_FLOATS | INT16,
                    .scalars = INT8 | INT64})
STUB_FAMILY_KERNEL(aclnnForeachSigmoid, foreach, FLOATS(sigmoid))
STUB_FAMILY_KERNEL(aclnnForeachSign, foreach, MIXED(sign, INT8 | INT32 | INT64))
STUB_FAMILY_KERNEL(aclnnForeachSin, foreach, FLOATS(sin))
STUB_FAMILY_KERNEL(aclnnForeachSinh, foreach, FLOATS(sinh))
STUB_FAMILY_KERNEL(aclnnForeachSqrt, foreach, FLOATS(sqrt))
STUB_FAMILY_KERNEL(aclnnForeachTan, foreach, FLOATS(tan))
STUB_FAMILY_KERNEL(aclnnForeachTanh, foreach, FLOATS(tanh))
STUB_FAMILY_KERNEL(aclnnForeachZeroInplace, foreach, MIXED(zero, INT16 | INT32))
