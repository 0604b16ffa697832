/* Aborting and destroying streams. */
#include <stdlib.h>

#include "acl/acl_base.h"
#include "check/check.h"
#include "check/order.h"
#include "core/callback.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/schedule.h"
#include "core/stream_state.h"

static const stub_deadline never = {0};

/* Under the lock: nothing that is queued now starts any more, and whoever waits for the stream is sent away. */
static void drop_queue(stub_stream *stream) {
    atomic_store(&stream->drop_before, atomic_load(&stream->submitted));
    stream->aborts++;
    if (stream->blocked_on != NULL) {
        stub_record_poke(stream->blocked_on);
    }
    pthread_cond_broadcast(&stream->progress);
    if (stub_schedule_is_on()) {
        stub_schedule_wake(stream);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_dropped(stream);
    }
}

/* Under the lock: until the running task is over. A host function cannot be stopped and may be waiting for the caller,
 * so it is not waited for. */
static void wait_for_running_task(stub_stream *stream) {
    uint64_t target = atomic_load(&stream->submitted);
    while (!stub_stream_has_done(stream, target) && !stream->in_host_function && !stub_process_is_exiting()) {
        if (stub_stream_ask_wake(stream, target)) {
            pthread_cond_wait(&stream->progress, &stream->lock);
        }
    }
}

int stub_stream_abort(stub_stream *stream) {
    int status = stub_refuse_own_stream("aclrtStreamAbort", stream);
    if (status != 0) {
        return status;
    }
    pthread_mutex_lock(&stream->lock);
    stream->aborting++;
    drop_queue(stream);
    wait_for_running_task(stream);
    stream->aborting--;
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_host_saw(stream, atomic_load(&stream->done));
    }
    pthread_mutex_unlock(&stream->lock);
    return 0;
}

static void unlink_stream(stub_stream *stream) {
    stub_context *context = stream->context;
    pthread_mutex_lock(&context->lock);
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        context->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    pthread_mutex_unlock(&context->lock);
}

void stub_stream_free(stub_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    while (stream->pins != 0 && !stub_process_is_exiting()) {
        pthread_cond_wait(&stream->progress, &stream->lock);
    }
    pthread_mutex_unlock(&stream->lock);
    pthread_cond_destroy(&stream->seat.turn);
    pthread_cond_destroy(&stream->progress);
    pthread_cond_destroy(&stream->work);
    pthread_mutex_destroy(&stream->lock);
    free(stream->error_text);
    stub_handle_release(stream, STUB_HANDLE_STREAM);
}

/* Waits for the work; with `force` a busy worker is left to itself instead. False when the stream is no longer ours. */
static bool settle(stub_stream *stream, bool force) {
    pthread_mutex_lock(&stream->lock);
    uint64_t target = atomic_load(&stream->submitted);
    bool busy = !stub_stream_has_done(stream, target);
    if (force && busy) {
        drop_queue(stream);
        stub_worker_orphan(stream);
    }
    bool done = (force && busy) ? false : stub_stream_wait_until(stream, target, &never, NULL);
    if (stub_is_watched_by(STUB_WATCH_CHECKS) && (done || force)) {
        stub_check_stream_ended(stream, !done);
    }
    pthread_mutex_unlock(&stream->lock);
    return done;
}

void stub_stream_close(stub_stream *stream, bool force) {
    if (atomic_exchange(&stream->phase, STREAM_CLOSING) != STREAM_OPEN) {
        return; /* another thread is at it */
    }
    unlink_stream(stream);
    if (!stream->is_default) {
        stub_device_give_stream(stream->device);
    }
    if (force) {
        stub_callback_forget(stream);
    }
    if (!settle(stream, force)) {
        return;
    }
    stub_callback_forget(stream);
    if (!stream->started || stub_worker_join(stream)) {
        stub_stream_free(stream);
    }
}

int stub_stream_destroy(stub_stream *stream, bool force) {
    int status = stub_refuse_own_stream("destroying a stream", stream);
    if (status != 0) {
        return status;
    }
    if (stream->is_default) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "stream %u is the default stream of its context and is destroyed with it.", stream->handle.id);
    }
    stub_stream_close(stream, force);
    return 0;
}

int stub_stream_set_failure_mode(stub_stream *stream, bool stop) {
    bool stops = stub_stream_get(stream, STUB_STREAM_FAILURE_MODE) != 0;
    if (stops && !stop) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "stream %u stops on failure; that mode cannot be taken back. Create a new stream in another "
                         "context.",
                         stream->handle.id);
    }
    if (stop) {
        stub_stream_set(stream, STUB_STREAM_FAILURE_MODE, 1);
        atomic_store(&stream->context->stop_on_failure, true);
    }
    return 0;
}
