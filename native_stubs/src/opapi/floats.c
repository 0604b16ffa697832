/* Sums in lanes, and the step from a row to its normalised values. */
#include "opapi/floats.h"

#include <math.h>

#include "core/half.h"
#include "opapi/elements.h"
#include "opapi/loops.h"

enum { LANES = 16 };

/* Adds `term`, an expression of i, for all i < n. */
#define SUM(name, parameters, term)                                                                                    \
    STUB_VERSIONS(float, name, parameters, {                                                                           \
        float lanes[LANES] = {0};                                                                                      \
        size_t first = 0;                                                                                              \
        for (; first + LANES <= n; first += LANES) {                                                                   \
            for (size_t k = 0; k < LANES; k++) {                                                                       \
                const size_t i = first + k;                                                                            \
                lanes[k] += (term);                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t i = first; i < n; i++) {                                                                           \
            lanes[i - first] += (term);                                                                                \
        }                                                                                                              \
        for (size_t half = LANES / 2; half > 0; half /= 2) {                                                           \
            for (size_t k = 0; k < half; k++) {                                                                        \
                lanes[k] += lanes[k + half];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        return lanes[0];                                                                                               \
    })

SUM(sum, (const float *x, size_t n), x[i])
SUM(squares, (const float *x, float mean, size_t n), (x[i] - mean) * (x[i] - mean))
SUM(dot, (const float *x, const float *y, size_t n), x[i] * y[i])

/* Magnitudes compare like their bits, NaNs above infinity. */
STUB_VERSIONS(float, largest, (const float *x, size_t n), {
    int32_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t magnitude = (int32_t)(stub_float_bits(x[i]) & STUB_F32_MAGNITUDE);
        found = magnitude > found ? magnitude : found;
    }
    return stub_bits_float((uint32_t)found);
})

STUB_VERSIONS(void, add, (const float *x, const float *y, size_t n, float *total), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        total[i] = x[i] + y[i];
    }
})

STUB_VERSIONS(void, normalise,
              (const float *x, float mean, float factor, const float *gamma, const float *beta, size_t n, float *y), {
                  if (gamma && beta) {
                      STUB_EACH for (size_t i = 0; i < n; i++) {
                          y[i] = (x[i] - mean) * factor * gamma[i] + beta[i];
                      }
                      return;
                  }
                  if (gamma) {
                      STUB_EACH for (size_t i = 0; i < n; i++) {
                          y[i] = (x[i] - mean) * factor * gamma[i];
                      }
                      return;
                  }
                  STUB_EACH for (size_t i = 0; i < n; i++) {
                      y[i] = (x[i] - mean) * factor;
                  }
                  if (beta) {
                      STUB_EACH for (size_t i = 0; i < n; i++) {
                          y[i] += beta[i];
                      }
                  }
              })

float stub_floats_sum(const float *x, size_t n) {
    return STUB_BEST(sum)(x, n);
}

float stub_floats_squares(const float *x, float mean, size_t n) {
    return STUB_BEST(squares)(x, mean, n);
}

float stub_floats_dot(const float *x, const float *y, size_t n) {
    return STUB_BEST(dot)(x, y, n);
}

float stub_floats_largest(const float *x, size_t n) {
    return STUB_BEST(largest)(x, n);
}

void stub_floats_add(const float *x, const float *y, size_t n, float *total) {
    STUB_BEST(add)(x, y, n, total);
}

void stub_floats_normalise(const float *x, float mean, float factor, const float *gamma, const float *beta, size_t n,
                           float *y) {
    STUB_BEST(normalise)(x, mean, factor, gamma, beta, n, y);
}

void stub_floats_round(aclDataType as, float *x, size_t n) {
    for (size_t i = 0; as != ACL_FLOAT && i < n; i += STUB_STRETCH) {
        stub_round(as, x + i, n - i < STUB_STRETCH ? n - i : STUB_STRETCH);
    }
}

stub_moments stub_floats_moments(const float *x, size_t n, float epsilon) {
    const float mean = stub_floats_sum(x, n) / (float)n;
    return (stub_moments){mean, 1.0f / sqrtf(stub_floats_squares(x, mean, n) / (float)n + epsilon)};
}
