/* The boxes of input positions that pooling works on, axis by axis. */
#include <stdlib.h>

#include "opapi/pooling/pool.h"

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static stub_pool_range range_of(const stub_pool_shape *shape, uint32_t axis, int64_t o) {
    const int64_t in = shape->in[axis], out = shape->out[axis];
    if (shape->adaptive) {
        const int64_t from = o * in / out, to = ((o + 1) * in + out - 1) / out;
        return (stub_pool_range){from, to, to - from};
    }
    const int64_t start = o * shape->stride[axis] - shape->before[axis];
    const int64_t end = smaller(start + shape->kernel[axis], in + shape->after[axis]);
    return (stub_pool_range){larger(start, 0), smaller(end, in), end - start};
}

bool stub_pool_boxes_make(stub_pool_boxes *boxes, const stub_pool_shape *shape) {
    *boxes = (stub_pool_boxes){.shape = *shape};
    for (uint32_t axis = 0; axis < STUB_MAX_SPATIAL; axis++) {
        boxes->axis[axis] = malloc((size_t)shape->out[axis] * sizeof **boxes->axis);
        if (!boxes->axis[axis]) {
            return false;
        }
        for (int64_t o = 0; o < shape->out[axis]; o++) {
            boxes->axis[axis][o] = range_of(shape, axis, o);
        }
    }
    return true;
}

void stub_pool_boxes_free(stub_pool_boxes *boxes) {
    for (uint32_t axis = 0; axis < STUB_MAX_SPATIAL; axis++) {
        free(boxes->axis[axis]);
    }
}
