/* Recording, resetting and waiting: what events queue on streams. */
#include <stdlib.h>

#include "acl/acl_rt.h"
#include "check/order.h"
#include "core/error.h"
#include "core/event_state.h"
#include "core/schedule.h"
#include "core/stream_state.h"
#include "watch/watch.h"

/* For the checks, before the record settles. */
static void note_clock(stub_record *record) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS) && record->clock == NULL) {
        record->clock = stub_check_worker_clock();
    }
}

static int complete_record(stub_task *task) {
    note_clock((stub_record *)task);
    stub_record_complete((stub_record *)task);
    return 0;
}

/* A record that was skipped never comes; whoever waits for it learns that. */
static void finish_record(stub_task *task) {
    int failure = stub_worker_context_failure();
    if (atomic_load_explicit(&((stub_record *)task)->state, memory_order_relaxed) == STUB_RECORD_PENDING) {
        note_clock((stub_record *)task);
    }
    stub_record_drop((stub_record *)task, failure != 0 ? failure : ACL_ERROR_RT_STREAM_ABORT);
    stub_record_release((stub_record *)task);
}

static void replace(stub_record **place, stub_record *record) {
    stub_record_release(*place);
    *place = record;
}

/* The record that waits are queued for already, or a new one. */
static stub_record *claim_record(stub_event *event, const stub_stream *stream) {
    stub_record *record =
        event->gate != NULL && !event->gate->claimed ? stub_record_retain(event->gate) : stub_record_new();
    if (record != NULL) {
        record->claimed = true;
        record->timed = (event->flags & ACL_EVENT_TIME_LINE) != 0;
        record->stream_id = stub_stream_id(stream);
        record->task = (stub_task){.run = complete_record, .release = finish_record, .name = "aclrtRecordEvent"};
    }
    return record;
}

int stub_event_record(stub_event *event, stub_stream *stream) {
    if (stub_event_is_nobodys(event)) {
        return 0;
    }
    pthread_mutex_lock(&event->lock);
    stub_record *record = claim_record(event, stream);
    pthread_mutex_unlock(&event->lock);
    if (record == NULL) {
        return stub_event_out_of_memory("aclrtRecordEvent");
    }
    stub_record_retain(record); /* the task's */
    int status = stub_stream_enqueue(stream, &record->task);
    if (status == 0) {
        stub_schedule_record_queued(record, stream);
        pthread_mutex_lock(&event->lock);
        replace(&event->latest, stub_record_retain(record));
        replace(&event->gate, stub_record_retain(record));
        pthread_mutex_unlock(&event->lock);
    }
    stub_record_release(record);
    return status;
}

int stub_event_reset(stub_event *event, stub_stream *stream) {
    int status = stub_stream_stopped(stream);
    if (status == 0) {
        pthread_mutex_lock(&event->lock);
        if (event->gate != NULL && event->gate->claimed) {
            replace(&event->gate, NULL);
        }
        pthread_mutex_unlock(&event->lock);
    }
    return status;
}

/* ---- waiting on a stream ---- */

typedef struct {
    stub_task task;
    stub_record *record;
    stub_wait_count *waits;
    uint32_t timeout_s;
} wait_task;

static int fail_wait(int status) {
    if (status == ACL_ERROR_RT_INTERNAL_ERROR) {
        return stub_fail(status, "aclrtStreamWaitEvent: the event was destroyed before anybody recorded it.");
    }
    return stub_fail(status, "aclrtStreamWaitEvent: the event's record was dropped, because its stream was aborted, "
                             "destroyed by force or stopped on failure.");
}

/* The stream's later tasks come after what the record came after. */
static int has_waited(const stub_record *record) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_worker_waited(record->clock);
    }
    return record->status == 0 ? 0 : fail_wait(record->status);
}

static int run_wait(stub_task *task) {
    wait_task *wait = (wait_task *)task;
    stub_deadline deadline = stub_deadline_after(wait->timeout_s == 0 ? -1 : (int64_t)wait->timeout_s * 1000);
    switch (stub_worker_block_on(wait->record, &deadline)) {
    case STUB_WAIT_EXPIRED:
        return stub_fail(ACL_ERROR_RT_TASK_TIMEOUT,
                         "aclrtStreamWaitEvent: the event was not completed within %u s (aclrtSetOpWaitTimeout or "
                         "aclrtStreamWaitEventWithTimeout).",
                         wait->timeout_s);
    case STUB_WAIT_INTERRUPTED:
        return 0; /* the stream is dropping its work */
    default:
        return has_waited(wait->record);
    }
}

static void finish_wait(stub_task *task) {
    wait_task *wait = (wait_task *)task;
    atomic_fetch_sub(&wait->waits->pending, 1);
    stub_wait_count_release(wait->waits);
    stub_record_release(wait->record);
    free(wait);
}

/* Under the lock: what a wait that starts now is for, with a reference; NULL when there is nothing to wait for. */
static stub_record *capture(stub_event *event, const stub_stream *stream, int *status) {
    stub_record *gate = event->gate;
    bool waits_for_next = event->style == STUB_EVENT_FLAGGED; /* a wait may be queued before the record */
    if (gate == NULL && waits_for_next) {
        gate = event->gate = stub_record_new();
        *status = gate == NULL ? stub_event_out_of_memory("aclrtStreamWaitEvent") : 0;
    } else if (gate == NULL && event->style == STUB_EVENT_CLASSIC) {
        *status = stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                            "aclrtStreamWaitEvent: the event has not been recorded. Call aclrtRecordEvent first.");
    }
    if (gate == NULL || atomic_load_explicit(&gate->state, memory_order_acquire) == STUB_RECORD_COMPLETE) {
        if (gate != NULL && stub_is_watched_by(STUB_WATCH_CHECKS)) {
            stub_check_stream_follows(stream, gate->clock);
        }
        return NULL;
    }
    bool ordered_anyway = gate->claimed && gate->stream_id == stub_stream_id(stream);
    return ordered_anyway ? NULL : stub_record_retain(gate);
}

static int queue_wait(stub_event *event, stub_stream *stream, stub_record *record, uint32_t timeout_s) {
    wait_task *wait = malloc(sizeof *wait);
    if (wait == NULL) {
        stub_record_release(record);
        return stub_event_out_of_memory("aclrtStreamWaitEvent");
    }
    *wait = (wait_task){
        {.run = run_wait, .release = finish_wait, .name = "aclrtStreamWaitEvent"}, record, event->waits, timeout_s};
    atomic_fetch_add(&wait->waits->references, 1);
    atomic_fetch_add(&wait->waits->pending, 1);
    return stub_stream_enqueue(stream, &wait->task);
}

int stub_event_wait(stub_event *event, stub_stream *stream, uint32_t timeout_s) {
    int status = 0;
    pthread_mutex_lock(&event->lock);
    stub_record *record = capture(event, stream, &status);
    pthread_mutex_unlock(&event->lock);
    return record == NULL ? status : queue_wait(event, stream, record, timeout_s);
}

/* Whoever has waited has seen the end of what the record came after. */
static void host_sees_waits(stub_event *event) {
    pthread_mutex_lock(&event->lock);
    const stub_record *gate = event->gate;
    if (gate != NULL && atomic_load_explicit(&gate->state, memory_order_acquire) != STUB_RECORD_PENDING) {
        stub_check_host_waited(gate->clock);
    }
    pthread_mutex_unlock(&event->lock);
}

bool stub_event_waits_are_over(stub_event *event) {
    const bool over = atomic_load(&event->waits->pending) == 0;
    if (!over && stub_schedule_is_on()) {
        stub_schedule_need_all();
    }
    if (over && stub_is_watched_by(STUB_WATCH_CHECKS)) {
        host_sees_waits(event);
    }
    return over;
}
