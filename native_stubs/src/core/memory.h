/* Device and pinned host memory.
 *
 * A device address lies in a PROT_NONE reservation: the host cannot touch it. The bytes live in a shadow mapping of a
 * sparse memfd at a fixed distance; kernels and copies use stub_shadow(). A host access dies with SIGSEGV and one line
 * on stderr that names the allocation. */
#ifndef ASCEND_STUB_CORE_MEMORY_H
#define ASCEND_STUB_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

#define STUB_MEMORY_ALIGNMENT 512u

typedef struct {
    uintptr_t address; /* device address of the first byte */
    size_t size;       /* as asked for by the caller */
    int device;
} stub_allocation;

/* Allocates on a device. Sparse: memory costs nothing until it is written. Contents are undefined.
 * ACL_ERROR_RT_MEMORY_ALLOCATION (207001) with a text when the device is full or the reservation cannot be made. */
STUB_EXPORT int stub_device_malloc(int device, size_t size, void **address);

/* The same with `spare` further bytes behind `size` that belong to the block (aclrtMalloc promises 32). */
STUB_EXPORT int stub_device_malloc_spare(int device, size_t size, size_t spare, void **address);

/* Frees at once, queued work notwithstanding (as CANN does). A pointer that is not the start of a live allocation is
 * answered with 107000 and a text that says what the address is. */
STUB_EXPORT int stub_device_free(void *address);

STUB_EXPORT bool stub_is_device_address(const void *address);

/* Host address of a device address's bytes; valid to the end of that device's HBM. A host address that was registered
 * as mapped (aclrtHostRegister) is its own shadow. NULL for anything else (and, with a text, when the host cannot map
 * the device's memory). */
STUB_EXPORT void *stub_shadow(const void *address);

/* The live allocation whose block contains `address`. Lock-free and async-signal-safe. */
STUB_EXPORT bool stub_find_allocation(const void *address, stub_allocation *allocation);

/* Bytes between `address` and the end of its device's HBM (of the mapped host range; 0 outside): a copy may not go
 * beyond. */
STUB_EXPORT size_t stub_device_bytes_from(const void *address);

/* Bytes between `address` and the end of the live block (or mapped host range) that contains it, 0 outside of all:
 * what a kernel may touch. The block is what was asked for and the room behind that. */
STUB_EXPORT size_t stub_block_bytes_from(const void *address);

/* Says that all of a large range is about to be written, which is then cheaper. Addresses of the host do nothing. */
void stub_device_populate(const void *address, size_t size);

STUB_EXPORT void stub_device_usage(int device, size_t *free_bytes, size_t *total_bytes);

/* Pinned host memory. */
STUB_EXPORT int stub_host_malloc(size_t size, void **address);
STUB_EXPORT int stub_host_free(void *address);

/* What aclrtHostRegister made of a range of the user's memory. */
enum {
    STUB_HOST_PINNED = 1, /* asynchronous copies need not wait */
    STUB_HOST_MAPPED = 2  /* kernels may use the address */
};

/* Registers / forgets foreign memory (aclrtHostRegister). 507910 when part of it is registered already, 507911 when
 * `address` is not the start of a registered range. */
STUB_EXPORT int stub_host_register(void *address, size_t size, unsigned flags);
STUB_EXPORT int stub_host_unregister(void *address);

/* True when all of [address, address + size) is pinned: from stub_host_malloc or registered. */
STUB_EXPORT bool stub_is_pinned(const void *address, size_t size);

/* Bytes from `address` to the end of the range registered with STUB_HOST_MAPPED that contains it, 0 when none does. */
STUB_EXPORT size_t stub_host_mapped_bytes_from(const void *address);

#endif
