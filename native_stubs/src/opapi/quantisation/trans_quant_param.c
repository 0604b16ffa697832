/* aclnnTransQuantParamV2 and V3: packs fp32 scales and offsets on the device. roundMode 0 cuts a scale off after ten
 * bits of mantissa, 1 rounds it there to nearest even. Offsets are rounded half to even. */
#include "opapi/quantisation/trans_quant_param.h"
#include "opapi/kernel.h"

#include <math.h>

#include "core/half.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

static uint64_t cut(uint32_t bits) {
    return bits & STUB_QUANT_PARAM_SCALE;
}

/* Subnormal scales become zeros of their sign; infinities and NaNs are cut. */
static uint64_t round_to_even(uint32_t bits) {
    const uint32_t sign = bits & 0x80000000u, exponent = bits & STUB_F32_INFINITY;
    if (exponent == 0) {
        return sign;
    }
    return cut(exponent == STUB_F32_INFINITY ? bits : bits + 0xFFFu + (bits >> 13 & 1u));
}

static float element(const stub_view *view, int64_t index) {
    const aclTensor *tensor = view->tensor;
    const int64_t count = stub_tensor_numel(tensor);
    float value;
    stub_row row;
    stub_row_start(&row, view, tensor->rank, count == 1 ? 0 : index);
    stub_row_read_floats(&row, 0, 1, &value);
    return value;
}

static void pack(const stub_view *scale, const stub_view *offset, const stub_view *out, int64_t round_mode) {
    const int64_t scales = stub_tensor_numel(scale->tensor), offsets = offset ? stub_tensor_numel(offset->tensor) : 1;
    for (int64_t i = 0; i < scales || i < offsets; i++) {
        const uint32_t bits = stub_float_bits(element(scale, i));
        uint64_t packed = (round_mode == 0 ? cut(bits) : round_to_even(bits)) | STUB_QUANT_PARAM_FLAG;
        if (offset) {
            packed |= stub_pack_offset(rintf(element(offset, i)));
        }
        stub_row row;
        stub_row_start(&row, out, out->tensor->rank, i);
        stub_row_write(&row, 0, 1, &packed);
    }
}

static aclnnStatus run(const stub_call *call, uint32_t out_arg, int64_t round_mode) {
    stub_view scale, offset, out;
    const bool has_offset = stub_tensor_arg(call, TRANS_QUANT_OFFSET) != NULL;
    STUB_REQUIRE(stub_view_open(call, TRANS_QUANT_SCALE, &scale));
    STUB_REQUIRE(stub_view_open(call, out_arg, &out));
    if (has_offset) {
        STUB_REQUIRE(stub_view_open(call, TRANS_QUANT_OFFSET, &offset));
    }
    pack(&scale, has_offset ? &offset : NULL, &out, round_mode);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_v2(const stub_call *call) {
    return run(call, TRANS_QUANT_V2_OUT, 0);
}

static aclnnStatus run_v3(const stub_call *call) {
    return run(call, TRANS_QUANT_V3_OUT, call->args[TRANS_QUANT_ROUND_MODE].integer);
}

STUB_KERNEL(aclnnTransQuantParamV2, stub_trans_quant_param_v2_check, run_v2)
STUB_KERNEL(aclnnTransQuantParamV3, stub_trans_quant_param_v3_check, run_v3)
