/* Gelu of float and its derivative, in the exact form x * Phi(x) and in the one with tanh. */
#ifndef ASCEND_STUB_OPAPI_GELU_H
#define ASCEND_STUB_OPAPI_GELU_H

#include "opapi/math.h"

STUB_INLINE float stub_gelu_exact(float x) {
    const float bounded = x < -40.0f ? -40.0f : x; /* beyond, it is 0, and no infinity times 0 */
    return 0.5f * bounded * stub_erfcf(bounded * -0.70710678f);
}

STUB_INLINE float stub_gelu_exact_slope(float x) {
    return 0.5f * stub_erfcf(x * -0.70710678f) + x * stub_expf(x * x * -0.5f) * 0.39894228f;
}

/* 2 * sqrt(2 / pi) * (x + 0.044715 x^3): (1 + tanh(u / 2)) / 2 is sigmoid(u). */
STUB_INLINE float stub_gelu_argument(float x) {
    return 1.5957691216f * (x + 0.044715f * x * x * x);
}

STUB_INLINE float stub_gelu_tanh(float x) {
    const float bounded = x < -40.0f ? -40.0f : x;
    return bounded * stub_sigmoidf(stub_gelu_argument(bounded));
}

STUB_INLINE float stub_gelu_tanh_slope(float x) {
    const float s = stub_sigmoidf(stub_gelu_argument(x));
    return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
}

#endif
