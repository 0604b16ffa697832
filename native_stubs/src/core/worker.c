/* The worker threads of the streams. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_base.h"
#include "core/callback.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/schedule.h"
#include "core/spin.h"
#include "core/stream_state.h"
#include "core/thread.h"
#include "fault/fault.h"
#include "watch/task.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static stub_stream *workers; /* streams with a worker that is not an orphan */
static atomic_bool exiting;
static _Thread_local stub_stream *own_stream;

stub_stream *stub_worker_stream(void) {
    return own_stream;
}

bool stub_process_is_exiting(void) {
    return atomic_load_explicit(&exiting, memory_order_relaxed);
}

static void list_add(stub_stream *stream) {
    pthread_mutex_lock(&list_lock);
    stream->next_worker = workers;
    stream->previous_worker = NULL;
    if (workers != NULL) {
        workers->previous_worker = stream;
    }
    workers = stream;
    stream->listed = true;
    pthread_mutex_unlock(&list_lock);
}

/* Under list_lock. */
static void unlink_worker(stub_stream *stream) {
    if (stream->previous_worker != NULL) {
        stream->previous_worker->next_worker = stream->next_worker;
    } else {
        workers = stream->next_worker;
    }
    if (stream->next_worker != NULL) {
        stream->next_worker->previous_worker = stream->previous_worker;
    }
    stream->listed = false;
}

/* False when the process is exiting and has dealt with the worker already. */
static bool list_remove(stub_stream *stream) {
    pthread_mutex_lock(&list_lock);
    bool listed = stream->listed;
    if (listed) {
        unlink_worker(stream);
    }
    pthread_mutex_unlock(&list_lock);
    return listed;
}

/* Any worker, which is then no longer listed; NULL when there is none. */
static stub_stream *list_take(void) {
    pthread_mutex_lock(&list_lock);
    stub_stream *stream = workers;
    if (stream != NULL) {
        unlink_worker(stream);
    }
    pthread_mutex_unlock(&list_lock);
    return stream;
}

void stub_worker_each(void (*visit)(stub_stream *stream, void *argument), void *argument) {
    pthread_mutex_lock(&list_lock);
    for (stub_stream *stream = workers; stream != NULL; stream = stream->next_worker) {
        visit(stream, argument);
    }
    pthread_mutex_unlock(&list_lock);
}

/* Under the lock: keeps the first failure, and stops the context when it is to stop on failure. */
static void keep_failure(stub_stream *stream, int status, char *text) {
    if (stream->error == 0) {
        stream->error = status;
        stream->error_text = text;
        text = NULL;
    }
    free(text);
    /* An orphan's context may be gone. */
    if (!stream->orphan && atomic_load(&stream->context->stop_on_failure)) {
        int none = 0;
        atomic_compare_exchange_strong(&stream->context->failure, &none, status);
    }
}

static void task_failed(stub_stream *stream, const stub_task *task, int status) {
    const char *details = stub_error_take();
    char *text = NULL;
    if (asprintf(&text, "%s failed on stream %u of device %d with status %d%s%s", task->name, stream->handle.id,
                 stream->device, status, details == NULL ? "." : ":\n", details == NULL ? "" : details) < 0) {
        text = NULL;
    }
    stub_exception_report(stream, status);
    pthread_mutex_lock(&stream->lock);
    keep_failure(stream, status, text);
    pthread_mutex_unlock(&stream->lock);
}

/* A forced destruction drops everything, so an orphan never looks at its context here. */
static bool is_skipped(stub_stream *stream, uint64_t number) {
    return number < atomic_load_explicit(&stream->drop_before, memory_order_acquire) ||
           atomic_load_explicit(&stream->context->failure, memory_order_relaxed) != 0;
}

static void wake_waiters(stub_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    atomic_store(&stream->wake_at, UINT64_MAX);
    pthread_cond_broadcast(&stream->progress);
    pthread_mutex_unlock(&stream->lock);
}

bool stub_stream_is_interrupted(const stub_stream *stream) {
    return atomic_load_explicit(&stream->done, memory_order_relaxed) <
               atomic_load_explicit(&stream->drop_before, memory_order_acquire) ||
           stub_process_is_exiting();
}

/* A rule may fail the task, or hold it until the stream is aborted. */
static int run_or_fail(stub_stream *stream, stub_task *task) {
    int status = stub_is_watched_by(STUB_WATCH_FAULTS) ? stub_fault_task(task->name, stream->device) : 0;
    return status == 0 && !stub_stream_is_interrupted(stream) ? task->run(task) : status;
}

static int run_watched(stub_stream *stream, stub_task *task) {
    if (task->watched != NULL) {
        stub_watched_started(task->watched);
    }
    return run_or_fail(stream, task);
}

static void run_next(stub_stream *stream) {
    stub_task *task = stream->batch;
    stream->batch = task->next;
    uint64_t number = atomic_load_explicit(&stream->done, memory_order_relaxed);
    stub_watched *watched = task->watched;
    bool skipped = is_skipped(stream, number);
    int status = 0;
    if (!skipped) {
        status = watched == NULL && !stub_is_watched() ? task->run(task) : run_watched(stream, task);
    }
    if (status != 0) {
        task_failed(stream, task, status);
    }
    task->release(task);
    if (watched != NULL) {
        stub_watched_finished(watched, status, skipped);
    }
    /* Sequentially consistent with wait_until in stream.c: either the waiter sees `done`, or we see its `wake_at`. */
    atomic_store(&stream->done, number + 1);
    if (number + 1 >= atomic_load(&stream->wake_at)) {
        wake_waiters(stream);
    }
}

/* Runs it when its time has come, unless the process exits first. */
static void run_scheduled(stub_stream *stream) {
    if (stub_schedule_enter(stream)) {
        run_next(stream);
        stub_schedule_leave(stream);
    }
}

static bool has_work(stub_stream *stream) {
    return atomic_load_explicit(&stream->incoming, memory_order_relaxed) != NULL;
}

static void sleep_until_work(stub_stream *stream) {
    static const stub_deadline never = {0};
    if (stub_schedule_read() != STUB_SCHEDULE_DEFAULT) {
        stub_schedule_look_again();
    }
    pthread_mutex_lock(&stream->lock);
    while (!has_work(stream) && !stream->stop) {
        stream->parked = true;
        stub_condition_wait(&stream->work, &stream->lock, &never);
        stream->parked = false;
    }
    pthread_mutex_unlock(&stream->lock);
}

static stub_task *oldest_first(stub_task *newest) {
    stub_task *oldest = NULL;
    while (newest != NULL) {
        stub_task *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

/* Takes the queue; false when the worker shall end. */
static bool take_batch(stub_stream *stream) {
    stub_spin spin = {0};
    while (!has_work(stream) && stub_spin_on(&spin)) {
    }
    if (!has_work(stream)) {
        sleep_until_work(stream);
    }
    stream->batch = oldest_first(atomic_exchange_explicit(&stream->incoming, NULL, memory_order_acquire));
    return stream->batch != NULL && !stub_process_is_exiting();
}

static void *work(void *argument) {
    stub_stream *stream = argument;
    own_stream = stream;
    stub_context_use(stream->context);
    while (take_batch(stream)) {
        while (stream->batch != NULL && !stub_process_is_exiting()) {
            if (stub_schedule_is_on()) {
                run_scheduled(stream);
            } else {
                run_next(stream);
            }
        }
    }
    pthread_mutex_lock(&stream->lock);
    bool orphan = stream->orphan && !stub_process_is_exiting();
    pthread_mutex_unlock(&stream->lock);
    if (orphan) {
        stub_stream_free(stream);
    }
    return NULL;
}

int stub_worker_start(stub_stream *stream) {
    stub_watch_forks();
    int failed = stub_thread_start(&stream->worker, work, stream);
    if (failed != 0) {
        return stub_fail(ACL_ERROR_RT_RESOURCE_ALLOC_FAIL,
                         "stream %u cannot start its worker thread: %s. Check the process's thread and memory limits.",
                         stream->handle.id, strerror(failed));
    }
    char name[16];
    snprintf(name, sizeof name, "stub-stream-%u", stream->handle.id % 1000);
    pthread_setname_np(stream->worker, name);
    stream->started = true;
    list_add(stream);
    return 0;
}

bool stub_worker_join(stub_stream *stream) {
    if (!list_remove(stream)) {
        return false;
    }
    pthread_mutex_lock(&stream->lock);
    stream->stop = true;
    pthread_cond_signal(&stream->work);
    pthread_mutex_unlock(&stream->lock);
    pthread_join(stream->worker, NULL);
    return true;
}

void stub_worker_orphan(stub_stream *stream) {
    stream->stop = true;
    stream->orphan = true;
    if (list_remove(stream)) {
        pthread_detach(stream->worker);
    }
}

int stub_worker_context_failure(void) {
    if (own_stream == NULL) {
        return 0;
    }
    pthread_mutex_lock(&own_stream->lock);
    int failure = own_stream->orphan ? 0 : atomic_load(&own_stream->context->failure);
    pthread_mutex_unlock(&own_stream->lock);
    return failure;
}

bool stub_worker_interrupted(void) {
    if (own_stream == NULL) {
        return stub_process_is_exiting();
    }
    if (stub_schedule_is_on() && atomic_load(&own_stream->seat.place) != STUB_SEAT_WAITING) {
        stub_schedule_wait_begins(own_stream, NULL);
    }
    return stub_stream_is_interrupted(own_stream);
}

static void set_blocked_on(stub_stream *stream, stub_record *record) {
    pthread_mutex_lock(&stream->lock);
    stream->blocked_on = record;
    pthread_mutex_unlock(&stream->lock);
}

stub_wait_result stub_worker_block_on(stub_record *record, const stub_deadline *deadline) {
    stub_stream *stream = own_stream;
    if (atomic_load_explicit(&record->state, memory_order_acquire) != STUB_RECORD_PENDING) {
        return STUB_WAIT_DONE;
    }
    set_blocked_on(stream, record);
    stub_schedule_need_record(record);
    stub_schedule_wait_begins(stream, record);
    stub_wait_result result = stub_record_wait(record, deadline, stub_stream_is_interrupted, stream);
    stub_schedule_wait_ends(stream);
    set_blocked_on(stream, NULL);
    return result;
}

void stub_worker_host_function(bool entering) {
    pthread_mutex_lock(&own_stream->lock);
    own_stream->in_host_function = entering;
    if (own_stream->aborting != 0) {
        pthread_cond_broadcast(&own_stream->progress);
    }
    pthread_mutex_unlock(&own_stream->lock);
}

/* An idle worker ends at once and is joined, so that nothing is left behind; a busy one dies with the process. */
static void dismiss(stub_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    bool idle = stub_stream_has_done(stream, atomic_load(&stream->submitted));
    stream->stop = true;
    pthread_cond_broadcast(&stream->work);
    pthread_cond_broadcast(&stream->progress);
    pthread_mutex_unlock(&stream->lock);
    stub_schedule_wake(stream);
    if (idle) {
        pthread_join(stream->worker, NULL);
    } else {
        pthread_detach(stream->worker);
    }
}

__attribute__((destructor)) static void stop_workers(void) {
    if (stub_is_forked_child()) {
        return;
    }
    atomic_store(&exiting, true);
    for (stub_stream *stream = list_take(); stream != NULL; stream = list_take()) {
        dismiss(stream);
    }
}
