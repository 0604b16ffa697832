/* aclnnDynamicQuantV2: its two phases, which the other versions of the operator use with arguments of their own. */
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
    DYNAMIC_QUANT_OFFSET,
    DYNAMIC_QUANT_ARGUMENTS
};

aclnnStatus stub_dynamic_quant_v2_check(const stub_call *call, stub_plan *plan);
aclnnStatus stub_dynamic_quant_v2_run(const stub_call *call);

/* One scale for the whole of x ("pertensor"), or one for each column of its last two axes ("perchannel"). The call has
 * the arguments of V2. */
typedef enum { DYNAMIC_QUANT_PER_TENSOR, DYNAMIC_QUANT_PER_CHANNEL } dynamic_quant_mode;
aclnnStatus stub_dynamic_quant_mode_check(const stub_call *call, stub_plan *plan, dynamic_quant_mode mode);
aclnnStatus stub_dynamic_quant_mode_run(const stub_call *call, dynamic_quant_mode mode);

#endif
