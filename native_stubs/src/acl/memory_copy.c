/* aclrtMemcpy and its asynchronous forms. */
#include "acl/acl.h"
#include "acl/direction.h"
#include "check/pageable.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/error.h"
#include "core/release.h"

static int check_arguments(const char *function, const stub_copy *copy, size_t destMax, aclrtMemcpyKind kind) {
    if (copy->dst == NULL || copy->src == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: %s is NULL.", function, copy->dst == NULL ? "dst" : "src");
    }
    if ((int)kind < ACL_MEMCPY_HOST_TO_HOST || (int)kind > ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: kind is %d; allowed are 0 to 5.", function, (int)kind);
    }
    if (copy->width == 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: count is 0, which CANN refuses before 9.1.", function);
    }
    if (copy->width > destMax) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: count %zu is greater than destMax %zu.", function,
                         copy->width, destMax);
    }
    return ACL_SUCCESS;
}

/* At once and in order with nothing: streams are not waited for. */
aclError aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind) {
    if (count == 0 && stub_release_copies_nothing()) {
        return ACL_SUCCESS;
    }
    stub_copy copy = {.dst = dst, .src = src, .width = count, .height = 1};
    stub_context *context = NULL;
    int status = check_arguments("aclrtMemcpy", &copy, destMax, kind);
    if (status != ACL_SUCCESS || dst == src) {
        return status;
    }
    status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        status = stub_copy_check("aclrtMemcpy", &copy);
    }
    if (status == ACL_SUCCESS) {
        stub_copy_run("aclrtMemcpy", &copy);
    }
    return status;
}

static int copy_staged(const char *function, const stub_copy *copy, const stub_direction *direction,
                       stub_stream *stream) {
    if (direction->src_device || !direction->dst_device) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "%s: kind ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE (5) needs a host src and a device dst.", function);
    }
    return stub_copy_enqueue_staged(function, copy, stream);
}

static int check_direction(const char *function, aclrtMemcpyKind kind, const stub_direction *direction) {
    if (!direction->src_device && !direction->dst_device) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "%s: src and dst are both host memory, which a stream cannot copy; use memcpy.", function);
    }
    return stub_check_kind(function, kind, direction);
}

/* Pageable memory may go away or be reused at any time, so CANN copies it before the call returns (since 8.5). */
static int copy_pageable(const char *function, const stub_copy *copy, stub_stream *stream) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_pageable(function, copy);
    }
    if (!stub_release_waits_for_pageable()) {
        return stub_copy_enqueue_pageable(function, copy, stream);
    }
    int status = stub_stream_synchronize(stream, -1);
    if (status == ACL_SUCCESS) {
        stub_copy_run(function, copy);
    }
    return status;
}

static int copy_async(const char *function, const stub_copy *copy, aclrtMemcpyKind kind, stub_stream *stream) {
    stub_direction direction = stub_direction_of(copy);
    bool staged = kind == ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE;
    int status = staged ? ACL_SUCCESS : check_direction(function, kind, &direction);
    if (status != ACL_SUCCESS || (copy->dst == copy->src && !staged)) {
        return status;
    }
    status = stub_copy_check(function, copy);
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (staged) {
        return copy_staged(function, copy, &direction, stream);
    }
    return direction.pageable ? copy_pageable(function, copy, stream) : stub_copy_enqueue(function, copy, stream);
}

static int check_and_copy_async(const char *function, const stub_copy *copy, size_t destMax, aclrtMemcpyKind kind,
                                aclrtStream handle) {
    stub_stream *stream = NULL;
    int status = check_arguments(function, copy, destMax, kind);
    if (status == ACL_SUCCESS) {
        status = stub_stream_resolve(handle, function, &stream);
    }
    return status == ACL_SUCCESS ? copy_async(function, copy, kind, stream) : status;
}

aclError aclrtMemcpyAsync(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
    if (count == 0 && stub_release_copies_nothing()) {
        return ACL_SUCCESS;
    }
    stub_copy copy = {.dst = dst, .src = src, .width = count, .height = 1};
    return check_and_copy_async("aclrtMemcpyAsync", &copy, destMax, kind, stream);
}

/* The condition is that the system can tell pinned from pageable memory, which the stand-in always can. */
aclError aclrtMemcpyAsyncWithCondition(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind,
                                       aclrtStream stream) {
    if (count == 0 && stub_release_copies_nothing()) {
        return ACL_SUCCESS;
    }
    stub_copy copy = {.dst = dst, .src = src, .width = count, .height = 1};
    return check_and_copy_async("aclrtMemcpyAsyncWithCondition", &copy, destMax, kind, stream);
}
