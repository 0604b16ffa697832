/* What tells the products apart, as one table: their names, and the data types that some of them do not have. */
#ifndef ASCEND_STUB_CORE_PRODUCT_H
#define ASCEND_STUB_CORE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl/acl_base.h"
#include "core/settings.h"

enum { STUB_PRODUCT_COUNT = STUB_PRODUCT_950 + 1 };

/* "Atlas A2" and so on: the product that the stand-in plays. */
STUB_EXPORT const char *stub_product_name(void);

/* Whether the played product, with the played release, computes with the data type anywhere at all. Where it does not
 * and `reason` is not NULL, `reason` says who does: "Ascend 950 has it, since CANN 8.5". */
STUB_EXPORT bool stub_product_has_dtype(aclDataType dtype, char *reason, size_t size);

/* The data types it does not compute with, one bit each. */
STUB_EXPORT uint64_t stub_product_lacks(void);

#endif
