/* Elementary functions of float that compilers can turn into vector code: no calls, no branches. Errors are below 1
 * unit of the last place of float (tanh, erf, sigmoid: 2.5; silu of less than -87 is coarser), for every argument
 * unless a comment says otherwise. For double and complex use <math.h>, <complex.h>; STUB_EXP(x) and its like choose by
 * the type of x. */
#ifndef ASCEND_STUB_OPAPI_MATH_H
#define ASCEND_STUB_OPAPI_MATH_H

#include <complex.h>
#include <math.h>

#include "core/half.h"
#include "opapi/loops.h"
#include "opapi/math_wide.h"

STUB_INLINE float stub_polynomial(const float *c, int degree, float x) {
    float p = c[degree];
    for (int i = degree - 1; i >= 0; i--) {
        p = p * x + c[i];
    }
    return p;
}

/* Added to a number below 2^22, it leaves the nearest integer, half to even, in the low bits of the mantissa. */
#define STUB_NEAR 0x1.8p23f

/* exp(x) = 2^k * exp(r) with |r| <= ln(2)/2, exp(r) by its Taylor polynomial in Cephes' fitted coefficients; k is in
 * the low bits of *shifted. A NaN goes through all of it. */
STUB_INLINE float stub_expf_parts(float bounded, uint32_t *shifted) {
    const float sum = bounded * 1.44269504f + STUB_NEAR, k = sum - STUB_NEAR;
    const float r = (bounded - k * 0.693359375f) - k * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    *shifted = stub_float_bits(sum);
    return (p * r * r + r) + 1.0f;
}

/* 2^k is two factors, so that results may be subnormal. */
STUB_INLINE float stub_expf(float x) {
    uint32_t k;
    const float y = stub_expf_parts(x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x, &k); /* a NaN stays */
    const uint32_t low = k >> 1, high = k - low;
    return y * stub_bits_float((low + 127) << 23) * stub_bits_float((high + 127) << 23);
}

/* The same for x <= 0 or NaN, sooner: 2^k = 2^(k + 26) * 2^-26. */
STUB_INLINE float stub_expf_of_negative(float x) {
    uint32_t k;
    const float y = stub_expf_parts(x < -104.0f ? -104.0f : x, &k);
    return y * stub_bits_float((k + 153) << 23) * 0x1p-26f;
}

/* log(x) = k ln(2) + log(1 + f), |f| < 0.42, by Cephes' polynomial. */
STUB_INLINE float stub_logf(float x) {
    static const float c[] = {3.3333331174e-1f,  -2.4999993993e-1f, 2.0000714765e-1f,
                              -1.6668057665e-1f, 1.4249322787e-1f,  -1.2420140846e-1f,
                              1.1676998740e-1f,  -1.1514610310e-1f, 7.0376836292e-2f};
    const float tiny = x < 0x1p-126f ? 1.0f : 0.0f;
    const uint32_t around = 0x3F3504F3u; /* sqrt(1/2) */
    const uint32_t moved = stub_float_bits(x < 0x1p-126f ? x * 0x1p25f : x) + (0x3F800000u - around);
    const float f = stub_bits_float((moved & 0x007FFFFFu) + around) - 1;
    const float k = (float)(int32_t)(moved >> 23) - 127 - 25 * tiny, z = f * f;
    const float rest = f * z * stub_polynomial(c, 8, f) + k * -2.12194440e-4f - 0.5f * z;
    const float near = (f + rest) + k * 0.693359375f;
    const float finite = x > 0 ? near : x == 0 ? -INFINITY : NAN;
    return x == INFINITY ? x : finite;
}

/* Cephes' polynomial below 0.625, 1 - 2 / (exp(2|x|) + 1) above. */
STUB_INLINE float stub_tanhf(float x) {
    static const float c[] = {-3.33332819422e-1f, 1.33314422036e-1f, -5.37397155531e-2f, 2.06390887954e-2f,
                              -5.70498872745e-3f};
    const float magnitude = fabsf(x), z = x * x;
    const float near = magnitude + magnitude * z * stub_polynomial(c, 4, z < 1 ? z : 1);
    const float far = 1 - 2 / (stub_expf(2 * (magnitude < 20 ? magnitude : 20)) + 1);
    return x != x ? x : copysignf(magnitude < 0.625f ? near : far, x);
}

/* 1 / (1 + exp(-x)), without losing small results. */
STUB_INLINE float stub_sigmoidf(float x) {
    const float e = stub_expf_of_negative(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1 + e);
}

/* x * sigmoid(x); NaN at -infinity, as the formula says. */
STUB_INLINE float stub_siluf(float x) {
    return x * stub_sigmoidf(x);
}

/* x times a polynomial of x^2 below 0.93, 1 - exp(a polynomial of |x|) above; both fitted at Chebyshev points. */
STUB_INLINE float stub_erff(float x) {
    static const float inner[] = {0.1283791665750214f,    -0.3761263306304125f,   0.11283684412148952f,
                                  -0.026858753323123836f, 0.0051993768062641695f, -0.0008123467569275762f,
                                  8.287424411108716e-05f};
    static const float outer[] = {0.00030316658905160665f, -1.1301664005939065f,     -0.6319376758129447f,
                                  -0.10997761804794148f,   0.02636432790160373f,     -0.00474007678737306f,
                                  0.0005927371888592558f,  -4.5586681449651285e-05f, 1.6138588829074351e-06f};
    const float magnitude = fabsf(x), bounded = magnitude < 4 ? magnitude : 4;
    const float near = magnitude + magnitude * stub_polynomial(inner, 6, bounded * bounded);
    const float far = 1 - stub_expf(stub_polynomial(outer, 8, bounded));
    return x != x ? x : copysignf(magnitude < 0.93f ? near : far, x);
}

/* 1 + erf(x), whose tail does not vanish early: what gelu is made of. */
STUB_INLINE float stub_erfcf(float x) {
    return (float)stub_wide_erfc((double)x);
}

#define STUB_WIDE1(name, ...)                                                                                          \
    STUB_INLINE float name(float of) {                                                                                 \
        const double x = (double)of;                                                                                   \
        return (float)(__VA_ARGS__);                                                                                   \
    }

STUB_WIDE1(stub_exp2f, stub_wide_exp(x *STUB_LN2))
STUB_WIDE1(stub_expm1f, copysign(stub_wide_expm1(x), x))
STUB_WIDE1(stub_log2f, stub_wide_log(x) * (1 / STUB_LN2))
STUB_WIDE1(stub_log10f, stub_wide_log(x) * STUB_LOG10_E)
STUB_WIDE1(stub_log1pf, copysign(stub_wide_log1p(x), x))
/* |x| < 2^28; a map's loop for any argument is STUB_TURN_LOOP. */
STUB_WIDE1(stub_sinf, stub_wide_sine(x, 0))
STUB_WIDE1(stub_cosf, stub_wide_sine(x, 1))
STUB_WIDE1(stub_tanf, stub_wide_tan(x))
STUB_WIDE1(stub_asinf, stub_wide_asin(x))
STUB_WIDE1(stub_acosf, stub_wide_acos(x))
STUB_WIDE1(stub_atanf, stub_wide_atan(x))
STUB_WIDE1(stub_erfinvf, stub_wide_erfinv(x))

STUB_INLINE float stub_sinhf(float of) {
    const double e = stub_wide_expm1(fabs((double)of));
    return copysignf((float)((e + e / (e + 1)) * 0.5), of);
}

STUB_INLINE float stub_coshf(float of) {
    const double e = stub_wide_exp(fabs((double)of));
    return (float)((e + 1 / e) * 0.5);
}

STUB_INLINE float stub_asinhf(float of) {
    const double a = fabs((double)of);
    return copysignf((float)stub_wide_log1p(a < 0x1p200 ? a + a * a / (1 + sqrt(a * a + 1)) : a), of);
}

STUB_INLINE float stub_acoshf(float of) {
    const double t = (double)of - 1;
    return (float)(t < 0x1p200 ? stub_wide_log1p(t < 0 ? -2 : t + sqrt(2 * t + t * t)) : t);
}

STUB_INLINE float stub_atanhf(float of) {
    const double a = fabs((double)of);
    return copysignf((float)(0.5 * stub_wide_log1p(a < 1 ? 2 * a / (1 - a) : a == 1 ? (double)INFINITY : -2)), of);
}

STUB_INLINE float stub_rsqrtf(float x) {
    return (float)(1 / sqrt((double)x));
}

/* x^y as IEEE 754's pow. */
STUB_INLINE float stub_powf(float x, float y) {
    const float magnitude = fabsf(x);
    const double power = stub_wide_exp((double)y * stub_wide_log((double)magnitude));
    const float bounded = fabsf(y) < 0x1p30f ? y : 0; /* beyond 2^24, every float is even */
    const int32_t whole = (int32_t)bounded;
    const int is_whole = (float)whole == bounded, is_odd = whole & is_whole & 1;
    const int is_negative = stub_float_bits(x) >> 31 != 0;
    const float value = is_negative & is_odd ? -(float)power : (float)power;
    const int has_no_power = is_negative & !is_whole & (x != 0) & (magnitude < INFINITY);
    const int is_one = (y == 0) | (x == 1) | ((magnitude == 1) & (fabsf(y) == INFINITY));
    const float known = has_no_power ? NAN : value;
    return is_one ? 1.0f : ((x != x) | (y != y)) ? NAN : known;
}

/* A loop of a map (opapi/map.h) over floats: `near`(x) for the stretches without huge finite numbers, `any`(x), a
 * function of the C library, for the others. */
#define STUB_TURN_LOOP(name, near, any)                                                                                \
    STUB_COSTLY_LOOP(name, {                                                                                           \
        const float *const xs = in[0];                                                                                 \
        float *const rs = out[0];                                                                                      \
        int huge = 0;                                                                                                  \
        (void)c;                                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                                               \
            huge |= fabsf(xs[i]) >= 0x1p28f;                                                                           \
        }                                                                                                              \
        if (huge) {                                                                                                    \
            for (size_t i = 0; i < n; i++) {                                                                           \
                rs[i] = any(xs[i]);                                                                                    \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            rs[i] = near(xs[i]);                                                                                       \
        }                                                                                                              \
    })

/* By the type of the argument. */
#define STUB_BY_TYPE(x, of_float, of_double, of_complex)                                                               \
    _Generic((x), float: of_float, double: of_double, double complex: of_complex)
#define STUB_EXP(x) STUB_BY_TYPE(x, stub_expf, exp, cexp)(x)
#define STUB_LOG(x) STUB_BY_TYPE(x, stub_logf, log, clog)(x)
#define STUB_SQRT(x) STUB_BY_TYPE(x, sqrtf, sqrt, csqrt)(x)
#define STUB_SIN(x) STUB_BY_TYPE(x, stub_sinf, sin, csin)(x)
#define STUB_COS(x) STUB_BY_TYPE(x, stub_cosf, cos, ccos)(x)
#define STUB_TAN(x) STUB_BY_TYPE(x, stub_tanf, tan, ctan)(x)
#define STUB_TANH(x) STUB_BY_TYPE(x, stub_tanhf, tanh, ctanh)(x)
#define STUB_SIGMOID(x) STUB_BY_TYPE(x, stub_sigmoidf, stub_sigmoid, stub_csigmoid)(x)
#define STUB_POW(x, y) STUB_BY_TYPE(x, stub_powf, pow, cpow)(x, y)
/* Real numbers only. */
#define STUB_ABS(x) _Generic((x), float: fabsf, double: fabs)(x)
#define STUB_ERF(x) _Generic((x), float: stub_erff, double: erf)(x)
#define STUB_ERFC(x) _Generic((x), float: stub_erfcf, double: erfc)(x)
#define STUB_EXPM1(x) _Generic((x), float: stub_expm1f, double: expm1)(x)
#define STUB_LOG1P(x) _Generic((x), float: stub_log1pf, double: log1p)(x)
#define STUB_SILU(x) _Generic((x), float: stub_siluf, double: stub_silu)(x)

STUB_INLINE double stub_sigmoid(double x) {
    const double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

STUB_INLINE double complex stub_csigmoid(double complex x) {
    return 1 / (1 + cexp(-x));
}

STUB_INLINE double stub_silu(double x) {
    return x * stub_sigmoid(x);
}

#endif
