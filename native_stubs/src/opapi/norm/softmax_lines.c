/* Loops of softmax: maxima and sums in lanes. */
#include "opapi/norm/softmax_lines.h"

#include "opapi/floats.h"
#include "opapi/loops.h"
#include "opapi/math.h"

enum { LANES = 16 };

#define LOOPS(suffix, T)                                                                                               \
    STUB_VERSIONS(T, largest_##suffix, (const T *x, size_t n), {                                                       \
        T lanes[LANES];                                                                                                \
        size_t first = 0;                                                                                              \
        for (size_t k = 0; k < LANES; k++) {                                                                           \
            lanes[k] = -(T)INFINITY;                                                                                   \
        }                                                                                                              \
        for (; first + LANES <= n; first += LANES) {                                                                   \
            STUB_EACH_LANE for (size_t k = 0; k < LANES; k++) {                                                        \
                lanes[k] = x[first + k] > lanes[k] ? x[first + k] : lanes[k];                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (; first < n; first++) {                                                                                   \
            lanes[0] = x[first] > lanes[0] ? x[first] : lanes[0];                                                      \
        }                                                                                                              \
        for (size_t k = 1; k < LANES; k++) {                                                                           \
            lanes[0] = lanes[k] > lanes[0] ? lanes[k] : lanes[0];                                                      \
        }                                                                                                              \
        return lanes[0];                                                                                               \
    })                                                                                                                 \
    STUB_VERSIONS(T, exponentials_##suffix, (const T *x, T from, size_t n, T *y), {                                    \
        T lanes[LANES] = {0};                                                                                          \
        size_t first = 0;                                                                                              \
        for (; first + LANES <= n; first += LANES) {                                                                   \
            STUB_EACH_LANE STUB_EACH for (size_t k = 0; k < LANES; k++) {                                              \
                const T e = EXP_##suffix((T)(x[first + k] - from));                                                    \
                y[first + k] = e;                                                                                      \
                lanes[k] += e;                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t i = first; i < n; i++) {                                                                           \
            y[i] = EXP_##suffix((T)(x[i] - from));                                                                     \
            lanes[i - first] += y[i];                                                                                  \
        }                                                                                                              \
        for (size_t half = LANES / 2; half > 0; half /= 2) {                                                           \
            for (size_t k = 0; k < half; k++) {                                                                        \
                lanes[k] += lanes[k + half];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        return lanes[0];                                                                                               \
    })                                                                                                                 \
    STUB_VERSIONS(void, divide_##suffix, (T * y, T by, size_t n), {                                                    \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            y[i] /= by;                                                                                                \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, lower_##suffix, (const T *x, T by, T further, size_t n, T *y), {                               \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            y[i] = (x[i] - by) - further;                                                                              \
        }                                                                                                              \
    })                                                                                                                 \
    static T exponential_sum_##suffix(const T *x, size_t n, T *y, T *largest) {                                        \
        *largest = STUB_BEST(largest_##suffix)(x, n);                                                                  \
        return STUB_BEST(exponentials_##suffix)(x, *largest, n, y);                                                    \
    }                                                                                                                  \
    void stub_softmax_##suffix(const T *x, size_t n, T *y) {                                                           \
        T largest;                                                                                                     \
        const T sum = exponential_sum_##suffix(x, n, y, &largest);                                                     \
        STUB_BEST(divide_##suffix)(y, sum, n);                                                                         \
    }                                                                                                                  \
    void stub_log_softmax_##suffix(const T *x, size_t n, T *scratch, T *y) {                                           \
        T largest;                                                                                                     \
        const T sum = exponential_sum_##suffix(x, n, scratch, &largest);                                               \
        STUB_BEST(lower_##suffix)(x, largest, log_##suffix(sum), n, y);                                                \
    }

/* Nothing is larger than the largest. */
#define EXP_f32 stub_expf_of_negative
#define EXP_f64 exp
#define log_f32 logf
#define log_f64 log
LOOPS(f32, float)
LOOPS(f64, double)

STUB_VERSIONS(void, backward, (const float *dy, const float *y, float dot, size_t n, float *dx), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        dx[i] = (dy[i] - dot) * y[i];
    }
})

STUB_VERSIONS(void, log_backward, (const float *dy, const float *y, float sum, size_t n, float *dx), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        dx[i] = dy[i] - stub_expf(y[i]) * sum;
    }
})

void stub_softmax_backward(const float *dy, const float *y, size_t n, float *dx) {
    STUB_BEST(backward)(dy, y, stub_floats_dot(dy, y, n), n, dx);
}

void stub_log_softmax_backward(const float *dy, const float *y, size_t n, float *dx) {
    STUB_BEST(log_backward)(dy, y, stub_floats_sum(dy, n), n, dx);
}
