/* Pooling of one plane: averages, largest elements, and their gradients. */
#include <math.h>
#include <string.h>

#include "opapi/pooling/pool.h"

typedef struct {
    stub_pool_range d, h, w;
} box;

/* Calls for every output position, in order: `o` counts them. */
#define EACH_BOX(boxes, b, o)                                                                                          \
    int64_t o = 0;                                                                                                     \
    box b;                                                                                                             \
    for (int64_t d_ = 0; d_ < (boxes)->shape.out[0]; d_++)                                                             \
        for (int64_t h_ = 0; h_ < (boxes)->shape.out[1]; h_++)                                                         \
            for (int64_t w_ = 0; w_ < (boxes)->shape.out[2] &&                                                         \
                                 (b = (box){(boxes)->axis[0][d_], (boxes)->axis[1][h_], (boxes)->axis[2][w_]}, true);  \
                 w_++, o++)

/* Calls for every row of a box; `at`: the index of the plane's row's first element. */
#define EACH_ROW(boxes, b, at)                                                                                         \
    for (int64_t d = (b).d.from; d < (b).d.to; d++)                                                                    \
        for (int64_t h = (b).h.from, at = (d * (boxes)->shape.in[1] + h) * (boxes)->shape.in[2]; h < (b).h.to;         \
             h++, at += (boxes)->shape.in[2])

static int64_t divisor_of(const stub_pool_boxes *boxes, int64_t d, int64_t h, int64_t w) {
    const stub_pool_range deep = boxes->axis[0][d], high = boxes->axis[1][h], wide = boxes->axis[2][w];
    if (boxes->shape.divisor != 0) {
        return boxes->shape.divisor;
    }
    return boxes->shape.include ? deep.padded * high.padded * wide.padded
                                : (deep.to - deep.from) * (high.to - high.from) * (wide.to - wide.from);
}

#define AVERAGE(name, T)                                                                                               \
    static aclnnStatus name(const void *constants, void *const *array, const int64_t *length, int64_t position,        \
                            void *scratch) {                                                                           \
        (void)length, (void)position, (void)scratch;                                                                   \
        const stub_pool_boxes *boxes = constants;                                                                      \
        const T *x = array[0];                                                                                         \
        T *y = array[1];                                                                                               \
        EACH_BOX(boxes, b, o) {                                                                                        \
            T sum = 0;                                                                                                 \
            EACH_ROW(boxes, b, at) {                                                                                   \
                for (int64_t w = b.w.from; w < b.w.to; w++) {                                                          \
                    sum += x[at + w];                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            y[o] = sum == 0 ? 0 : sum / (T)divisor_of(boxes, d_, h_, w_);                                              \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }                                                                                                                  \
    static aclnnStatus name##_backward(const void *constants, void *const *array, const int64_t *length,               \
                                       int64_t position, void *scratch) {                                              \
        (void)position, (void)scratch;                                                                                 \
        const stub_pool_boxes *boxes = constants;                                                                      \
        const T *dy = array[0];                                                                                        \
        T *dx = array[1];                                                                                              \
        memset(dx, 0, (size_t)length[1] * sizeof *dx);                                                                 \
        EACH_BOX(boxes, b, o) {                                                                                        \
            const T part = dy[o] / (T)divisor_of(boxes, d_, h_, w_);                                                   \
            EACH_ROW(boxes, b, at) {                                                                                   \
                for (int64_t w = b.w.from; w < b.w.to; w++) {                                                          \
                    dx[at + w] += part;                                                                                \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }

/* The first of the largest elements; NaNs are larger than all, and the last one counts. */
#define LARGEST(name, T)                                                                                               \
    static int64_t name##_place(const stub_pool_boxes *boxes, const box *b, const T *x) {                              \
        const stub_pool_shape *shape = &boxes->shape;                                                                  \
        int64_t place = (b->d.from * shape->in[1] + b->h.from) * shape->in[2] + b->w.from;                             \
        T best = -(T)INFINITY;                                                                                         \
        EACH_ROW(boxes, *b, at) {                                                                                      \
            for (int64_t w = b->w.from; w < b->w.to; w++) {                                                            \
                const T v = x[at + w];                                                                                 \
                if (v > best || v != v) {                                                                              \
                    best = v;                                                                                          \
                    place = at + w;                                                                                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return place;                                                                                                  \
    }                                                                                                                  \
    static aclnnStatus name(const void *constants, void *const *array, const int64_t *length, int64_t position,        \
                            void *scratch) {                                                                           \
        (void)length, (void)position, (void)scratch;                                                                   \
        const stub_pool_boxes *boxes = constants;                                                                      \
        const T *x = array[0];                                                                                         \
        T *y = array[1];                                                                                               \
        int64_t *indices = array[2];                                                                                   \
        EACH_BOX(boxes, b, o) {                                                                                        \
            const int64_t place = name##_place(boxes, &b, x);                                                          \
            y[o] = x[place];                                                                                           \
            if (indices) {                                                                                             \
                indices[o] = place;                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }                                                                                                                  \
    static aclnnStatus name##_backward(const void *constants, void *const *array, const int64_t *length,               \
                                       int64_t position, void *scratch) {                                              \
        (void)constants, (void)position, (void)scratch;                                                                \
        const T *dy = array[0];                                                                                        \
        const int64_t *indices = array[1];                                                                             \
        T *dx = array[2];                                                                                              \
        memset(dx, 0, (size_t)length[2] * sizeof *dx);                                                                 \
        for (int64_t o = 0; o < length[0]; o++) {                                                                      \
            if (indices[o] < 0 || indices[o] >= length[2]) {                                                           \
                return ACL_ERROR_RT_AICORE_EXCEPTION;                                                                  \
            }                                                                                                          \
            dx[indices[o]] += dy[o];                                                                                   \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }

/* The mask has a row for each place in the window (row-major), and in it a bit for each output position: byte o / 8,
 * bit o % 8. CANN's own arrangement is not documented; only the backward operator reads it. */
static int64_t mask_row(const stub_pool_shape *shape, int64_t place, int64_t o) {
    const int64_t top = o / shape->out[2] * shape->stride[1] - shape->before[1];
    const int64_t left = o % shape->out[2] * shape->stride[2] - shape->before[2];
    return (place / shape->in[2] - top) * shape->kernel[2] + (place % shape->in[2] - left);
}

AVERAGE(average_f32, float)
AVERAGE(average_f64, double)
LARGEST(largest_f32, float)
LARGEST(largest_f64, double)

static aclnnStatus mask(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    (void)position, (void)scratch;
    const stub_pool_boxes *boxes = constants;
    const float *x = array[0];
    float *y = array[1];
    int64_t *bytes = array[2]; /* INT8 elements as numbers */
    const int64_t row = length[2] / (boxes->shape.kernel[1] * boxes->shape.kernel[2]);
    memset(bytes, 0, (size_t)length[2] * sizeof *bytes);
    EACH_BOX(boxes, b, o) {
        const int64_t place = largest_f32_place(boxes, &b, x);
        y[o] = x[place];
        bytes[mask_row(&boxes->shape, place, o) * row + o / 8] |= INT64_C(1) << (o % 8);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus mask_backward(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                 void *scratch) {
    (void)position, (void)scratch;
    const stub_pool_boxes *boxes = constants;
    const stub_pool_shape *shape = &boxes->shape;
    const float *dy = array[0];
    const int64_t *bytes = array[1];
    float *dx = array[2];
    const int64_t row = length[1] / (shape->kernel[1] * shape->kernel[2]);
    memset(dx, 0, (size_t)length[2] * sizeof *dx);
    EACH_BOX(boxes, b, o) {
        EACH_ROW(boxes, b, at) {
            for (int64_t w = b.w.from; w < b.w.to; w++) {
                if (bytes[mask_row(shape, at + w, o) * row + o / 8] >> (o % 8) & 1) {
                    dx[at + w] += dy[o];
                }
            }
        }
    }
    return ACLNN_SUCCESS;
}

const stub_pool_planes stub_pool_average = {{average_f32, average_f64}, {average_f32_backward, average_f64_backward}};
const stub_pool_planes stub_pool_largest = {{largest_f32, largest_f64}, {largest_f32_backward, largest_f64_backward}};
const stub_pool_planes stub_pool_mask = {{mask, mask}, {mask_backward, mask_backward}};
