/* aclrtMemset and aclrtMemsetAsync: bytes, although the value is an int32_t. */
#include "acl/acl.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/error.h"
#include "core/release.h"

static int check_pointer(const char *function, const void *devPtr) {
    return devPtr != NULL ? ACL_SUCCESS : stub_fail(ACL_ERROR_INVALID_PARAM, "%s: devPtr is NULL.", function);
}

static int check_count(const char *function, size_t count, size_t maxCount) {
    if (count == 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: count is 0, which CANN refuses before 9.1.", function);
    }
    if (count <= maxCount) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: count %zu is greater than maxCount %zu.", function, count,
                     maxCount);
}

aclError aclrtMemset(void *devPtr, size_t maxCount, int32_t value, size_t count) {
    if (count == 0 && stub_release_copies_nothing()) {
        return ACL_SUCCESS;
    }
    stub_fill fill = {devPtr, (unsigned char)value, count};
    stub_context *context = NULL;
    int status = check_pointer("aclrtMemset", devPtr);
    if (status == ACL_SUCCESS) {
        status = stub_context_current(&context);
    }
    if (status == ACL_SUCCESS) {
        status = check_count("aclrtMemset", count, maxCount);
    }
    if (status == ACL_SUCCESS) {
        status = stub_fill_check("aclrtMemset", &fill);
    }
    if (status == ACL_SUCCESS) {
        stub_fill_run("aclrtMemset", &fill);
    }
    return status;
}

aclError aclrtMemsetAsync(void *devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
    if (count == 0 && stub_release_copies_nothing()) {
        return ACL_SUCCESS;
    }
    stub_fill fill = {devPtr, (unsigned char)value, count};
    stub_stream *queue = NULL;
    int status = check_pointer("aclrtMemsetAsync", devPtr);
    if (status == ACL_SUCCESS) {
        status = check_count("aclrtMemsetAsync", count, maxCount);
    }
    if (status == ACL_SUCCESS) {
        status = stub_stream_resolve(stream, "aclrtMemsetAsync", &queue);
    }
    if (status == ACL_SUCCESS) {
        status = stub_fill_check("aclrtMemsetAsync", &fill);
    }
    return status == ACL_SUCCESS ? stub_fill_enqueue("aclrtMemsetAsync", &fill, queue) : status;
}
