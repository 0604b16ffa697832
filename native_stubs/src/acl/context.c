/* Contexts. */
#include "core/context.h"
#include "acl/acl_rt.h"
#include "acl/arguments.h"

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId) {
    if (context == NULL) {
        return refuse_null(__func__, "context");
    }
    stub_context *made;
    aclError status = stub_context_create(deviceId, &made);
    if (status == ACL_SUCCESS) {
        *context = made;
    }
    return status;
}

aclError aclrtDestroyContext(aclrtContext context) {
    return context == NULL ? refuse_null(__func__, "context") : stub_context_destroy(context);
}

aclError aclrtSetCurrentContext(aclrtContext context) {
    return context == NULL ? refuse_null(__func__, "context") : stub_context_set_current(context);
}

aclError aclrtGetCurrentContext(aclrtContext *context) {
    if (context == NULL) {
        return refuse_null(__func__, "context");
    }
    stub_context *current;
    aclError status = stub_context_current(&current);
    if (status == ACL_SUCCESS) {
        *context = current;
    }
    return status;
}

aclError aclrtCtxGetCurrentDefaultStream(aclrtStream *stream) {
    if (stream == NULL) {
        return refuse_null(__func__, "stream");
    }
    stub_context *context;
    stub_stream *found = NULL;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        status = stub_context_default_stream(context, &found);
    }
    if (status == ACL_SUCCESS) {
        *stream = found;
    }
    return status;
}

aclError aclrtGetPrimaryCtxState(int32_t deviceId, uint32_t *flags, int32_t *active) {
    if (active == NULL) {
        return refuse_null(__func__, "active");
    }
    if (flags != NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: flags is reserved and must be NULL.", __func__);
    }
    aclError status = stub_device_check(__func__, deviceId);
    if (status == ACL_SUCCESS) {
        *active = stub_device_is_active(deviceId);
    }
    return status;
}
