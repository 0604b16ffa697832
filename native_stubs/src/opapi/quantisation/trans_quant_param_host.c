/* aclnnTransQuantParam: packs scales and offsets on the host. Unlike the device operators it keeps all bits of the
 * scale and rounds offsets half away from zero. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "aclnnop/aclnn_trans_quant_param.h"
#include "core/error.h"
#include "core/half.h"
#include "opapi/quantisation/trans_quant_param.h"

enum { ALIGNMENT = 16 };

static const char function[] = "aclnnTransQuantParam";

/* A NULL scale array is 161002 here, where CANN's document says 161001. */
static aclnnStatus check(const float *scales, uint64_t scale_count, const float *offsets, uint64_t offset_count) {
    if (!offsets != !offset_count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: offsetArray is %s and offsetSize is %" PRIu64
                         "; pass an array with its size, or NULL and 0",
                         function, offsets ? "given" : "NULL", offset_count);
    }
    if (!scales || scale_count == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: scaleArray is %s and scaleSize is %" PRIu64 "; scales are required", function,
                         scales ? "given" : "NULL", scale_count);
    }
    return ACLNN_SUCCESS;
}

/* The larger of the two, and a multiple of 16 unless it is 1; 0 when there is no such number. */
static uint64_t padded_size(uint64_t scale_count, uint64_t offset_count) {
    const uint64_t size = scale_count > offset_count ? scale_count : offset_count;
    return size == 1 ? 1 : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void pack(const float *scales, uint64_t scale_count, const float *offsets, uint64_t offset_count,
                 uint64_t *packed) {
    for (uint64_t i = 0; i < scale_count; i++) {
        packed[i] = stub_float_bits(scales[i]) | STUB_QUANT_PARAM_FLAG;
    }
    for (uint64_t i = 0; i < offset_count; i++) {
        packed[i] |= stub_pack_offset(roundf(offsets[i]));
    }
}

aclnnStatus aclnnTransQuantParam(const float *scaleArray, uint64_t scaleSize, const float *offsetArray,
                                 uint64_t offsetSize, uint64_t **quantParam, uint64_t *quantParamSize) {
    const aclnnStatus status = check(scaleArray, scaleSize, offsetArray, offsetSize);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    if (!quantParam || !quantParamSize) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL", function,
                         quantParam ? "quantParamSize" : "quantParam");
    }
    const uint64_t size = padded_size(scaleSize, offsetSize);
    *quantParam = size > 0 ? calloc(size, sizeof **quantParam) : NULL;
    *quantParamSize = *quantParam ? size : 0;
    if (!*quantParam) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for %" PRIu64 " parameters", function, size);
    }
    pack(scaleArray, scaleSize, offsetArray, offsetSize, *quantParam);
    return ACLNN_SUCCESS;
}
