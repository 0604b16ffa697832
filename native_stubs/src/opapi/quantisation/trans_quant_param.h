/* The packed scales of int8 matrix products: fp32 scale bits and an integer offset in one UINT64.
 * Bits 31..13 are what the hardware reads of the scale, 45..37 the offset, 46 is always set. */
#ifndef ASCEND_STUB_OPAPI_TRANS_QUANT_PARAM_H
#define ASCEND_STUB_OPAPI_TRANS_QUANT_PARAM_H

#include <stdint.h>

#include "nnopbase/call.h"

#define STUB_QUANT_PARAM_SCALE UINT64_C(0xFFFFE000)
#define STUB_QUANT_PARAM_FLAG (UINT64_C(1) << 46)

/* `offset` is a whole number (or NaN, which counts as 0) of any size. */
static inline uint64_t stub_pack_offset(float offset) {
    enum { LOWEST = -256, HIGHEST = 255, SHIFT = 37 };
    const float high = offset > HIGHEST ? HIGHEST : offset;
    const int integer = high >= LOWEST ? (int)high : offset < LOWEST ? LOWEST : 0;
    return ((uint64_t)(int64_t)integer & 0x1FF) << SHIFT;
}

/* Arguments of V2 and V3 in the order of the prototypes; V2 has no roundMode. */
enum { TRANS_QUANT_SCALE, TRANS_QUANT_OFFSET, TRANS_QUANT_V2_OUT, TRANS_QUANT_ROUND_MODE = 2, TRANS_QUANT_V3_OUT };

aclnnStatus stub_trans_quant_param_v2_check(const stub_call *call, stub_plan *plan);
aclnnStatus stub_trans_quant_param_v3_check(const stub_call *call, stub_plan *plan);

#endif
