/* What the host asks an event. */
#include "acl/acl_rt.h"
#include "check/order.h"
#include "core/error.h"
#include "core/event_state.h"
#include "core/schedule.h"
#include "core/stream_state.h"
#include "watch/watch.h"

/* The latest record with a reference, or NULL. Who asks about it needs it. */
static stub_record *latest_of(stub_event *event) {
    pthread_mutex_lock(&event->lock);
    stub_record *record = event->latest == NULL ? NULL : stub_record_retain(event->latest);
    pthread_mutex_unlock(&event->lock);
    if (record != NULL && stub_schedule_is_on()) {
        stub_schedule_need_record(record);
    }
    return record;
}

/* The host knows now that the record has settled. */
static void host_sees(const stub_record *record) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_host_waited(record->clock);
    }
}

static int explain_record(const stub_record *record, stub_wait_result result, int timeout_ms) {
    switch (result) {
    case STUB_WAIT_EXPIRED:
        return stub_fail(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, "the event was not completed within %d ms.", timeout_ms);
    case STUB_WAIT_INTERRUPTED:
        return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR, "the event cannot complete: the process is exiting.");
    default:
        break;
    }
    if (record->status != 0) {
        return stub_fail(record->status,
                         "the event's record was dropped, because stream %u was aborted, destroyed by "
                         "force or stopped on failure.",
                         record->stream_id);
    }
    return 0;
}

static bool process_exits(const stub_stream *stream) {
    (void)stream;
    return stub_process_is_exiting();
}

int stub_event_synchronize(stub_event *event, int timeout_ms) {
    stub_record *record = latest_of(event);
    if (record == NULL) {
        return 0;
    }
    stub_deadline deadline = stub_deadline_after(timeout_ms);
    stub_wait_result result = stub_record_wait(record, &deadline, process_exits, NULL);
    int status = explain_record(record, result, timeout_ms);
    if (result == STUB_WAIT_DONE) {
        host_sees(record);
    }
    stub_record_release(record);
    return status;
}

stub_event_state stub_event_query(stub_event *event, int *status) {
    stub_record *record = latest_of(event);
    *status = 0;
    if (record == NULL) {
        return STUB_EVENT_NEVER_RECORDED;
    }
    stub_record_state state = atomic_load_explicit(&record->state, memory_order_acquire);
    if (state != STUB_RECORD_PENDING) {
        host_sees(record);
    }
    if (state == STUB_RECORD_DROPPED) {
        *status = explain_record(record, STUB_WAIT_DONE, 0);
    }
    stub_record_release(record);
    static const stub_event_state answers[] = {
        [STUB_RECORD_PENDING] = STUB_EVENT_PENDING,
        [STUB_RECORD_COMPLETE] = STUB_EVENT_COMPLETE,
        [STUB_RECORD_DROPPED] = STUB_EVENT_FAILED,
    };
    return answers[state];
}

int stub_event_time_ns(stub_event *event, uint64_t *ns) {
    stub_record *record = latest_of(event);
    if (record == NULL) {
        return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR, "event %u was never recorded.", event->handle.id);
    }
    bool complete = atomic_load_explicit(&record->state, memory_order_acquire) == STUB_RECORD_COMPLETE;
    *ns = complete ? record->timestamp_ns : 0;
    if (complete) {
        host_sees(record);
    }
    stub_record_release(record);
    if (*ns == 0) {
        return stub_fail(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, "event %u has no time stamp: %s.", event->handle.id,
                         complete ? "it was created without ACL_EVENT_TIME_LINE" : "its record is not complete yet");
    }
    return 0;
}

int stub_event_id(stub_event *event, uint32_t *id) {
    bool can_sync = event->style == STUB_EVENT_CLASSIC || (event->flags & (ACL_EVENT_SYNC | ACL_EVENT_EXTERNAL)) != 0;
    pthread_mutex_lock(&event->lock);
    bool has_id = can_sync && (event->style == STUB_EVENT_FLAGGED || event->latest != NULL);
    pthread_mutex_unlock(&event->lock);
    if (!has_id) {
        return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR, "event %u has no id: %s.", event->handle.id,
                         can_sync ? "it was never recorded" : "it was created without ACL_EVENT_SYNC");
    }
    *id = event->handle.id;
    return 0;
}

stub_event_style stub_event_get_style(const stub_event *event) {
    return event->style;
}

uint32_t stub_event_flags(const stub_event *event) {
    return event->flags;
}
