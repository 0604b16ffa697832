/* What kind of memory an address belongs to. */
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/release.h"

#define DEVICE_PAGE_BYTES (2u << 20)

aclError aclrtPointerGetAttributes(const void *ptr, aclrtPtrAttributes *attributes) {
    if (ptr == NULL || attributes == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtPointerGetAttributes: %s is NULL.",
                         ptr == NULL ? "ptr" : "attributes");
    }
    stub_allocation allocation;
    memset(attributes, 0, sizeof *attributes);
    if (stub_find_allocation(ptr, &allocation)) {
        attributes->location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
        attributes->location.id = (uint32_t)allocation.device;
        attributes->pageSize = DEVICE_PAGE_BYTES;
        return ACL_SUCCESS;
    }
    if (stub_is_device_address(ptr)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtPointerGetAttributes: ptr %p is a device address in no live allocation.", ptr);
    }
    bool known = stub_is_pinned(ptr, 1) || stub_host_mapped_bytes_from(ptr) > 0;
    const bool is_host = known || stub_release() < 805; /* CANN 8.1 has no third answer */
    attributes->location.type = is_host ? ACL_MEM_LOCATION_TYPE_HOST : ACL_MEM_LOCATION_TYPE_UNREGISTERED;
    attributes->pageSize = (uint32_t)sysconf(_SC_PAGESIZE);
    return ACL_SUCCESS;
}

static int check_query(void **addrList, uint32_t size, uint32_t memType, const uint32_t *checkResult,
                       uint32_t reserve) {
    const uint32_t known = ACL_RT_MEM_TYPE_DEV | ACL_RT_MEM_TYPE_DVPP | ACL_RT_MEM_TYPE_RSVD;
    if (addrList == NULL || checkResult == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtCheckMemType: %s is NULL.",
                         addrList == NULL ? "addrList" : "checkResult");
    }
    if (reserve != 0 || size == 0 || (memType & ~known) != 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtCheckMemType: reserve is %u (must be 0), size %u (must not be 0), memType 0x%x (a "
                         "combination of 0x2, 0x8 and 0x10).",
                         reserve, size, memType);
    }
    stub_context *context = NULL;
    return stub_context_current(&context);
}

aclError aclrtCheckMemType(void **addrList, uint32_t size, uint32_t memType, uint32_t *checkResult, uint32_t reserve) {
    int status = check_query(addrList, size, memType, checkResult, reserve);
    if (status != ACL_SUCCESS) {
        return status;
    }
    bool match = (memType & ACL_RT_MEM_TYPE_DEV) != 0; /* the stand-in has no memory of the other two types */
    for (uint32_t i = 0; match && i < size; i++) {
        stub_allocation allocation;
        match = stub_find_allocation(addrList[i], &allocation);
    }
    *checkResult = match;
    return ACL_SUCCESS;
}
