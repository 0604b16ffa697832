/* A tensor's elements as one array of numbers, row-major, for operators that must see all of them. */
#ifndef ASCEND_STUB_OPAPI_WHOLE_H
#define ASCEND_STUB_OPAPI_WHOLE_H

#include "opapi/elements.h"
#include "opapi/view.h"

/* All elements, as numbers of the class of `as`. */
void stub_whole_load(const stub_view *view, aclDataType as, void *numbers);
/* The first `count` elements; the others stay as they are. `numbers` may be changed. */
void stub_whole_store(const stub_view *view, aclDataType as, void *numbers, int64_t count);

#endif
