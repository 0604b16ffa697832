/* Streams: life, synchronization, queries. Attributes are in stream_attributes.c. */
#include "core/stream.h"
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/context.h"
#include "core/release.h"

#define LEAST_PRIORITY 7u
/* Streams for building models, whose tasks are kept and not run. CANN 8.1 has neither these nor ACL_STREAM_HUGE. */
#define MODEL_FLAGS (ACL_STREAM_PERSISTENT | ACL_STREAM_CPU_SCHEDULE | ACL_STREAM_DEVICE_USE_ONLY)
#define FIRST_FLAGS (ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC)

aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag) {
    if (stream == NULL) {
        return refuse_null(__func__, "stream");
    }
    const uint32_t known = stub_release() >= 805 ? FIRST_FLAGS | ACL_STREAM_HUGE | MODEL_FLAGS : FIRST_FLAGS;
    if ((flag & MODEL_FLAGS & known) != 0) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "%s: flag 0x%x asks for a stream that builds models (ACL_STREAM_PERSISTENT, "
                         "ACL_STREAM_CPU_SCHEDULE or ACL_STREAM_DEVICE_USE_ONLY), which the ascend-ops stand-in has "
                         "not.",
                         __func__, flag);
    }
    stub_stream *made;
    uint32_t valid_priority = priority > LEAST_PRIORITY ? LEAST_PRIORITY : priority;
    aclError status = stub_stream_create(valid_priority, flag & known, &made);
    if (status == ACL_SUCCESS) {
        *stream = made;
    }
    return status;
}

aclError aclrtCreateStream(aclrtStream *stream) {
    return stream == NULL ? refuse_null(__func__, "stream") : aclrtCreateStreamWithConfig(stream, 0, 0);
}

static aclError destroy(const char *function, aclrtStream handle, bool force) {
    if (handle == NULL) {
        return refuse_null(function, "stream");
    }
    stub_stream *stream;
    aclError status = stub_stream_resolve(handle, function, &stream);
    if (status != ACL_SUCCESS || stream != handle) {
        return status; /* a destroyed stream's handle, which the played release does not recognise */
    }
    return stub_stream_destroy(stream, force);
}

aclError aclrtDestroyStream(aclrtStream stream) {
    return destroy(__func__, stream, false);
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
    return destroy(__func__, stream, true);
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
    stub_stream *found;
    aclError status = stub_stream_resolve_any(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_stream_synchronize(found, -1) : status;
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
    stub_stream *found;
    aclError status = check_timeout(__func__, timeout);
    if (status == ACL_SUCCESS) {
        status = stub_stream_resolve_any(stream, __func__, &found);
    }
    return status == ACL_SUCCESS ? stub_stream_synchronize(found, timeout) : status;
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus *status) {
    if (status == NULL) {
        return refuse_null(__func__, "status");
    }
    stub_stream *found;
    aclError result = stub_stream_resolve_any(stream, __func__, &found);
    if (result == ACL_SUCCESS) {
        result = stub_stream_stopped(found);
    }
    if (result == ACL_SUCCESS) {
        *status = stub_stream_is_idle(found) ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    }
    return result;
}

aclError aclrtStreamAbort(aclrtStream stream) {
    stub_stream *found;
    aclError status = stub_stream_resolve(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_stream_abort(found) : status;
}

aclError aclrtGetStreamAvailableNum(uint32_t *streamCount) {
    if (streamCount == NULL) {
        return refuse_null(__func__, "streamCount");
    }
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *streamCount = (uint32_t)stub_device_free_streams(stub_context_device(context));
    }
    return status;
}
