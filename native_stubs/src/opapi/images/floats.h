/* Views as contiguous arrays of float, for kernels that compute on whole tensors. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_FLOATS_H
#define ASCEND_STUB_OPAPI_IMAGES_FLOATS_H

#include <stdbool.h>

#include "opapi/view.h"

/* The elements of a view in row-major order, each rounded to `as` (FLOAT, or FLOAT16 where the caller asked for that);
 * where they lie, if they lie so. NULL without host memory. */
typedef struct {
    float *numbers;
    float *owned; /* to be freed, or NULL */
} stub_floats;
bool stub_floats_read(stub_floats *floats, const stub_view *view, aclDataType as);
/* Room for a result, which stub_floats_write puts into the view. */
bool stub_floats_room(stub_floats *floats, const stub_view *view);
void stub_floats_write(const stub_floats *floats, const stub_view *view);
void stub_floats_free(stub_floats *floats);

#endif
