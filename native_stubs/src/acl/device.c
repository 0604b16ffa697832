/* Devices. */
#include <stdio.h>
#include <string.h>

#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/context.h"
#include "core/settings.h"

/* Stream priorities: 0 is served first. */
#define GREATEST_PRIORITY 0
#define LEAST_PRIORITY 7

aclError aclrtSetDevice(int32_t deviceId) {
    return stub_device_set(deviceId);
}

aclError aclrtResetDevice(int32_t deviceId) {
    return stub_device_reset(deviceId, false);
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
    return stub_device_reset(deviceId, true);
}

aclError aclrtGetDevice(int32_t *deviceId) {
    if (deviceId == NULL) {
        return refuse_null(__func__, "deviceId");
    }
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *deviceId = stub_context_device(context);
    }
    return status;
}

aclError aclrtGetDeviceCount(uint32_t *count) {
    if (count == NULL) {
        return refuse_null(__func__, "count");
    }
    int visible = stub_get_settings()->visible_count;
    if (visible < 0) {
        return stub_fail(ACL_ERROR_RT_NO_DEVICE,
                         "%s: ASCEND_RT_VISIBLE_DEVICES is malformed; it lists device ids in ascending order, none "
                         "twice, separated by commas.",
                         __func__);
    }
    *count = (uint32_t)visible;
    return ACL_SUCCESS;
}

static aclError synchronize_device(int32_t timeout) {
    stub_context *context;
    aclError status = stub_context_current(&context);
    return status == ACL_SUCCESS ? stub_context_synchronize(context, timeout) : status;
}

aclError aclrtSynchronizeDevice(void) {
    return synchronize_device(-1);
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
    aclError status = check_timeout(__func__, timeout);
    return status == ACL_SUCCESS ? synchronize_device(timeout) : status;
}

aclError aclrtQueryDeviceStatus(int32_t deviceId, aclrtDeviceStatus *deviceStatus) {
    if (deviceStatus == NULL) {
        return refuse_null(__func__, "deviceStatus");
    }
    aclError status = stub_device_check(__func__, deviceId);
    if (status == ACL_SUCCESS) {
        *deviceStatus = ACL_RT_DEVICE_STATUS_NORMAL;
    }
    return status;
}

/* -1 is CANN's own answer for a figure that cannot be measured. */
aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo *utilizationInfo) {
    if (utilizationInfo == NULL) {
        return refuse_null(__func__, "utilizationInfo");
    }
    if (utilizationInfo->utilizationExtend != NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM,
                         "%s: utilizationInfo->utilizationExtend is reserved and must be NULL.", __func__);
    }
    aclError status = stub_device_check(__func__, deviceId);
    if (status == ACL_SUCCESS) {
        *utilizationInfo = (aclrtUtilizationInfo){-1, -1, -1, -1, NULL};
    }
    return status;
}

aclError aclrtDeviceGetStreamPriorityRange(int32_t *leastPriority, int32_t *greatestPriority) {
    if (leastPriority != NULL) {
        *leastPriority = LEAST_PRIORITY;
    }
    if (greatestPriority != NULL) {
        *greatestPriority = GREATEST_PRIORITY;
    }
    return ACL_SUCCESS;
}

/* The same device has the same id under every ASCEND_RT_VISIBLE_DEVICES and in every process. */
aclError aclrtDeviceGetUuid(int32_t deviceId, aclrtUuid *uuid) {
    if (uuid == NULL) {
        return refuse_null(__func__, "uuid");
    }
    aclError status = stub_device_check(__func__, deviceId);
    if (status == ACL_SUCCESS) {
        char text[sizeof uuid->bytes + 1];
        snprintf(text, sizeof text, "ascend-ops-%05d", stub_get_settings()->visible[deviceId]);
        memcpy(uuid->bytes, text, sizeof uuid->bytes);
    }
    return status;
}
