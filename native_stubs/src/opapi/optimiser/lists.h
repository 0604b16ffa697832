/* Lists of tensors, item by item. */
#ifndef ASCEND_STUB_OPAPI_OPTIMISER_LISTS_H
#define ASCEND_STUB_OPAPI_OPTIMISER_LISTS_H

#include "opapi/kernel.h"

/* Item `index` of a list, opened. */
aclnnStatus stub_item_open(const stub_call *call, uint32_t arg, uint64_t index, stub_view *view);
uint64_t stub_item_count(const stub_call *call, uint32_t arg);

/* Lists of floats with as many items as the first one, each with the type and shape of the first one's: 161001 for
 * what is NULL, 161002. */
aclnnStatus stub_check_lists(const stub_call *call, const uint32_t *args, uint32_t lists);

#endif
