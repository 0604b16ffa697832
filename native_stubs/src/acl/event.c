/* Events: creating, destroying, and what they queue on streams. Queries are in event_query.c. */
#include "core/event.h"
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/stream.h"
#include "core/timeouts.h"

static aclError create(const char *function, aclrtEvent *event, stub_event_style style, uint32_t flag) {
    if (event == NULL) {
        return refuse_null(function, "event");
    }
    stub_event *made;
    aclError status = stub_event_create(style, flag, &made);
    if (status == ACL_SUCCESS) {
        *event = made;
    }
    return status;
}

aclError aclrtCreateEvent(aclrtEvent *event) {
    uint32_t all = ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE;
    return create(__func__, event, STUB_EVENT_CLASSIC, all);
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag) {
    return create(__func__, event, STUB_EVENT_FLAGGED, flag);
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag) {
    return create(__func__, event, STUB_EVENT_EXTENDED, flag);
}

static aclError resolve_event(const char *function, aclrtEvent handle, stub_event **event) {
    return handle == NULL ? refuse_null(function, "event") : stub_event_resolve(handle, function, event);
}

aclError aclrtDestroyEvent(aclrtEvent event) {
    stub_event *found;
    aclError status = resolve_event(__func__, event, &found);
    if (status == ACL_SUCCESS) {
        stub_event_destroy(found);
    }
    return status;
}

/* Both objects of a call that queues something, and the test that all such calls share. */
static aclError resolve(const char *function, aclrtEvent event_handle, aclrtStream stream_handle, stub_event **event,
                        stub_stream **stream) {
    aclError status = resolve_event(function, event_handle, event);
    if (status == ACL_SUCCESS && (stub_event_flags(*event) & ACL_EVENT_DEVICE_USE_ONLY) != 0) {
        status =
            stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                      "%s: the event was created with ACL_EVENT_DEVICE_USE_ONLY; the host cannot use it.", function);
    }
    return status == ACL_SUCCESS ? stub_stream_resolve(stream_handle, function, stream) : status;
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
    stub_event *recorded;
    stub_stream *recording;
    aclError status = resolve(__func__, event, stream, &recorded, &recording);
    return status == ACL_SUCCESS ? stub_event_record(recorded, recording) : status;
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
    stub_event *found;
    stub_stream *resetting;
    aclError status = resolve(__func__, event, stream, &found, &resetting);
    if (status != ACL_SUCCESS) {
        return status;
    }
    uint32_t resettable = stub_event_flags(found) & (ACL_EVENT_SYNC | ACL_EVENT_EXTERNAL);
    if (stub_event_get_style(found) != STUB_EVENT_FLAGGED || resettable == 0) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "%s: only events of aclrtCreateEventWithFlag(ACL_EVENT_SYNC) can be reset. Others can simply "
                         "be recorded again.",
                         __func__);
    }
    return stub_event_reset(found, resetting);
}

static aclError wait_for(const char *function, aclrtStream stream, aclrtEvent event, uint32_t timeout_s) {
    stub_event *awaited;
    stub_stream *waiting;
    aclError status = resolve(function, event, stream, &awaited, &waiting);
    if (status != ACL_SUCCESS) {
        return status;
    }
    if ((stub_event_flags(awaited) & (ACL_EVENT_SYNC | ACL_EVENT_EXTERNAL | ACL_EVENT_IPC)) == 0) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "%s: streams can only wait for events that were created with ACL_EVENT_SYNC.", function);
    }
    return stub_event_wait(awaited, waiting, timeout_s);
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
    return wait_for(__func__, stream, event, stub_wait_timeout_s());
}

aclError aclrtStreamWaitEventWithTimeout(aclrtStream stream, aclrtEvent event, int32_t timeout) {
    if (timeout < 0) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: timeout is %d; allowed are 0 (for ever) and more (seconds).",
                         __func__, timeout);
    }
    return wait_for(__func__, stream, event, (uint32_t)timeout);
}
