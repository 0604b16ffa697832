/* The operators of a small custom package, declared as those that CANN's tools generate are. */
#ifndef ACLNN_SCALE_ADD_H_
#define ACLNN_SCALE_ADD_H_

#include "aclnn/aclnn_base.h"
#include "aclnn_util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out = x + alpha * sum(factors) * other */
ACLNN_API aclnnStatus aclnnScaleAddGetWorkspaceSize(const aclTensor *x, const aclTensor *other, double alpha,
                                                    const aclIntArray *factors, const aclTensor *out,
                                                    uint64_t *workspaceSize, aclOpExecutor **executor);
ACLNN_API aclnnStatus aclnnScaleAdd(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                    aclrtStream stream);

/* CANN has aclnnAbs(self, out). This one has a factor more. */
__attribute__((visibility("default"))) aclnnStatus aclnnAbsGetWorkspaceSize(const aclTensor *self, double factor,
                                                                            aclTensor *out, uint64_t *workspaceSize,
                                                                            aclOpExecutor **executor);
__attribute__((visibility("default"))) aclnnStatus aclnnAbs(void *workspace, uint64_t workspaceSize,
                                                            aclOpExecutor *executor, aclrtStream stream);

/* aclnnAscendAntiQuant to float16 under another name. */
ACLNN_API aclnnStatus aclnnHalfOfInt8GetWorkspaceSize(const aclTensor *x, const aclTensor *scale, const aclTensor *y,
                                                      uint64_t *workspaceSize, aclOpExecutor **executor);
ACLNN_API aclnnStatus aclnnHalfOfInt8(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                      aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
