/* A kernel's way to a tensor's elements: device address -> the host memory that backs it, and its rows one by one. */
#ifndef ASCEND_STUB_OPAPI_VIEW_H
#define ASCEND_STUB_OPAPI_VIEW_H

#include <stdint.h>

#include "nnopbase/call.h"

enum { STUB_MAX_RANK = 8 };

typedef struct {
    const aclTensor *tensor;
    uint8_t *base; /* host address of the storage's first byte; NULL when there are no elements */
    int bits;      /* of an element */
} stub_view;

/* Opens argument `arg` of a running call, a tensor; statuses of stub_tensor_open. */
aclnnStatus stub_view_open(const stub_call *call, uint32_t arg, stub_view *view);

/* One row of a view: the elements along the axis behind the first `dims` axes, `step` elements apart. */
typedef struct {
    const stub_view *view;
    int64_t offset; /* of the row's first element, from the storage's start, in elements */
    int64_t step;
    uint32_t dims;
    int64_t index[STUB_MAX_RANK];
} stub_row;

/* The row at a row-major position over the first `dims` axes; with dims == rank every "row" is one element. */
void stub_row_start(stub_row *row, const stub_view *view, uint32_t dims, int64_t position);
void stub_row_next(stub_row *row);
/* All elements of a contiguous view as one row. */
void stub_row_flat(stub_row *row, const stub_view *view);

#endif
