/* Pinned host memory: what aclrtMallocHost gave out and what the user registered. Nothing is really pinned; the sets
 * say which memory an asynchronous copy may touch later and which host addresses a kernel may use. */
#include <inttypes.h>
#include <stdlib.h>

#include "acl/acl_base.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/region_set.h"

#define HOST_PAGE 4096u

static stub_region_set allocated = STUB_REGION_SET;
static stub_region_set registered = STUB_REGION_SET;

static int fail_host_memory(size_t size) {
    return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "The host has no memory for %zu pinned bytes.", size);
}

int stub_host_malloc(size_t size, void **address) {
    void *memory = NULL;
    if (posix_memalign(&memory, HOST_PAGE, size) != 0) {
        return fail_host_memory(size);
    }
    stub_region region = {(uintptr_t)memory, (uintptr_t)memory + size, STUB_HOST_PINNED};
    if (stub_region_add(&allocated, region) != STUB_REGION_ADDED) {
        free(memory);
        return fail_host_memory(size);
    }
    *address = memory;
    return ACL_SUCCESS;
}

int stub_host_free(void *address) {
    stub_region region;
    if (stub_region_remove(&allocated, (uintptr_t)address, &region)) {
        free(address);
        return ACL_SUCCESS;
    }
    return stub_fail(
        ACL_ERROR_RT_PARAM_INVALID, "hostPtr %p %s; aclrtFreeHost takes what aclrtMallocHost returned, once.", address,
        stub_is_device_address(address) ? "is a device address (use aclrtFree)"
                                        : "is not the start of pinned host memory that is still allocated");
}

int stub_host_register(void *address, size_t size, unsigned flags) {
    uintptr_t begin = (uintptr_t)address;
    stub_region found;
    bool pinned_already = (flags & STUB_HOST_PINNED) != 0 && stub_region_find(&allocated, begin, begin + 1, &found);
    stub_region_result result =
        pinned_already ? STUB_REGION_OVERLAPS : stub_region_add(&registered, (stub_region){begin, begin + size, flags});
    if (result == STUB_REGION_NO_MEMORY) {
        return fail_host_memory(size);
    }
    if (result == STUB_REGION_OVERLAPS) {
        return stub_fail(ACL_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
                         "Part of the %zu bytes at %p is %s already; unregister it first (aclrtHostUnregister).", size,
                         address, pinned_already ? "pinned" : "registered");
    }
    return ACL_SUCCESS;
}

int stub_host_unregister(void *address) {
    stub_region region;
    if (stub_region_remove(&registered, (uintptr_t)address, &region)) {
        return ACL_SUCCESS;
    }
    return stub_fail(
        ACL_ERROR_HOST_MEMORY_NOT_REGISTERED,
        "ptr %p is not the start of registered host memory; aclrtHostUnregister takes the address that was "
        "registered, once.",
        address);
}

bool stub_is_pinned(const void *address, size_t size) {
    uintptr_t begin = (uintptr_t)address;
    stub_region found;
    return stub_region_find(&allocated, begin, begin + size, &found) ||
           stub_region_find(&registered, begin, begin + size, &found);
}

size_t stub_host_mapped_bytes_from(const void *address) {
    uintptr_t begin = (uintptr_t)address;
    stub_region found;
    if (!stub_region_find(&registered, begin, begin + 1, &found) || (found.flags & STUB_HOST_MAPPED) == 0) {
        return 0;
    }
    return found.end - begin;
}
