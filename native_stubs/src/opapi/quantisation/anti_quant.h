/* aclnnAscendAntiQuant: what its two phases share. */
#ifndef ASCEND_STUB_OPAPI_ANTI_QUANT_H
#define ASCEND_STUB_OPAPI_ANTI_QUANT_H

#include "nnopbase/call.h"

/* Arguments in the order of the prototype. */
enum { ANTI_QUANT_X, ANTI_QUANT_SCALE, ANTI_QUANT_OFFSET, ANTI_QUANT_DST_TYPE, ANTI_QUANT_SQRT_MODE, ANTI_QUANT_Y };

aclnnStatus stub_ascend_anti_quant_check(const stub_call *call, stub_plan *plan);

#endif
