/* Elementary functions of float that compilers can turn into vector code: no calls, no branches. Errors are below 2
 * units of the last place of float unless a comment says otherwise. For double and complex use <math.h>, <complex.h>;
 * STUB_EXP(x) and its like choose by the type of x. */
#ifndef ASCEND_STUB_OPAPI_MATH_H
#define ASCEND_STUB_OPAPI_MATH_H

#include <complex.h>
#include <math.h>

#include "core/half.h"
#include "opapi/loops.h"

/* 2^k for integral k in -252 .. 254, in two factors so that results may be subnormal. */
STUB_INLINE float stub_scale_float(float x, float k) {
    const float half = k * 0.5f;
    const int32_t low = (int32_t)half, high = (int32_t)k - low;
    return x * stub_bits_float((uint32_t)(low + 127) << 23) * stub_bits_float((uint32_t)(high + 127) << 23);
}

/* The nearest integer, half to even, for |x| < 2^22. */
STUB_INLINE float stub_near(float x) {
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

/* exp(x) = 2^k * exp(r) with |r| <= ln(2)/2, exp(r) by its Taylor polynomial in Cephes' fitted coefficients. */
STUB_INLINE float stub_expf(float x) {
    const float bounded = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x; /* a NaN stays */
    const float safe = bounded == bounded ? bounded : 0.0f;
    const float k = stub_near(safe * 1.44269504f);
    const float r = (safe - k * 0.693359375f) - k * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float y = stub_scale_float((p * r * r + r) + 1.0f, k);
    return x == x ? y : x;
}

#define STUB_EXP(x) _Generic((x), float: stub_expf, double: exp, double complex: cexp)(x)

#endif
