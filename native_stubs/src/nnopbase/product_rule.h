/* The rule that all operators share: no tensor of a data type that the played product does not have. */
#ifndef ASCEND_STUB_NNOPBASE_PRODUCT_RULE_H
#define ASCEND_STUB_NNOPBASE_PRODUCT_RULE_H

#include "nnopbase/call.h"

/* 161002 with a text that names argument, data type and product. */
aclnnStatus stub_check_product(const stub_call *call);

#endif
