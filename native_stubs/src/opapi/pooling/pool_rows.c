/* Pooling by windows, a row of the result at a time: every place of the window adds a stretch of the image's row to
 * it. Averages, and largest elements without their indices. */
#include <math.h>

#include "opapi/loops.h"
#include "opapi/pooling/pool.h"

/* y[i] takes x[i * stride]; a stride that is known makes vector code. */
#define TAKE(name, ...)                                                                                                \
    STUB_VERSIONS(void, name##_loop, (float *y, const float *x, int64_t stride, int64_t n), {                          \
        if (stride == 1) {                                                                                             \
            STUB_EACH for (int64_t i = 0; i < n; i++) {                                                                \
                const float v = x[i];                                                                                  \
                y[i] = __VA_ARGS__;                                                                                    \
            }                                                                                                          \
        } else {                                                                                                       \
            STUB_EACH for (int64_t i = 0; i < n; i++) {                                                                \
                const float v = x[i * stride];                                                                         \
                y[i] = __VA_ARGS__;                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    })                                                                                                                 \
    static void name(float *y, const float *x, int64_t stride, int64_t n) {                                            \
        STUB_BEST(name##_loop)(y, x, stride, n);                                                                       \
    }

TAKE(add, y[i] + v)
TAKE(keep_largest, v > y[i] || v != v ? v : y[i])

typedef void take(float *y, const float *x, int64_t stride, int64_t n);

/* One row of the image into one row of the result. */
static void take_row(const stub_pool_shape *shape, take *function, const float *x, float *y) {
    const int64_t stride = shape->stride[2], in = shape->in[2], out = shape->out[2];
    for (int64_t place = 0; place < shape->kernel[2]; place++) {
        const int64_t shift = place - shape->before[2], last = in - 1 - shift;
        const int64_t from = shift < 0 ? (-shift + stride - 1) / stride : 0;
        const int64_t inside = last < 0 ? 0 : last / stride + 1, to = inside < out ? inside : out;
        if (from < to) {
            function(y + from, x + from * stride + shift, stride, to - from);
        }
    }
}

static void take_box(const stub_pool_boxes *boxes, int64_t d, int64_t h, take *function, const float *x, float *y) {
    const stub_pool_shape *shape = &boxes->shape;
    const stub_pool_range deep = boxes->axis[0][d], high = boxes->axis[1][h];
    for (int64_t i = deep.from; i < deep.to; i++) {
        for (int64_t j = high.from; j < high.to; j++) {
            take_row(shape, function, x + (i * shape->in[1] + j) * shape->in[2], y);
        }
    }
}

static void fill(float *y, float value, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        y[i] = value;
    }
}

aclnnStatus stub_pool_rows_largest(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                   void *scratch) {
    (void)position, (void)scratch;
    const stub_pool_boxes *boxes = constants;
    const int64_t *out = boxes->shape.out;
    fill(array[1], -INFINITY, length[1]);
    for (int64_t row = 0; row < out[0] * out[1]; row++) {
        take_box(boxes, row / out[1], row % out[1], keep_largest, array[0], (float *)array[1] + row * out[2]);
    }
    return ACLNN_SUCCESS;
}

/* Sums of one row of the result become averages. */
static void divide_row(const stub_pool_boxes *boxes, int64_t d, int64_t h, float *y) {
    const stub_pool_range deep = boxes->axis[0][d], high = boxes->axis[1][h], *wide = boxes->axis[2];
    const bool include = boxes->shape.include;
    const int64_t fixed = boxes->shape.divisor;
    const int64_t rows = include ? deep.padded * high.padded : (deep.to - deep.from) * (high.to - high.from);
    for (int64_t w = 0; w < boxes->shape.out[2]; w++) {
        const int64_t columns = include ? wide[w].padded : wide[w].to - wide[w].from;
        y[w] = y[w] == 0 ? 0 : y[w] / (float)(fixed ? fixed : rows * columns);
    }
}

aclnnStatus stub_pool_rows_average(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                   void *scratch) {
    (void)position, (void)scratch;
    const stub_pool_boxes *boxes = constants;
    const int64_t *out = boxes->shape.out;
    fill(array[1], 0, length[1]);
    for (int64_t row = 0; row < out[0] * out[1]; row++) {
        float *y = (float *)array[1] + row * out[2];
        take_box(boxes, row / out[1], row % out[1], add, array[0], y);
        divide_row(boxes, row / out[1], row % out[1], y);
    }
    return ACLNN_SUCCESS;
}
