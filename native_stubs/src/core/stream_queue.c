/* Queueing tasks: who may, and what happens while the queue is full. */
#include "acl/acl_base.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/schedule.h"
#include "core/settings.h"
#include "core/stream_state.h"
#include "watch/task.h"

/* How long a producer lets a full queue drain to half before it is content with a single free place. */
#define DRAIN_MS 1

/* Under the lock. `done` is the worker's and dear to read, so it is asked only when the places it left are taken. */
static bool is_full(stub_stream *stream) {
    uint64_t submitted = atomic_load_explicit(&stream->submitted, memory_order_relaxed);
    if (submitted >= stream->room) {
        stream->room = atomic_load(&stream->done) + (uint64_t)stub_get_settings()->queue_depth;
    }
    return submitted >= stream->room;
}

/* Under the lock. Waking a producer for every single task is dear, so it first waits for half of the queue; but a task
 * in there may need the producer to go on, so it does not insist. A schedule that holds tasks back lets no more of them
 * run than are in the way. */
static int wait_for_room(stub_stream *stream) {
    static const stub_deadline never = {0};
    int status = stub_refuse_own_stream("queueing a task", stream);
    if (status != 0) {
        return status;
    }
    uint64_t depth = (uint64_t)stub_get_settings()->queue_depth;
    uint64_t submitted = atomic_load(&stream->submitted);
    stub_deadline patience = stub_deadline_after(DRAIN_MS);
    unsigned aborts = stream->aborts;
    if (stub_schedule_is_on() || !stub_stream_wait_until(stream, submitted - depth / 2, &patience, &aborts)) {
        stub_stream_wait_until(stream, submitted - depth + 1, &never, &aborts);
    }
    return aborts == stream->aborts ? 0 : stub_stream_aborted(stream, "queueing a task");
}

static int refuse_closed(stub_stream *stream) {
    if (stub_process_is_exiting()) {
        return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR, "stream %u takes no task: the process is exiting.",
                         stream->handle.id);
    }
    if (atomic_load(&stream->phase) != STREAM_OPEN) {
        return stub_fail(ACL_ERROR_RT_INVALID_HANDLE, "stream %u was destroyed.", stream->handle.id);
    }
    return stream->aborting == 0 ? 0 : stub_stream_aborted(stream, "queueing a task");
}

int stub_stream_stopped(const stub_stream *stream) {
    int failure = atomic_load_explicit(&stream->context->failure, memory_order_relaxed);
    if (failure == 0) {
        return 0;
    }
    return stub_fail(failure,
                     "the context of stream %u stopped at a failed task (ACL_STOP_ON_FAILURE) and takes no more work. "
                     "Reset the device or destroy the context.",
                     stream->handle.id);
}

/* Under the lock: 0 when the stream may take one more task. */
static int admit(stub_stream *stream) {
    int status = refuse_closed(stream);
    if (status == 0) {
        status = stub_stream_stopped(stream);
    }
    if (status == 0 && !stream->started) {
        status = stub_worker_start(stream);
    }
    while (status == 0 && is_full(stream)) {
        status = wait_for_room(stream);
        status = status == 0 ? refuse_closed(stream) : status;
    }
    return status;
}

/* Under the lock. Counts first: the worker may be done with the task before this returns. */
static void push(stub_stream *stream, stub_task *task) {
    uint64_t submitted = atomic_load_explicit(&stream->submitted, memory_order_relaxed);
    task->number = submitted;
    if (task->watched != NULL) {
        stub_watched_queued(task->watched, submitted);
    }
    atomic_store_explicit(&stream->submitted, submitted + 1, memory_order_release);
    stub_task *newest = atomic_load_explicit(&stream->incoming, memory_order_relaxed);
    do {
        task->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&stream->incoming, &newest, task, memory_order_release,
                                                    memory_order_relaxed));
}

/* Under the lock: whether the worker must be woken, which only one caller then does. */
static bool claim_wake(stub_stream *stream) {
    bool parked = stream->parked;
    stream->parked = false;
    return parked;
}

/* Under the lock, which "eager" gives up for a while. */
static void push_scheduled(stub_stream *stream, stub_task *task) {
    const stub_urgency urgency = task->urgency;
    const uint64_t number = atomic_load_explicit(&stream->submitted, memory_order_relaxed);
    task->age = stub_schedule_age();
    push(stream, task);
    if (claim_wake(stream)) {
        pthread_cond_signal(&stream->work);
    }
    stub_schedule_queued(stream, number, urgency);
    stub_schedule_run_at_once(stream, number);
}

int stub_stream_enqueue(stub_stream *stream, stub_task *task) {
    int status = stub_refuse_forked_child(task->name);
    if (status != 0) {
        task->release(task);
        return status;
    }
    task->watched = stub_is_watched() ? stub_watched_new(stream, task) : NULL;
    pthread_mutex_lock(&stream->lock);
    status = admit(stream);
    bool wake = false;
    if (status == 0 && stub_schedule_is_on()) {
        push_scheduled(stream, task);
    } else if (status == 0) {
        push(stream, task);
        wake = claim_wake(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    if (wake) {
        pthread_cond_signal(&stream->work);
    }
    if (status != 0) {
        stub_watched_release(task->watched);
        task->release(task);
    }
    return status;
}
