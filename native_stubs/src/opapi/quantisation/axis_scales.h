/* Scales of one axis, seen from lines along the last axis: one for each element of a line, or one for the whole line.
 */
#ifndef ASCEND_STUB_OPAPI_AXIS_SCALES_H
#define ASCEND_STUB_OPAPI_AXIS_SCALES_H

#include "nnopbase/call.h"

typedef struct {
    int64_t length, inner; /* of the axis; lines from one index of it to the next, 0: it is the last axis */
} stub_axis_scales;

/* Of axis `axis` of x; -1: one scale for all. */
static inline stub_axis_scales stub_axis_scales_of(const aclTensor *x, int axis) {
    stub_axis_scales scales = {.length = axis < 0 ? 1 : x->shape[axis], .inner = 1};
    for (uint32_t i = axis < 0 ? x->rank : (uint32_t)axis + 1; i + 1 < x->rank; i++) {
        scales.inner *= x->shape[i];
    }
    scales.inner = axis >= 0 && (uint32_t)axis + 1 == x->rank ? 0 : scales.inner;
    return scales;
}

/* The place of the first element's scale of a line, and how far it is to the next element's. */
static inline int64_t stub_axis_scales_first(const stub_axis_scales *scales, int64_t line) {
    return scales->inner == 0 ? 0 : line / scales->inner % scales->length;
}

static inline int64_t stub_axis_scales_step(const stub_axis_scales *scales) {
    return scales->inner == 0 ? 1 : 0;
}

#endif
