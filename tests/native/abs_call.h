/* aclnnAbs with a registered kernel that has no check of its own: what is refused then, the stand-in refuses. */
#ifndef ASCEND_TESTS_ABS_CALL_H
#define ASCEND_TESTS_ABS_CALL_H

#include "acl/acl.h"
#include "aclnnop/aclnn_abs.h"
#include "ascend_stub/kernel.h"
#include "check.h"

static inline aclTensor *tensor_of(aclDataType dtype) {
    const int64_t shape = 4;
    return aclCreateTensor(&shape, 1, dtype, NULL, 0, ACL_FORMAT_ND, &shape, 1, NULL);
}

static inline aclnnStatus run_nothing(const stub_call *call) {
    (void)call;
    return 0;
}

static const stub_kernel nothing = {NULL, run_nothing};

/* Phase one's answer. */
static inline aclnnStatus plan_abs(aclDataType in, aclDataType out) {
    uint64_t size = 0;
    aclOpExecutor *executor = NULL;
    aclTensor *self = tensor_of(in), *result = tensor_of(out);
    const aclnnStatus status = aclnnAbsGetWorkspaceSize(self, result, &size, &executor);
    if (status == 0) {
        CHECK_STATUS(0, aclDestroyAclOpExecutor(executor));
    }
    CHECK_STATUS(0, aclDestroyTensor(self));
    CHECK_STATUS(0, aclDestroyTensor(result));
    return status;
}

#endif
