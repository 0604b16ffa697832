/* Waiting for a stream's work, alone or for a whole context. */
#include <stdlib.h>

#include "acl/acl_base.h"
#include "check/check.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/schedule.h"
#include "core/spin.h"
#include "core/stream_state.h"

/* Failures from here on are the device's (507015 and its like) and stay with the stream. */
#define FIRST_DEVICE_ERROR 500000

bool stub_stream_has_done(stub_stream *stream, uint64_t target) {
    return atomic_load(&stream->done) >= target;
}

/* Asks the worker to broadcast `progress` at `target`; false when that point has been reached already. */
bool stub_stream_ask_wake(stub_stream *stream, uint64_t target) {
    if (target < atomic_load(&stream->wake_at)) {
        atomic_store(&stream->wake_at, target);
    }
    return !stub_stream_has_done(stream, target);
}

static bool wait_pinned(stub_stream *stream, uint64_t target, const stub_deadline *deadline, const unsigned *aborts) {
    while (!stub_stream_has_done(stream, target)) {
        if (stub_process_is_exiting() || (aborts != NULL && *aborts != stream->aborts)) {
            return false;
        }
        if (stub_stream_ask_wake(stream, target) && !stub_condition_wait(&stream->progress, &stream->lock, deadline)) {
            return stub_stream_has_done(stream, target);
        }
    }
    return true;
}

/* Under the lock. A pinned stream is not freed. */
void stub_stream_unpin(stub_stream *stream) {
    if (--stream->pins == 0) {
        pthread_cond_broadcast(&stream->progress);
    }
}

bool stub_stream_wait_until(stub_stream *stream, uint64_t target, const stub_deadline *deadline,
                            const unsigned *aborts) {
    if (stub_stream_has_done(stream, target)) {
        return true;
    }
    if (stub_schedule_is_on()) {
        stub_schedule_need(stream, target);
    }
    stream->pins++;
    bool done = wait_pinned(stream, target, deadline, aborts);
    stub_stream_unpin(stream);
    return done;
}

int stub_stream_aborted(const stub_stream *stream, const char *what) {
    return stub_fail(ACL_ERROR_RT_STREAM_ABORT, "%s: stream %u was aborted or destroyed by force.", what,
                     stream->handle.id);
}

static int refuse_waiting_for_itself(const char *function, const stub_stream *own) {
    return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR,
                     "%s was called from a host function of stream %u, which it would wait for. Host functions must "
                     "not synchronize, launch or destroy.",
                     function, own->handle.id);
}

int stub_refuse_own_worker(const char *function, const stub_context *context) {
    const stub_stream *own = stub_worker_stream();
    return own != NULL && own->context == context ? refuse_waiting_for_itself(function, own) : 0;
}

int stub_refuse_own_stream(const char *function, const stub_stream *stream) {
    return stub_worker_stream() == stream ? refuse_waiting_for_itself(function, stream) : 0;
}

static bool stays(const stub_stream *stream, int error) {
    return error >= FIRST_DEVICE_ERROR || atomic_load(&stream->context->failure) != 0;
}

/* Under the lock: the stream's error for the calling thread, with the worker's texts. */
static int take_error(stub_stream *stream) {
    int error = stream->error;
    if (error == 0) {
        return stub_stream_stopped(stream);
    }
    stub_fail_text(error, stream->error_text == NULL ? "a task failed." : stream->error_text);
    if (!stays(stream, error)) {
        stream->error = 0;
        free(stream->error_text);
        stream->error_text = NULL;
    }
    return error;
}

static int explain_unfinished(stub_stream *stream, uint64_t target, unsigned aborts, int timeout_ms) {
    if (aborts != stream->aborts) {
        return stub_stream_aborted(stream, "synchronizing");
    }
    if (stub_process_is_exiting()) {
        return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR, "stream %u cannot finish: the process is exiting.",
                         stream->handle.id);
    }
    return stub_fail(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "stream %u did not finish within %d ms: %llu tasks are left.",
                     stream->handle.id, timeout_ms, (unsigned long long)(target - atomic_load(&stream->done)));
}

static void spin_until_done(stub_stream *stream) {
    uint64_t target = atomic_load_explicit(&stream->submitted, memory_order_relaxed);
    stub_spin spin = {0};
    while (atomic_load_explicit(&stream->done, memory_order_relaxed) < target && stub_spin_on(&spin)) {
    }
}

/* Under the lock: whatever the tasks' own status, the host knows that they are over. */
static void host_sees(const stub_stream *stream) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_host_saw(stream, atomic_load(&stream->done));
    }
}

/* Under the lock. */
static int wait_for_all(stub_stream *stream, const stub_deadline *deadline, int timeout_ms) {
    uint64_t target = atomic_load(&stream->submitted);
    unsigned aborts = stream->aborts;
    bool done = stub_stream_wait_until(stream, target, deadline, &aborts);
    return done ? 0 : explain_unfinished(stream, target, aborts, timeout_ms);
}

int stub_stream_synchronize(stub_stream *stream, int timeout_ms) {
    int status = stub_refuse_forked_child("synchronizing a stream");
    if (status == 0) {
        status = stub_refuse_own_stream("synchronizing a stream", stream);
    }
    if (status != 0) {
        return status;
    }
    stub_deadline deadline = stub_deadline_after(timeout_ms);
    spin_until_done(stream);
    pthread_mutex_lock(&stream->lock);
    status = wait_for_all(stream, &deadline, timeout_ms);
    if (status == 0) {
        host_sees(stream);
        status = take_error(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return status;
}

bool stub_stream_is_idle(stub_stream *stream) {
    uint64_t submitted = atomic_load(&stream->submitted);
    bool done = stub_stream_has_done(stream, submitted);
    if (!done && stub_schedule_is_on()) {
        stub_schedule_need(stream, submitted);
    }
    if (done && stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_host_saw(stream, submitted);
    }
    return done;
}

/* ---- all streams of a context ---- */

typedef struct {
    stub_stream **items;
    size_t count;
} stream_set;

static void pin(stub_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    stream->pins++;
    pthread_mutex_unlock(&stream->lock);
}

/* The context's streams, which cannot go away until they are let go. False when the host is out of memory. */
static bool pin_all(stub_context *context, stream_set *set) {
    size_t count = 0;
    pthread_mutex_lock(&context->lock);
    for (stub_stream *stream = context->streams; stream != NULL; stream = stream->next) {
        count++;
    }
    set->items = calloc(count + 1, sizeof *set->items);
    for (stub_stream *stream = context->streams; stream != NULL && set->items != NULL; stream = stream->next) {
        pin(stream);
        set->items[set->count++] = stream;
    }
    pthread_mutex_unlock(&context->lock);
    return set->items != NULL;
}

static void let_go(stream_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        pthread_mutex_lock(&set->items[i]->lock);
        stub_stream_unpin(set->items[i]);
        pthread_mutex_unlock(&set->items[i]->lock);
    }
    free(set->items);
}

static int synchronize_all(stream_set *set, int timeout_ms) {
    stub_deadline deadline = stub_deadline_after(timeout_ms);
    int status = 0;
    for (size_t i = 0; i < set->count && status == 0; i++) {
        pthread_mutex_lock(&set->items[i]->lock);
        status = wait_for_all(set->items[i], &deadline, timeout_ms);
        pthread_mutex_unlock(&set->items[i]->lock);
    }
    const bool all_done = status == 0;
    for (size_t i = 0; i < set->count && all_done; i++) {
        host_sees(set->items[i]);
    }
    for (size_t i = 0; i < set->count && status == 0; i++) {
        pthread_mutex_lock(&set->items[i]->lock);
        status = take_error(set->items[i]);
        pthread_mutex_unlock(&set->items[i]->lock);
    }
    return status;
}

int stub_context_synchronize(stub_context *context, int timeout_ms) {
    stream_set set = {0};
    int status = stub_refuse_own_worker("synchronizing a device", context);
    if (status != 0) {
        return status;
    }
    if (!pin_all(context, &set)) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "synchronizing a device: the host is out of memory.");
    }
    status = synchronize_all(&set, timeout_ms);
    let_go(&set);
    return status;
}
