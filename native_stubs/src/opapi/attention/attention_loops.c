/* Products of small blocks and the softmax's loops. Vectors of eight floats: whatever the processor has for them. */
#include "opapi/attention/attention_loops.h"

#include <math.h>
#include <string.h>

#include "opapi/loops.h"
#include "opapi/math.h"

typedef float lanes __attribute__((vector_size(STUB_LANES * sizeof(float))));

/* By memcpy: rows of caches have no alignment. */
#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(lanes))

#if defined(__clang__) || __GNUC__ >= 12
#define MOVED(x, ...) __builtin_shufflevector(x, x, __VA_ARGS__)
#else
typedef int32_t places __attribute__((vector_size(sizeof(lanes))));
#define MOVED(x, ...) __builtin_shuffle(x, (places){__VA_ARGS__})
#endif

/* ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). */
STUB_INLINE float sum_lanes(const lanes *x) {
    lanes sum = *x + MOVED(*x, 4, 5, 6, 7, 0, 1, 2, 3);
    sum += MOVED(sum, 2, 3, 0, 1, 6, 7, 4, 5);
    return sum[0] + sum[1];
}

/* Loops over accumulators: only when they are unrolled are these registers. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 8")
#else
#define UNROLL
#endif

/* Accumulators that are in use at once: enough to hide how long an addition takes, and not more than registers hold. */
enum { ACCUMULATORS = 8, MOST_ROWS = 4 };

/* `rows` queries against `keys` keys, both known when compiled, of which `left` are there. */
STUB_INLINE void dots_of(int rows, int keys, int64_t left, int64_t width, const float *q, const float *k, float *scores,
                         int64_t stride) {
    lanes sum[ACCUMULATORS] = {{0}};
    const float *key[ACCUMULATORS];
    UNROLL for (int j = 0; j < keys; j++) {
        key[j] = k + (j < left ? j : 0) * width;
    }
    for (int64_t i = 0; i < width; i += STUB_LANES) {
        lanes a[ACCUMULATORS], x;
        UNROLL for (int j = 0; j < keys; j++) {
            LOAD(a[j], key[j] + i);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            LOAD(x, q + r * width + i);
            UNROLL for (int j = 0; j < keys; j++) {
                sum[r * keys + j] += x * a[j];
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int j = 0; j < keys; j++) {
            if (j < left) {
                scores[r * stride + j] = sum_lanes(&sum[r * keys + j]);
            }
        }
    }
}

STUB_INLINE void dots_rows(int rows, int keys, int64_t columns, int64_t width, const float *q, const float *k,
                           float *scores, int64_t stride) {
    for (int64_t c = 0; c < columns; c += keys) {
        dots_of(rows, keys, columns - c, width, q, k + c * width, scores + c, stride);
    }
}

STUB_VERSIONS(void, dots,
              (int64_t rows, int64_t columns, int64_t width, const float *q, const float *k, float *scores,
               int64_t stride),
              {
                  int64_t r = 0;
                  for (; r + MOST_ROWS <= rows; r += MOST_ROWS) {
                      dots_rows(MOST_ROWS, 2, columns, width, q + r * width, k, scores + r * stride, stride);
                  }
                  if (rows - r == 3) {
                      dots_rows(3, 2, columns, width, q + r * width, k, scores + r * stride, stride);
                  } else if (rows - r == 2) {
                      dots_rows(2, 4, columns, width, q + r * width, k, scores + r * stride, stride);
                  } else if (rows - r == 1) {
                      dots_rows(1, 8, columns, width, q + r * width, k, scores + r * stride, stride);
                  }
              })

/* Adds `keys` keys' values to `rows` results, both numbers known when compiled. */
STUB_INLINE void add_values(int rows, int keys, int64_t width, const float *weights, int64_t stride, const float *v,
                            float *out) {
    float own[ACCUMULATORS * MOST_ROWS];
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int j = 0; j < keys; j++) {
            own[r * keys + j] = weights[r * stride + j];
        }
    }
    STUB_EACH for (int64_t i = 0; i < width; i++) {
        UNROLL for (int r = 0; r < rows; r++) {
            float sum = out[r * width + i];
            UNROLL for (int j = 0; j < keys; j++) {
                sum += own[r * keys + j] * v[j * width + i];
            }
            out[r * width + i] = sum;
        }
    }
}

STUB_INLINE void add_all_values(int rows, int64_t columns, int64_t width, const float *weights, int64_t stride,
                                const float *v, float *out) {
    const int keys = 4;
    int64_t c = 0;
    for (; c + keys <= columns; c += keys) {
        add_values(rows, keys, width, weights + c, stride, v + c * width, out);
    }
    for (; c < columns; c++) {
        add_values(rows, 1, width, weights + c, stride, v + c * width, out);
    }
}

/* Compilers make little of vectors that the processor does not have: this one has loops. */
static void sums_baseline(int64_t rows, int64_t columns, int64_t width, const float *weights, int64_t stride,
                          const float *v, float *out) {
    int64_t r = 0;
    for (; r + MOST_ROWS <= rows; r += MOST_ROWS) {
        add_all_values(MOST_ROWS, columns, width, weights + r * stride, stride, v, out + r * width);
    }
    for (; r < rows; r++) {
        add_all_values(1, columns, width, weights + r * stride, stride, v, out + r * width);
    }
}

#if defined(STUB_AVX2_VERSION)
/* `vectors` of eight elements of `rows` results, for all keys. */
STUB_INLINE void sums_of(int rows, int vectors, int64_t columns, int64_t width, const float *weights, int64_t stride,
                         const float *v, float *out) {
    lanes sum[ACCUMULATORS];
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            LOAD(sum[r * vectors + j], out + r * width + j * STUB_LANES);
        }
    }
    for (int64_t c = 0; c < columns; c++) {
        lanes x[ACCUMULATORS];
        UNROLL for (int j = 0; j < vectors; j++) {
            LOAD(x[j], v + c * width + j * STUB_LANES);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            UNROLL for (int j = 0; j < vectors; j++) {
                sum[r * vectors + j] += weights[r * stride + c] * x[j];
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            memcpy(out + r * width + j * STUB_LANES, &sum[r * vectors + j], sizeof(lanes));
        }
    }
}

STUB_INLINE void sums_rows(int rows, int vectors, int64_t columns, int64_t width, const float *weights, int64_t stride,
                           const float *v, float *out) {
    int64_t i = 0;
    for (; i + vectors * STUB_LANES <= width; i += vectors * STUB_LANES) {
        sums_of(rows, vectors, columns, width, weights, stride, v + i, out + i);
    }
    for (; i < width; i += STUB_LANES) {
        sums_of(rows, 1, columns, width, weights, stride, v + i, out + i);
    }
}

/* The same sums in the same order, in registers. */
STUB_AVX2_VERSION static void sums_avx2(int64_t rows, int64_t columns, int64_t width, const float *weights,
                                        int64_t stride, const float *v, float *out) {
    int64_t r = 0;
    for (; r + MOST_ROWS <= rows; r += MOST_ROWS) {
        sums_rows(MOST_ROWS, 2, columns, width, weights + r * stride, stride, v, out + r * width);
    }
    if (rows - r == 3) {
        sums_rows(3, 2, columns, width, weights + r * stride, stride, v, out + r * width);
    } else if (rows - r == 2) {
        sums_rows(2, 4, columns, width, weights + r * stride, stride, v, out + r * width);
    } else if (rows - r == 1) {
        sums_rows(1, 8, columns, width, weights + r * stride, stride, v, out + r * width);
    }
}
#endif

STUB_VERSIONS(float, largest, (const float *x, int64_t n), {
    float best[STUB_LANES];
    for (int j = 0; j < STUB_LANES; j++) {
        best[j] = -INFINITY;
    }
    for (int64_t i = 0; i < n; i += STUB_LANES) {
        for (int j = 0; j < STUB_LANES; j++) {
            best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
        }
    }
    for (int j = 1; j < STUB_LANES; j++) {
        best[0] = best[j] > best[0] ? best[j] : best[0];
    }
    return best[0];
})

STUB_VERSIONS(float, exponents, (float *x, int64_t n, float greatest), {
    STUB_EACH for (int64_t i = 0; i < n; i++) {
        const float power = stub_expf(x[i] - greatest);
        x[i] = x[i] == -INFINITY ? 0 : power;
    }
    lanes sum = {0};
    for (int64_t i = 0; i < n; i += STUB_LANES) {
        lanes part;
        LOAD(part, x + i);
        sum += part;
    }
    return sum_lanes(&sum);
})

STUB_VERSIONS(void, widen, (const int8_t *x, int64_t n, float *out), {
    STUB_EACH for (int64_t i = 0; i < n; i++) {
        out[i] = (float)x[i];
    }
})

STUB_VERSIONS(void, scale_each, (float *x, int64_t n, const float *scale, const float *offset), {
    for (int64_t i = 0; offset && i < n; i++) {
        x[i] += offset[i];
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] *= scale[i];
    }
})

STUB_VERSIONS(void, scale_all, (float *x, int64_t n, float scale, float offset), {
    for (int64_t i = 0; i < n; i++) {
        x[i] = (x[i] + offset) * scale;
    }
})

void stub_attention_dots(int64_t rows, int64_t columns, int64_t width, const float *q, const float *k, float *scores,
                         int64_t stride) {
    STUB_BEST(dots)(rows, columns, width, q, k, scores, stride);
}

void stub_attention_sums(int64_t rows, int64_t columns, int64_t width, const float *weights, int64_t stride,
                         const float *v, float *out) {
    STUB_BEST(sums)(rows, columns, width, weights, stride, v, out);
}

float stub_attention_largest(const float *x, int64_t n) {
    return STUB_BEST(largest)(x, n);
}

float stub_attention_exp(float *x, int64_t n, float largest) {
    return STUB_BEST(exponents)(x, n, largest);
}

void stub_attention_widen(const int8_t *x, int64_t n, float *out) {
    STUB_BEST(widen)(x, n, out);
}

void stub_attention_scale(float *x, int64_t n, int64_t step, const float *scale, const float *offset) {
    if (step == 0) {
        STUB_BEST(scale_all)(x, n, *scale, offset ? *offset : 0.0f);
    } else {
        STUB_BEST(scale_each)(x, n, scale, offset);
    }
}
