/* What a function answers that is made to fail, unless the rule says otherwise; and what a lost device answers. */
#include <fnmatch.h>
#include <string.h>

#include "acl/acl_base.h"
#include "aclnn/opdev/op_errno.h"
#include "fault/rule.h"

enum { HCCL_RUNTIME = 15, AICORE_EXCEPTION = 507015 };

typedef struct {
    const char *pattern;
    int status;
} usual;

/* The first that matches counts. Failures of the driver, whatever they are, come as 507899. */
static const usual usual_statuses[] = {
    {"aclrtMalloc*", ACL_ERROR_RT_MEMORY_ALLOCATION},
    {"aclrtMem*Alloc*", ACL_ERROR_RT_MEMORY_ALLOCATION},
    {"aclrtCreateStream*", ACL_ERROR_RT_NO_STREAM_RESOURCE},
    {"aclrtCreateEvent*", ACL_ERROR_RT_NO_EVENT_RESOURCE},
    {"aclInit", ACL_ERROR_INTERNAL_ERROR},
    {"aclnn*GetWorkspaceSize", ACLNN_ERR_INNER},
    {"aclnn*", ACLNN_ERR_RUNTIME_ERROR},
    {"*", 0},
};

static const int family_statuses[] = {
    [STUB_FAMILY_ACL] = ACL_ERROR_RT_DRV_INTERNAL_ERROR,
    [STUB_FAMILY_ACLNN] = ACLNN_ERR_INNER,
    [STUB_FAMILY_HCCL] = HCCL_RUNTIME,
};

/* Which functions need the device itself. The first that matches counts; those that only know of it go on. */
static const struct {
    const char *pattern;
    bool needs_device;
} needs[] = {
    {"aclnn*GetWorkspaceSize", false},
    {"aclnnInit", false},
    {"aclnnFinalize", false},
    {"aclnnCalculate*", false},
    {"aclnnTransQuantParam", false},
    {"aclnn*", true},
    {"aclrtSetDevice*", true},
    {"aclrtCreateContext", true},
    {"aclrtCreateStream", true},
    {"aclrtCreateStreamWith*", true},
    {"aclrtCreateEvent*", true},
    {"aclrtSynchronize*", true},
    {"aclrtStream[QWA]*", true}, /* Query, WaitEvent, Abort */
    {"aclrtRecordEvent*", true},
    {"aclrtResetEvent", true},
    {"aclrtQueryEvent*", true},
    {"aclrtEventElapsedTime", true},
    {"aclrtLaunch*", true},
    {"aclrtMalloc*", true},
    {"aclrtMem*", true},
    {"aclrtGetMem*", true},
    {"aclrtDevice*Peer*", true},
    {"HcclCommInit*", true},
    {"HcclCreateSubComm*", true},
    {"HcclGetRootInfo", true},
    {"HcclAll*", true},
    {"HcclReduce*", true},
    {"HcclB*", true}, /* Barrier, BatchSendRecv, Broadcast */
    {"HcclSetConfig", false},
    {"HcclS*", true}, /* Scatter, Send */
    {"HcclRecv", true},
};

static bool needs_device(const char *name) {
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (fnmatch(needs[i].pattern, name, 0) == 0) {
            return needs[i].needs_device;
        }
    }
    return false;
}

int fault_call_status(const fault_rule *rule, const stub_function *function) {
    if (rule->status != 0) {
        return rule->status;
    }
    const usual *found = usual_statuses;
    while (fnmatch(found->pattern, function->name, 0) != 0) {
        found++;
    }
    return found->status != 0 ? found->status : family_statuses[function->family];
}

int fault_task_status(const fault_rule *rule, const char *name) {
    if (rule->status != 0) {
        return rule->status;
    }
    return strncmp(name, "aclnn", strlen("aclnn")) == 0 ? AICORE_EXCEPTION : ACL_ERROR_RT_DRV_INTERNAL_ERROR;
}

int fault_lost_status(const stub_function *function) {
    static const int statuses[] = {
        [STUB_FAMILY_ACL] = ACL_ERROR_RT_LOST_HEARTBEAT,
        [STUB_FAMILY_ACLNN] = ACLNN_ERR_RUNTIME_ERROR,
        [STUB_FAMILY_HCCL] = HCCL_RUNTIME,
    };
    return needs_device(function->name) ? statuses[function->family] : 0;
}
