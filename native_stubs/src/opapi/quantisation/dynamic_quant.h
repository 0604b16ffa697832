/* aclnnDynamicQuantV2: what its two phases share. */
#ifndef ASCEND_STUB_OPAPI_DYNAMIC_QUANT_H
#define ASCEND_STUB_OPAPI_DYNAMIC_QUANT_H

#include "nnopbase/call.h"

/* Arguments in the order of the prototype. */
enum {
    DYNAMIC_QUANT_X,
    DYNAMIC_QUANT_SMOOTH,
    DYNAMIC_QUANT_GROUP,
    DYNAMIC_QUANT_DST_TYPE,
    DYNAMIC_QUANT_Y,
    DYNAMIC_QUANT_SCALE,
    DYNAMIC_QUANT_OFFSET
};

aclnnStatus stub_dynamic_quant_v2_check(const stub_call *call, stub_plan *plan);

#endif
