/* Events: what the host asks them, and waiting on the host. */
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/context.h"
#include "core/event.h"

#define NS_PER_MS 1e6
#define NS_PER_US 1000u

/* `refused`: flags whose events CANN keeps out of the call; `not_extended`: no events of aclrtCreateEventExWithFlag. */
static aclError resolve(const char *function, const char *name, aclrtEvent handle, uint32_t refused, bool not_extended,
                        stub_event **event) {
    if (handle == NULL) {
        return refuse_null(function, name);
    }
    aclError status = stub_event_resolve(handle, function, event);
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (not_extended && stub_event_get_style(*event) == STUB_EVENT_EXTENDED) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "%s does not take events of aclrtCreateEventExWithFlag; use aclrtQueryEventStatus.", function);
    }
    if ((stub_event_flags(*event) & refused) != 0) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "%s does not take events created with flag 0x%x.", function,
                         stub_event_flags(*event));
    }
    return ACL_SUCCESS;
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus *status) {
    stub_event *found;
    if (event != NULL && status == NULL) {
        return refuse_null(__func__, "status");
    }
    aclError result = resolve(__func__, "event", event, ACL_EVENT_EXTERNAL | ACL_EVENT_IPC, true, &found);
    if (result == ACL_SUCCESS) {
        stub_event_state state = stub_event_query(found, &result);
        *status = state == STUB_EVENT_PENDING ? ACL_EVENT_STATUS_NOT_READY : ACL_EVENT_STATUS_COMPLETE;
    }
    return result;
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status) {
    stub_event *found;
    if (event != NULL && status == NULL) {
        return refuse_null(__func__, "status");
    }
    aclError result = resolve(__func__, "event", event, ACL_EVENT_EXTERNAL, false, &found);
    if (result == ACL_SUCCESS) {
        stub_event_state state = stub_event_query(found, &result);
        bool extended = stub_event_get_style(found) == STUB_EVENT_EXTENDED;
        bool not_ready = state == STUB_EVENT_PENDING || (state == STUB_EVENT_NEVER_RECORDED && !extended);
        *status = not_ready ? ACL_EVENT_RECORDED_STATUS_NOT_READY : ACL_EVENT_RECORDED_STATUS_COMPLETE;
    }
    return result;
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus *status) {
    stub_event *found;
    if (event != NULL && status == NULL) {
        return refuse_null(__func__, "status");
    }
    aclError result = resolve(__func__, "event", event, ACL_EVENT_EXTERNAL | ACL_EVENT_IPC, true, &found);
    if (result == ACL_SUCCESS) {
        *status = stub_event_waits_are_over(found) ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
    }
    return result;
}

static aclError synchronize(const char *function, aclrtEvent event, int32_t timeout) {
    stub_event *found;
    aclError status = resolve(function, "event", event, ACL_EVENT_EXTERNAL, false, &found);
    return status == ACL_SUCCESS ? stub_event_synchronize(found, timeout) : status;
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
    return synchronize(__func__, event, -1);
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) {
    aclError status = check_timeout(__func__, timeout);
    return status == ACL_SUCCESS ? synchronize(__func__, event, timeout) : status;
}

static aclError get_time(const char *function, const char *name, aclrtEvent event, uint64_t *ns) {
    stub_event *found;
    aclError status = resolve(function, name, event, ACL_EVENT_EXTERNAL | ACL_EVENT_IPC, false, &found);
    return status == ACL_SUCCESS ? stub_event_time_ns(found, ns) : status;
}

aclError aclrtEventElapsedTime(float *ms, aclrtEvent startEvent, aclrtEvent endEvent) {
    if (ms == NULL) {
        return refuse_null(__func__, "ms");
    }
    if (startEvent == NULL || endEvent == NULL) {
        return refuse_null(__func__, startEvent == NULL ? "startEvent" : "endEvent");
    }
    uint64_t start = 0;
    uint64_t end = 0;
    aclError status = get_time(__func__, "startEvent", startEvent, &start);
    if (status == ACL_SUCCESS) {
        status = get_time(__func__, "endEvent", endEvent, &end);
    }
    if (status == ACL_SUCCESS) {
        *ms = (float)((double)(int64_t)(end - start) / NS_PER_MS); /* negative when the events are swapped */
    }
    return status;
}

aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t *timestamp) {
    if (timestamp == NULL) {
        return refuse_null(__func__, "timestamp");
    }
    uint64_t ns = 0;
    aclError status = get_time(__func__, "event", event, &ns);
    if (status == ACL_SUCCESS) {
        *timestamp = ns / NS_PER_US;
    }
    return status;
}

aclError aclrtGetEventId(aclrtEvent event, uint32_t *eventId) {
    stub_event *found;
    if (event != NULL && eventId == NULL) {
        return refuse_null(__func__, "eventId");
    }
    aclError status = resolve(__func__, "event", event, ACL_EVENT_IPC, false, &found);
    return status == ACL_SUCCESS ? stub_event_id(found, eventId) : status;
}

aclError aclrtGetEventAvailNum(uint32_t *eventCount) {
    if (eventCount == NULL) {
        return refuse_null(__func__, "eventCount");
    }
    stub_context *context;
    aclError status = stub_context_current(&context);
    if (status == ACL_SUCCESS) {
        *eventCount = (uint32_t)stub_device_free_events(stub_context_device(context));
    }
    return status;
}
