/* Device memory: allocation, release, queries. */
#include "core/memory.h"

#include <inttypes.h>

#include "acl/acl.h"
#include "check/check.h"
#include "core/context.h"
#include "core/error.h"
#include "core/release.h"
#include "core/settings.h"

#define SIZE_UNIT 32u
#define SPARE 32u

static int current_device(int *device) {
    stub_context *context = NULL;
    int status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *device = stub_context_device(context);
    }
    return status;
}

static int check_request(const char *function, void **pointer, size_t size) {
    if (pointer == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: devPtr is NULL; give the address of a pointer.", function);
    }
    if (size == 0 || size > SIZE_MAX - SIZE_UNIT - SPARE) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: size is %zu; it must be greater than 0 and fit with padding.",
                         function, size);
    }
    return ACL_SUCCESS;
}

/* The block is a multiple of 32 bytes, with 32 more behind it where CANN adds them. */
static int allocate(const char *function, void **pointer, size_t size, size_t spare) {
    int device = 0;
    int status = check_request(function, pointer, size);
    if (status == ACL_SUCCESS) {
        status = current_device(&device);
    }
    if (status != ACL_SUCCESS) {
        return status;
    }
    size_t rounding = (SIZE_UNIT - size % SIZE_UNIT) % SIZE_UNIT;
    return stub_device_malloc_spare(device, size, rounding + spare, pointer);
}

static size_t spare_of(aclrtMemMallocPolicy policy) {
    bool giant_pages = policy == ACL_MEM_MALLOC_HUGE1G_ONLY || policy == ACL_MEM_MALLOC_HUGE1G_ONLY_P2P;
    return giant_pages || stub_get_settings()->product == STUB_PRODUCT_950 ? 0 : SPARE;
}

aclError aclrtMalloc(void **devPtr, size_t size, aclrtMemMallocPolicy policy) {
    return allocate("aclrtMalloc", devPtr, size, spare_of(policy));
}

aclError aclrtMallocAlign32(void **devPtr, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy; /* the stand-in has one kind of page */
    return allocate("aclrtMallocAlign32", devPtr, size, 0);
}

aclError aclrtMallocCached(void **devPtr, size_t size, aclrtMemMallocPolicy policy) {
    return allocate("aclrtMallocCached", devPtr, size, spare_of(policy));
}

/* Module ids only label memory; a device id chooses the device. */
static int read_config(const char *function, const aclrtMallocConfig *cfg, int *device) {
    for (size_t i = 0; i < cfg->numAttrs; i++) {
        const aclrtMallocAttribute *attribute = &cfg->attrs[i];
        int status = ACL_SUCCESS;
        switch ((int)attribute->attr) {
        case ACL_RT_MEM_ATTR_MODULE_ID:
            break;
        case ACL_RT_MEM_ATTR_DEVICE_ID:
            *device = (int)attribute->value.deviceId;
            status = stub_device_check(function, *device);
            break;
        default:
            status = stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                               "%s: cfg->attrs[%zu].attr is %d; allowed are ACL_RT_MEM_ATTR_MODULE_ID (1) and "
                               "ACL_RT_MEM_ATTR_DEVICE_ID (2).",
                               function, i, (int)attribute->attr);
        }
        if (status != ACL_SUCCESS) {
            return status;
        }
    }
    return ACL_SUCCESS;
}

static int check_config(const char *function, const aclrtMallocConfig *cfg) {
    if (cfg == NULL || cfg->attrs != NULL) {
        return ACL_SUCCESS;
    }
    return stub_fail(cfg->numAttrs != 0 ? ACL_ERROR_INVALID_PARAM : ACL_ERROR_RT_PARAM_INVALID,
                     "%s: cfg->attrs is NULL (numAttrs %zu); pass a NULL cfg when there are no attributes.", function,
                     cfg->numAttrs);
}

/* This family gives exactly what was asked for. */
static int allocate_with_config(const char *function, void **pointer, size_t size, const aclrtMallocConfig *cfg) {
    int device = 0;
    int status = check_request(function, pointer, size);
    if (status == ACL_SUCCESS) {
        status = check_config(function, cfg);
    }
    if (status == ACL_SUCCESS) {
        status = current_device(&device);
    }
    if (status == ACL_SUCCESS && cfg != NULL) {
        status = read_config(function, cfg, &device);
    }
    return status == ACL_SUCCESS ? stub_device_malloc(device, size, pointer) : status;
}

aclError aclrtMallocWithCfg(void **devPtr, size_t size, aclrtMemMallocPolicy policy, aclrtMallocConfig *cfg) {
    (void)policy;
    return allocate_with_config("aclrtMallocWithCfg", devPtr, size, cfg);
}

aclError aclrtMallocForTaskScheduler(void **devPtr, size_t size, aclrtMemMallocPolicy policy, aclrtMallocConfig *cfg) {
    (void)policy;
    return allocate_with_config("aclrtMallocForTaskScheduler", devPtr, size, cfg);
}

static aclError free_device(const char *function, void *address) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_freeing(STUB_OBJECT_DEVICE_MEMORY, address, function);
    }
    return stub_device_free(address);
}

aclError aclrtFree(void *devPtr) {
    if (devPtr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtFree: devPtr is NULL, which CANN refuses (unlike free).");
    }
    return free_device(__func__, devPtr);
}

aclError aclrtFreeWithDevSync(void *devPtr) {
    if (devPtr == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtFreeWithDevSync: devPtr is NULL, which CANN refuses.");
    }
    aclError status = aclrtSynchronizeDevice();
    return status == ACL_SUCCESS ? free_device(__func__, devPtr) : status;
}

static bool is_ddr(aclrtMemAttr attr) {
    return attr == ACL_DDR_MEM || attr == ACL_DDR_MEM_HUGE || attr == ACL_DDR_MEM_NORMAL ||
           attr == ACL_DDR_MEM_P2P_HUGE || attr == ACL_DDR_MEM_P2P_NORMAL;
}

/* All page kinds share one pool. DDR is what the 310P has for device memory; the other products have none. */
aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t *free, size_t *total) {
    if (free == NULL || total == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtGetMemInfo: %s is NULL.", free == NULL ? "free" : "total");
    }
    const int last = stub_release() >= 805 ? ACL_MEM_P2P_HUGE1G : ACL_HBM_MEM_P2P_HUGE1G;
    if ((int)attr < ACL_DDR_MEM || (int)attr > last) {
        return stub_fail(ACL_ERROR_RT_INVALID_MEMORY_TYPE, "aclrtGetMemInfo: attr is %d; allowed are 0 to %d.",
                         (int)attr, last);
    }
    int device = 0;
    int status = current_device(&device);
    if (status != ACL_SUCCESS) {
        return status;
    }
    stub_device_usage(device, free, total);
    if (is_ddr(attr) && stub_get_settings()->product != STUB_PRODUCT_310P) {
        *free = 0;
        *total = 0;
    }
    return ACL_SUCCESS;
}

static int check_cache_call(const char *function, const void *devPtr, size_t size) {
    if (devPtr == NULL || size == 0) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: devPtr is %p and size %zu; neither may be 0.", function, devPtr,
                         size);
    }
    int device = 0;
    return current_device(&device); /* and nothing else to do: the stand-in has no cache to keep in step */
}

aclError aclrtMemFlush(void *devPtr, size_t size) {
    return check_cache_call("aclrtMemFlush", devPtr, size);
}

aclError aclrtMemInvalidate(void *devPtr, size_t size) {
    return check_cache_call("aclrtMemInvalidate", devPtr, size);
}
