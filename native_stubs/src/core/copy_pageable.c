/* Copies that touch pageable memory when their stream gets to them, as CANN 8.1 makes them: by then the memory may be
 * gone. The system moves the bytes, since it looks first whether there are any. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "acl/acl_base.h"
#include "core/bytes.h"
#include "core/copy.h"
#include "core/error.h"
#include "core/memory.h"

static bool is_forbidden(ssize_t moved) {
    return moved < 0 && (errno == EPERM || errno == ENOSYS);
}

/* False when the host's bytes are not there. Exactly one side is the device's. */
static bool move_row(char *dst, const char *src, size_t width) {
    const bool to_device = stub_is_device_address(dst);
    void *device = stub_shadow(to_device ? dst : src);
    void *host = to_device ? (void *)(uintptr_t)src : dst;
    const struct iovec mine = {device, width}, other = {host, width};
    const ssize_t moved = to_device ? process_vm_readv(getpid(), &mine, 1, &other, 1, 0)
                                    : process_vm_writev(getpid(), &mine, 1, &other, 1, 0);
    if (is_forbidden(moved)) { /* in a sandbox: then as any other copy */
        stub_bytes_move(to_device ? device : host, to_device ? host : device, width);
        return true;
    }
    return moved == (ssize_t)width;
}

int stub_copy_run_pageable(const char *function, const stub_copy *copy) {
    for (size_t row = 0; row < copy->height; row++) {
        char *dst = (char *)copy->dst + row * copy->dst_pitch;
        const char *src = (const char *)copy->src + row * copy->src_pitch;
        if (!move_row(dst, src, copy->width)) {
            return stub_fail(ACL_ERROR_RT_DRV_INTERNAL_ERROR,
                             "%s: pageable memory (dst %p, src %p, %zu bytes) was gone when the stream came to it. "
                             "CANN 8.1 copies such memory later: keep it until the stream is synchronised, or use "
                             "aclrtMallocHost.",
                             function, (void *)dst, (const void *)src, copy->width);
        }
    }
    return ACL_SUCCESS;
}
