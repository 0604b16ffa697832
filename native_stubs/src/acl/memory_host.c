/* Pinned and registered host memory. */
#include "acl/acl.h"
#include "check/check.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

#define HOST_PAGE 4096u

static int need_context(void) {
    stub_context *context = NULL;
    return stub_context_current(&context);
}

static int allocate(const char *function, void **pointer, size_t size) {
    if (pointer == NULL || size == 0) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: %s.", function,
                         pointer == NULL ? "hostPtr is NULL; give the address of a pointer"
                                         : "size is 0; it must be greater");
    }
    int status = need_context();
    return status == ACL_SUCCESS ? stub_host_malloc(size, pointer) : status;
}

aclError aclrtMallocHost(void **hostPtr, size_t size) {
    return allocate("aclrtMallocHost", hostPtr, size);
}

static int check_config(const aclrtMallocConfig *cfg) {
    if (cfg != NULL && cfg->attrs == NULL) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtMallocHostWithCfg: cfg->attrs is NULL; pass a NULL cfg when there are no attributes.");
    }
    for (size_t i = 0; cfg != NULL && i < cfg->numAttrs; i++) {
        int attr = (int)cfg->attrs[i].attr;
        if (attr != ACL_RT_MEM_ATTR_MODULE_ID && attr != ACL_RT_MEM_ATTR_VA_FLAG) {
            return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                             "aclrtMallocHostWithCfg: cfg->attrs[%zu].attr is %d; allowed are "
                             "ACL_RT_MEM_ATTR_MODULE_ID (1) and ACL_RT_MEM_ATTR_VA_FLAG (3).",
                             i, attr);
        }
    }
    return ACL_SUCCESS;
}

aclError aclrtMallocHostWithCfg(void **ptr, uint64_t size, aclrtMallocConfig *cfg) {
    int status = ptr != NULL && size != 0 ? check_config(cfg) : ACL_SUCCESS;
    return status == ACL_SUCCESS ? allocate("aclrtMallocHostWithCfg", ptr, size) : status;
}

static aclError free_host(const char *function, void *address) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_freeing(STUB_OBJECT_PINNED_MEMORY, address, function);
    }
    return stub_host_free(address);
}

aclError aclrtFreeHost(void *hostPtr) {
    if (hostPtr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtFreeHost: hostPtr is NULL, which CANN refuses (unlike free).");
    }
    return free_host(__func__, hostPtr);
}

aclError aclrtFreeHostWithDevSync(void *hostPtr) {
    if (hostPtr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtFreeHostWithDevSync: hostPtr is NULL, which CANN refuses.");
    }
    aclError status = aclrtSynchronizeDevice();
    return status == ACL_SUCCESS ? free_host(__func__, hostPtr) : status;
}

static int check_range(const char *function, const void *ptr, uint64_t size) {
    if (ptr == NULL || size == 0) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: ptr is %p and size %llu; neither may be 0.", function, ptr,
                         (unsigned long long)size);
    }
    return ACL_SUCCESS;
}

static int register_range(const char *function, void *ptr, uint64_t size, unsigned flags) {
    if ((uintptr_t)ptr % HOST_PAGE != 0 || stub_is_device_address(ptr)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "%s: ptr is %p; it must be host memory that starts on a %u byte "
                         "page (aclrtMallocHost and aligned_alloc give such).",
                         function, ptr, HOST_PAGE);
    }
    int status = need_context();
    return status == ACL_SUCCESS ? stub_host_register(ptr, size, flags) : status;
}

aclError aclrtHostRegister(void *ptr, uint64_t size, aclrtHostRegisterType type, void **devPtr) {
    int status = check_range("aclrtHostRegister", ptr, size);
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (devPtr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtHostRegister: devPtr is NULL; give the address of a pointer.");
    }
    if (type != ACL_HOST_REGISTER_MAPPED) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "aclrtHostRegister: type is %d; only ACL_HOST_REGISTER_MAPPED (0) is supported.", (int)type);
    }
    status = register_range("aclrtHostRegister", ptr, size, STUB_HOST_MAPPED);
    if (status == ACL_SUCCESS) {
        *devPtr = ptr; /* kernels of the stand-in use mapped host memory where it is */
    }
    return status;
}

static int check_flags(uint32_t flag) {
    const uint32_t supported = ACL_HOST_REG_MAPPED | ACL_HOST_REG_PINNED;
    const uint32_t known = supported | ACL_HOST_REG_IOMEMORY | ACL_HOST_REG_READONLY;
    if (flag == 0 || (flag & ~known) != 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtHostRegisterV2: flag is 0x%x; it must be a combination of ACL_HOST_REG_MAPPED (0x2) and "
                         "ACL_HOST_REG_PINNED (0x10000000).",
                         flag);
    }
    if ((flag & ~supported) != 0) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "aclrtHostRegisterV2: flag is 0x%x; IOMEMORY (0x4) and READONLY (0x8) are not supported.",
                         flag);
    }
    return ACL_SUCCESS;
}

aclError aclrtHostRegisterV2(void *ptr, uint64_t size, uint32_t flag) {
    int status = check_range("aclrtHostRegisterV2", ptr, size);
    if (status == ACL_SUCCESS) {
        status = check_flags(flag);
    }
    if (status != ACL_SUCCESS) {
        return status;
    }
    unsigned flags = ((flag & ACL_HOST_REG_MAPPED) != 0 ? STUB_HOST_MAPPED : 0u) |
                     ((flag & ACL_HOST_REG_PINNED) != 0 ? STUB_HOST_PINNED : 0u);
    return register_range("aclrtHostRegisterV2", ptr, size, flags);
}

aclError aclrtHostUnregister(void *ptr) {
    if (ptr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtHostUnregister: ptr is NULL.");
    }
    int status = need_context();
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_freeing(STUB_OBJECT_REGISTERED_MEMORY, ptr, "aclrtHostUnregister");
    }
    return stub_host_unregister(ptr);
}

aclError aclrtHostGetDevicePointer(void *pHost, void **pDevice, uint32_t flag) {
    if (pHost == NULL || pDevice == NULL || flag != 0) {
        return stub_fail(
            ACL_ERROR_INVALID_PARAM,
            "aclrtHostGetDevicePointer: pHost is %p, pDevice %p, flag %u; the pointers may not be NULL and "
            "flag must be 0.",
            pHost, (void *)pDevice, flag);
    }
    int status = need_context();
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (stub_host_mapped_bytes_from(pHost) == 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtHostGetDevicePointer: pHost %p is not registered as mapped; call aclrtHostRegister or "
                         "aclrtHostRegisterV2 with ACL_HOST_REG_MAPPED first.",
                         pHost);
    }
    *pDevice = pHost;
    return ACL_SUCCESS;
}
