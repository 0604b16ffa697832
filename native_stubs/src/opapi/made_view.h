/* Views with other axes over the same elements: an axis cut in two, an axis of length 1 put in. */
#ifndef ASCEND_STUB_OPAPI_MADE_VIEW_H
#define ASCEND_STUB_OPAPI_MADE_VIEW_H

#include "opapi/view.h"

typedef struct {
    aclTensor tensor;
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK];
    stub_view view;
} stub_made_view;

/* A view of rank 0 at the other's first element; then axes, outermost first. */
void stub_made_start(stub_made_view *made, const stub_view *of);
void stub_made_axis(stub_made_view *made, int64_t size, int64_t stride);

/* The view with an axis of length 1 before axis `before`. */
void stub_made_insert(stub_made_view *made, const stub_view *of, uint32_t before);

/* The view with `axis` as two, of lengths outer and the rest. False when that were more than STUB_MAX_RANK axes, and
 * the last two cannot be merged to make room. */
bool stub_made_split(stub_made_view *made, const stub_view *of, uint32_t axis, int64_t outer);

#endif
