/* Device and pinned memory for the memory tests, on devices of one gigabyte. */
#ifndef ASCEND_TESTS_BLOCKS_H
#define ASCEND_TESTS_BLOCKS_H

#include <stdint.h>
#include <string.h>

#include "acl/acl.h"
#include "check.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define HBM (KIB * MIB)

static inline void *device_memory(size_t size) {
    void *address = NULL;
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&address, size, ACL_MEM_MALLOC_HUGE_FIRST));
    return address;
}

static inline void *pinned_memory(size_t size) {
    void *address = NULL;
    CHECK_STATUS(ACL_SUCCESS, aclrtMallocHost(&address, size));
    return address;
}

static inline void release(void *device_address) {
    CHECK_STATUS(ACL_SUCCESS, aclrtFree(device_address));
}

/* Before the first call: two small devices. */
static inline void choose_devices(void) {
    setenv("ASCEND_STUB_HBM", "1G", 1);
    setenv("ASCEND_STUB_DEVICES", "2", 1);
}

/* Makes the first device current. */
static inline void start_device(void) {
    choose_devices();
    CHECK_STATUS(ACL_SUCCESS, aclInit(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
}

static inline void end_device(void) {
    size_t left = 0;
    size_t total = 0;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK(left == total && total == HBM);
    CHECK_STATUS(ACL_SUCCESS, aclrtResetDevice(0));
    CHECK_STATUS(ACL_SUCCESS, aclFinalize());
}

#endif
