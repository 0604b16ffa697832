// The operators that are measured: how each one's first phase takes its tensors, and its second phase.
#ifndef ASCEND_TESTS_BASELINE_OPERATORS_H
#define ASCEND_TESTS_BASELINE_OPERATORS_H

#include <cstdint>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"
#include "aclnnop/aclnn_add_rms_norm.h"
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "aclnnop/aclnn_dequant_rope_quant_kvcache.h"
#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "aclnnop/aclnn_nsa_compress.h"
#include "aclnnop/aclnn_rms_norm.h"

// Tensors in the order of the prototype, NULL for those left out; what else an operator takes is written down here.
using PhaseOne = aclnnStatus (*)(aclTensor *const *t, const aclIntArray *ints, uint64_t *size,
                                 aclOpExecutor **executor);
using PhaseTwo = aclnnStatus (*)(void *workspace, uint64_t size, aclOpExecutor *executor, aclrtStream stream);

struct Operator {
    const char *name;
    PhaseOne plan;
    PhaseTwo launch;
};

inline char layout_tnd[] = "TND", layout_bsnd[] = "BSND", mode_static[] = "static", cache_contiguous[] = "contiguous";

inline aclnnStatus plan_dynamic_quant(aclTensor *const *t, const aclIntArray *, uint64_t *size,
                                      aclOpExecutor **executor) {
    return aclnnDynamicQuantV2GetWorkspaceSize(t[0], t[1], t[2], ACL_INT8, t[3], t[4], t[5], size, executor);
}

inline aclnnStatus plan_anti_quant(aclTensor *const *t, const aclIntArray *, uint64_t *size, aclOpExecutor **executor) {
    return aclnnAscendAntiQuantGetWorkspaceSize(t[0], t[1], t[2], ACL_FLOAT16, false, t[3], size, executor);
}

inline aclnnStatus plan_rms_norm(aclTensor *const *t, const aclIntArray *, uint64_t *size, aclOpExecutor **executor) {
    return aclnnRmsNormGetWorkspaceSize(t[0], t[1], 1e-6, t[2], t[3], size, executor);
}

inline aclnnStatus plan_add_rms_norm(aclTensor *const *t, const aclIntArray *, uint64_t *size,
                                     aclOpExecutor **executor) {
    return aclnnAddRmsNormGetWorkspaceSize(t[0], t[1], t[2], 1e-6, t[3], t[4], t[5], size, executor);
}

inline aclnnStatus plan_nsa_compress(aclTensor *const *t, const aclIntArray *ints, uint64_t *size,
                                     aclOpExecutor **executor) {
    return aclnnNsaCompressGetWorkspaceSize(t[0], t[1], ints, layout_tnd, 32, 16, 0, t[2], size, executor);
}

inline aclnnStatus plan_dequant_rope(aclTensor *const *t, const aclIntArray *ints, uint64_t *size,
                                     aclOpExecutor **executor) {
    return aclnnDequantRopeQuantKvcacheGetWorkspaceSize(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9],
                                                        t[10], t[11], t[12], ints, mode_static, layout_bsnd, true,
                                                        cache_contiguous, t[13], t[14], t[15], size, executor);
}

inline const Operator operators[] = {
    {"aclnnDynamicQuantV2", plan_dynamic_quant, aclnnDynamicQuantV2},
    {"aclnnAscendAntiQuant", plan_anti_quant, aclnnAscendAntiQuant},
    {"aclnnRmsNorm", plan_rms_norm, aclnnRmsNorm},
    {"aclnnAddRmsNorm", plan_add_rms_norm, aclnnAddRmsNorm},
    {"aclnnNsaCompress", plan_nsa_compress, aclnnNsaCompress},
    {"aclnnDequantRopeQuantKvcache", plan_dequant_rope, aclnnDequantRopeQuantKvcache},
};

#endif
