/* Watched tasks; see task.h. */
#include "watch/task.h"

#include <stdlib.h>

#include "check/check.h"
#include "check/place.h"
#include "core/clock.h"
#include "core/stream_state.h"
#include "trace/trace.h"

stub_watched *stub_watched_new(const stub_stream *stream, const stub_task *task) {
    if (!stub_is_watched_by((stub_watcher)(STUB_WATCH_CHECKS | STUB_WATCH_TRACE))) {
        return NULL;
    }
    stub_watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL) {
        return NULL;
    }
    atomic_init(&watched->references, 1);
    watched->name = task->name;
    watched->stream = stream->handle.id;
    watched->device = stream->device;
    watched->queued_ns = stub_now_ns();
    watched->thread = stub_is_watched_by(STUB_WATCH_TRACE) ? stub_trace_caller() : 0;
    if (task->describe != NULL) {
        task->describe(task, &watched->accesses);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        watched->place = stub_place_to_keep();
        stub_check_prepare(watched);
    }
    return watched;
}

void stub_watched_retain(stub_watched *watched) {
    atomic_fetch_add_explicit(&watched->references, 1, memory_order_relaxed);
}

void stub_watched_release(stub_watched *watched) {
    if (watched != NULL && atomic_fetch_sub_explicit(&watched->references, 1, memory_order_acq_rel) == 1) {
        stub_check_forget(watched);
        stub_access_free(&watched->accesses);
        free(watched);
    }
}

void stub_watched_queued(stub_watched *watched, uint64_t number) {
    watched->number = number;
    if (watched->check != NULL) {
        stub_check_queued(watched);
    }
}

void stub_watched_started(stub_watched *watched) {
    watched->started_ns = stub_now_ns();
    if (watched->check != NULL) {
        stub_check_started(watched);
    }
}

void stub_watched_finished(stub_watched *watched, int status, bool skipped) {
    if (watched->check != NULL) {
        stub_check_finished(watched, skipped);
    }
    if (!skipped && stub_is_watched_by(STUB_WATCH_TRACE)) {
        stub_trace_task(watched, status);
    }
    stub_watched_release(watched);
}
