/* Checks that many functions of HCCL share. All leave a text that names the function. */
#ifndef ASCEND_STUB_HCCL_ARGUMENTS_H
#define ASCEND_STUB_HCCL_ARGUMENTS_H

#include "core/context.h"
#include "core/error.h"
#include "hccl/hccl_types.h"

static inline HcclResult refuse_null(const char *function, const char *name) {
    return stub_fail(HCCL_E_PTR, "%s: %s is NULL.", function, name);
}

/* The device of the thread's current context. */
static inline HcclResult current_device(const char *function, int *device) {
    stub_context *context;
    if (stub_context_current(&context) != 0) {
        return stub_fail(HCCL_E_RUNTIME, "%s: the thread has no current device. Call aclrtSetDevice first.", function);
    }
    *device = stub_context_device(context);
    return HCCL_SUCCESS;
}

#endif
