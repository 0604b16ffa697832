/* Access of one device to the memory of another. */
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/context.h"

static aclError check_pair(const char *function, int32_t device, int32_t peer) {
    if (device == peer) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: peerDeviceId %d is the device itself.", function, peer);
    }
    aclError status = stub_device_check(function, device);
    return status == ACL_SUCCESS ? stub_device_check(function, peer) : status;
}

aclError aclrtDeviceCanAccessPeer(int32_t *canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
    if (canAccessPeer == NULL) {
        return refuse_null(__func__, "canAccessPeer");
    }
    aclError status = check_pair(__func__, deviceId, peerDeviceId);
    if (status == ACL_SUCCESS) {
        *canAccessPeer = 1;
    }
    return status;
}

static aclError switch_access(const char *function, int32_t peer, bool enabled) {
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status != ACL_SUCCESS) {
        return status;
    }
    int device = stub_context_device(context);
    status = check_pair(function, device, peer);
    if (status == ACL_SUCCESS) {
        stub_device_set_peer(device, peer, enabled);
    }
    return status;
}

aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags) {
    if (flags != 0) {
        return stub_fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s: flags is %u; it is reserved and must be 0.", __func__,
                         flags);
    }
    return switch_access(__func__, peerDeviceId, true);
}

aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId) {
    return switch_access(__func__, peerDeviceId, false);
}

aclError aclrtDevicePeerAccessStatus(int32_t deviceId, int32_t peerDeviceId, int32_t *status) {
    if (status == NULL) {
        return refuse_null(__func__, "status");
    }
    if (stub_device_check(__func__, deviceId) != ACL_SUCCESS ||
        stub_device_check(__func__, peerDeviceId) != ACL_SUCCESS) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: devices %d and %d are not both visible.", __func__, deviceId,
                         peerDeviceId);
    }
    *status = stub_device_has_peer(deviceId, peerDeviceId);
    return ACL_SUCCESS;
}
