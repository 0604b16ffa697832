/* Time limits of operators and event waits. */
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/context.h"
#include "core/timeouts.h"

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)

aclError aclrtSetOpWaitTimeout(uint32_t timeout) {
    stub_set_wait_timeout_s(timeout);
    return ACL_SUCCESS;
}

aclError aclrtSetOpExecuteTimeOut(uint32_t timeout) {
    stub_set_execute_timeout_us(timeout * US_PER_S);
    return ACL_SUCCESS;
}

aclError aclrtSetOpExecuteTimeOutWithMs(uint32_t timeout) {
    stub_set_execute_timeout_us(timeout * US_PER_MS);
    return ACL_SUCCESS;
}

aclError aclrtSetOpExecuteTimeOutV2(uint64_t timeout, uint64_t *actualTimeout) {
    if (actualTimeout == NULL) {
        return refuse_null(__func__, "actualTimeout");
    }
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *actualTimeout = stub_set_execute_timeout_us(timeout);
    }
    return status;
}

aclError aclrtGetOpExecuteTimeout(uint32_t *const timeoutMs) {
    if (timeoutMs == NULL) {
        return refuse_null(__func__, "timeoutMs");
    }
    *timeoutMs = (uint32_t)(stub_execute_timeout_us() / US_PER_MS);
    return ACL_SUCCESS;
}

aclError aclrtGetOpTimeOutInterval(uint64_t *interval) {
    if (interval == NULL) {
        return refuse_null(__func__, "interval");
    }
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *interval = stub_execute_timeout_interval_us();
    }
    return status;
}
