/* Checks that many entry points share. */
#ifndef ASCEND_STUB_ACL_ARGUMENTS_H
#define ASCEND_STUB_ACL_ARGUMENTS_H

#include "acl/acl_base.h"
#include "core/error.h"

/* 100000: `name` must not be NULL. */
static inline aclError refuse_null(const char *function, const char *name) {
    return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: %s is NULL.", function, name);
}

/* 107000 unless the timeout is -1 (for ever) or a positive number of milliseconds. */
static inline aclError check_timeout(const char *function, int32_t timeout) {
    if (timeout == -1 || timeout > 0) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: timeout is %d; allowed are -1 (for ever) and 1 or more (ms).",
                     function, timeout);
}

#endif
