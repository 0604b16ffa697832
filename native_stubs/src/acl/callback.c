/* The user's functions on streams, and the callback for failed tasks. */
#include "core/callback.h"
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/stream.h"

static aclError refuse_null_function(const char *function) {
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: fn is NULL.", function);
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void *args) {
    if (fn == NULL) {
        return refuse_null_function(__func__);
    }
    stub_stream *found;
    aclError status = stub_stream_resolve(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_launch_host_function(found, fn, args) : status;
}

aclError aclrtLaunchCallback(aclrtCallback fn, void *userData, aclrtCallbackBlockType blockType, aclrtStream stream) {
    if (blockType != ACL_CALLBACK_NO_BLOCK && blockType != ACL_CALLBACK_BLOCK) {
        return stub_fail(ACL_ERROR_INVALID_PARAM,
                         "%s: blockType is %d; allowed are ACL_CALLBACK_NO_BLOCK (0) and ACL_CALLBACK_BLOCK (1).",
                         __func__, (int)blockType);
    }
    if (fn == NULL) {
        return refuse_null_function(__func__);
    }
    stub_stream *found;
    aclError status = stub_stream_resolve(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_launch_callback(found, fn, userData, blockType == ACL_CALLBACK_BLOCK) : status;
}

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream) {
    stub_stream *found;
    aclError status = stub_stream_resolve_any(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_subscribe_report(threadId, found) : status;
}

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream) {
    stub_stream *found;
    aclError status = stub_stream_resolve_any(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_unsubscribe_report(threadId, found) : status;
}

aclError aclrtProcessReport(int32_t timeout) {
    if (timeout != -1 && timeout <= 0) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: timeout is %d; allowed are -1 (for ever) and 1 or more (ms).",
                         __func__, timeout);
    }
    return stub_process_report(timeout);
}

aclError aclrtSetExceptionInfoCallback(aclrtExceptionInfoCallback callback) {
    stub_set_exception_callback(callback);
    return ACL_SUCCESS;
}

/* What CANN's getters answer for NULL, in place of a number. */
#define INVALID_EXCEPTION_INFO 0xFFFFFFFFu

static uint32_t refuse_null_information(const char *function) {
    (void)stub_fail(ACL_ERROR_INVALID_PARAM, "%s: info is NULL.", function);
    return INVALID_EXCEPTION_INFO;
}

uint32_t aclrtGetTaskIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return info == NULL ? refuse_null_information(__func__) : info->task;
}

uint32_t aclrtGetStreamIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return info == NULL ? refuse_null_information(__func__) : info->stream;
}

uint32_t aclrtGetThreadIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return info == NULL ? refuse_null_information(__func__) : info->thread;
}

uint32_t aclrtGetDeviceIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return info == NULL ? refuse_null_information(__func__) : info->device;
}

uint32_t aclrtGetErrorCodeFromExceptionInfo(const aclrtExceptionInfo *info) {
    return info == NULL ? refuse_null_information(__func__) : info->status;
}
