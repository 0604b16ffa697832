/* aclrtMemcpy2d and aclrtMemcpy2dAsync: rows of a pitched matrix. */
#include "acl/acl.h"
#include "acl/direction.h"
#include "check/pageable.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/error.h"
#include "core/release.h"

#define LARGEST_WIDTH 5000000u
#define LARGEST_HEIGHT 5242880u

static int check_arguments(const char *function, const stub_copy *copy, aclrtMemcpyKind kind) {
    if (copy->dst == NULL || copy->src == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: %s is NULL.", function, copy->dst == NULL ? "dst" : "src");
    }
    if (copy->width > copy->src_pitch || copy->width > copy->dst_pitch) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: width %zu is greater than a pitch (dpitch %zu, spitch %zu).",
                         function, copy->width, copy->dst_pitch, copy->src_pitch);
    }
    if ((int)kind < ACL_MEMCPY_HOST_TO_DEVICE || (int)kind > ACL_MEMCPY_DEFAULT) {
        return stub_fail(
            ACL_ERROR_INVALID_PARAM,
            "%s: kind is %d; allowed are 1 (host to device), 2 (device to host), 3 (device to device) and 4 "
            "(default).",
            function, (int)kind);
    }
    if (copy->width > LARGEST_WIDTH || copy->height > LARGEST_HEIGHT) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: width %zu or height %zu is beyond %u and %u.", function,
                         copy->width, copy->height, LARGEST_WIDTH, LARGEST_HEIGHT);
    }
    return ACL_SUCCESS;
}

static int check_ends(const char *function, aclrtMemcpyKind kind, const stub_copy *copy, bool device_to_device,
                      stub_direction *direction) {
    int status = stub_copy_check(function, copy);
    if (status != ACL_SUCCESS) {
        return status;
    }
    *direction = stub_direction_of(copy);
    bool supported = direction->src_device != direction->dst_device || (direction->src_device && device_to_device);
    if (!supported) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: copies between host and device%s only; src is %s, dst is %s.",
                         function, device_to_device ? " and within devices" : "",
                         direction->src_device ? "device memory" : "host memory",
                         direction->dst_device ? "device memory" : "host memory");
    }
    return stub_check_kind(function, kind, direction);
}

aclError aclrtMemcpy2d(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind) {
    if (width == 0 || height == 0) {
        return ACL_SUCCESS;
    }
    stub_copy copy = {dst, dpitch, src, spitch, width, height};
    stub_context *context = NULL;
    stub_direction direction;
    int status = check_arguments("aclrtMemcpy2d", &copy, kind);
    if (status == ACL_SUCCESS && kind == ACL_MEMCPY_DEVICE_TO_DEVICE) {
        status = stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                           "aclrtMemcpy2d: device to device is not supported; use aclrtMemcpy2dAsync.");
    }
    if (status == ACL_SUCCESS) {
        status = stub_context_current(&context);
    }
    if (status == ACL_SUCCESS) {
        status = check_ends("aclrtMemcpy2d", kind, &copy, false, &direction);
    }
    if (status == ACL_SUCCESS) {
        stub_copy_run("aclrtMemcpy2d", &copy);
    }
    return status;
}

static int copy_async(const stub_copy *copy, bool pageable, stub_stream *stream) {
    if (!pageable) {
        return stub_copy_enqueue("aclrtMemcpy2dAsync", copy, stream);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_pageable("aclrtMemcpy2dAsync", copy);
    }
    if (!stub_release_waits_for_pageable()) {
        return stub_copy_enqueue_pageable("aclrtMemcpy2dAsync", copy, stream);
    }
    int status = stub_stream_synchronize(stream, -1);
    if (status == ACL_SUCCESS) {
        stub_copy_run("aclrtMemcpy2dAsync", copy);
    }
    return status;
}

aclError aclrtMemcpy2dAsync(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width, size_t height,
                            aclrtMemcpyKind kind, aclrtStream stream) {
    if (width == 0 || height == 0) {
        return ACL_SUCCESS;
    }
    stub_copy copy = {dst, dpitch, src, spitch, width, height};
    stub_stream *queue = NULL;
    stub_direction direction;
    int status = check_arguments("aclrtMemcpy2dAsync", &copy, kind);
    if (status == ACL_SUCCESS) {
        status = stub_stream_resolve(stream, "aclrtMemcpy2dAsync", &queue);
    }
    if (status == ACL_SUCCESS) {
        status = check_ends("aclrtMemcpy2dAsync", kind, &copy, true, &direction);
    }
    return status == ACL_SUCCESS ? copy_async(&copy, direction.pageable, queue) : status;
}
