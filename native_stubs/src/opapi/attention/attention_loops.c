/* Products of small blocks and the softmax's loops. Vectors of eight floats: whatever the processor has for them. */
#include "opapi/attention/attention_loops.h"

#include <math.h>
#include <string.h>

#include "opapi/loops.h"
#include "opapi/math.h"

typedef float lanes __attribute__((vector_size(STUB_LANES * sizeof(float))));

/* By memcpy: rows of caches have no alignment. */
#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(lanes))
#define SUM(x) (((x)[0] + (x)[4]) + ((x)[2] + (x)[6])) + (((x)[1] + (x)[5]) + ((x)[3] + (x)[7]))

/* Two keys against `rows` (at most 4, known when compiled) queries: an accumulator for each pair. */
STUB_INLINE void dots_of(int rows, int64_t width, const float *q, const float *k, const float *k2, float *scores,
                         int64_t stride, int two) {
    lanes first[4] = {{0}}, second[4] = {{0}};
    for (int64_t i = 0; i < width; i += STUB_LANES) {
        lanes a, b, x;
        LOAD(a, k + i);
        LOAD(b, k2 + i);
        for (int r = 0; r < rows; r++) {
            LOAD(x, q + r * width + i);
            first[r] += x * a;
            second[r] += x * b;
        }
    }
    for (int r = 0; r < rows; r++) {
        scores[r * stride] = SUM(first[r]);
        if (two) {
            scores[r * stride + 1] = SUM(second[r]);
        }
    }
}

STUB_INLINE void dots_rows(int rows, int64_t columns, int64_t width, const float *q, const float *k, float *scores,
                           int64_t stride) {
    for (int64_t c = 0; c < columns; c += 2) {
        const int two = c + 1 < columns;
        dots_of(rows, width, q, k + c * width, k + (c + two) * width, scores + c, stride, two);
    }
}

STUB_VERSIONS(void, dots,
              (int64_t rows, int64_t columns, int64_t width, const float *q, const float *k, float *scores,
               int64_t stride),
              {
                  int64_t r = 0;
                  for (; r + 4 <= rows; r += 4) {
                      dots_rows(4, columns, width, q + r * width, k, scores + r * stride, stride);
                  }
                  if (rows - r == 3) {
                      dots_rows(3, columns, width, q + r * width, k, scores + r * stride, stride);
                  } else if (rows - r == 2) {
                      dots_rows(2, columns, width, q + r * width, k, scores + r * stride, stride);
                  } else if (rows - r == 1) {
                      dots_rows(1, columns, width, q + r * width, k, scores + r * stride, stride);
                  }
              })

/* Eight elements of `rows` results, for all keys; `vectors` of them at once. */
STUB_INLINE void sums_of(int rows, int vectors, int64_t columns, int64_t width, const float *weights, int64_t stride,
                         const float *v, float *out) {
    lanes sum[4][2];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < vectors; j++) {
            LOAD(sum[r][j], out + r * width + j * STUB_LANES);
        }
    }
    for (int64_t c = 0; c < columns; c++) {
        lanes x[2];
        for (int j = 0; j < vectors; j++) {
            LOAD(x[j], v + c * width + j * STUB_LANES);
        }
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < vectors; j++) {
                sum[r][j] += weights[r * stride + c] * x[j];
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < vectors; j++) {
            memcpy(out + r * width + j * STUB_LANES, &sum[r][j], sizeof(lanes));
        }
    }
}

STUB_INLINE void sums_rows(int rows, int64_t columns, int64_t width, const float *weights, int64_t stride,
                           const float *v, float *out) {
    int64_t i = 0;
    for (; i + 2 * STUB_LANES <= width; i += 2 * STUB_LANES) {
        sums_of(rows, 2, columns, width, weights, stride, v + i, out + i);
    }
    if (i < width) {
        sums_of(rows, 1, columns, width, weights, stride, v + i, out + i);
    }
}

STUB_VERSIONS(void, sums,
              (int64_t rows, int64_t columns, int64_t width, const float *weights, int64_t stride, const float *v,
               float *out),
              {
                  int64_t r = 0;
                  for (; r + 4 <= rows; r += 4) {
                      sums_rows(4, columns, width, weights + r * stride, stride, v, out + r * width);
                  }
                  if (rows - r == 3) {
                      sums_rows(3, columns, width, weights + r * stride, stride, v, out + r * width);
                  } else if (rows - r == 2) {
                      sums_rows(2, columns, width, weights + r * stride, stride, v, out + r * width);
                  } else if (rows - r == 1) {
                      sums_rows(1, columns, width, weights + r * stride, stride, v, out + r * width);
                  }
              })

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
    return SUM(sum);
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
