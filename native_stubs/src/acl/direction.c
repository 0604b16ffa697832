/* Directions of copies; see direction.h. */
#include "acl/direction.h"

#include "core/error.h"
#include "core/memory.h"

static bool is_pageable(const void *address, size_t width, size_t height, size_t pitch) {
    return !stub_is_device_address(address) && !stub_is_pinned(address, (height - 1) * pitch + width);
}

stub_direction stub_direction_of(const stub_copy *copy) {
    return (stub_direction){
        .src_device = stub_is_device_address(copy->src),
        .dst_device = stub_is_device_address(copy->dst),
        .pageable = is_pageable(copy->src, copy->width, copy->height, copy->src_pitch) ||
                    is_pageable(copy->dst, copy->width, copy->height, copy->dst_pitch),
    };
}

static const char *side(bool device) {
    return device ? "device" : "host";
}

int stub_check_kind(const char *function, aclrtMemcpyKind kind, const stub_direction *direction) {
    bool corrected = kind == ACL_MEMCPY_DEFAULT || kind == ACL_MEMCPY_DEVICE_TO_DEVICE || !direction->pageable;
    bool fits = direction->src_device ? kind == ACL_MEMCPY_DEVICE_TO_HOST : kind == ACL_MEMCPY_HOST_TO_DEVICE;
    if (corrected || fits) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "%s: kind is %d but src is a %s address and dst a %s address; give the kind that fits, or "
                     "ACL_MEMCPY_DEFAULT (4).",
                     function, (int)kind, side(direction->src_device), side(direction->dst_device));
}
