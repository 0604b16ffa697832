/* Callbacks on report threads: the stream's worker hands them over, aclrtProcessReport runs them. */
#include "core/callback.h"

#include <pthread.h>
#include <stdlib.h>

#include "acl/acl_base.h"
#include "check/order.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/stream_state.h"
#include "watch/watch.h"

typedef struct report {
    struct report *next;
    void (*function)(void *);
    void *argument;
    stub_record *finished; /* what a blocking callback's stream waits for; NULL otherwise */
    stub_clock *clock;     /* for the checks: what is over when it is handed over */
} report;

typedef struct report_thread {
    struct report_thread *next;
    uint64_t id;
    int device;
    unsigned streams; /* bound to it */
    unsigned users;   /* calls of aclrtProcessReport inside */
    report *head, *tail;
    pthread_cond_t arrived;
} report_thread;

typedef struct {
    stub_task task;
    void (*function)(void *);
    void *argument;
    bool blocking;
    stub_stream *stream;
} callback_task;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* everything here; callbacks are rare */
static report_thread *threads;

static report_thread *find_thread(uint64_t id) {
    report_thread *thread = threads;
    while (thread != NULL && thread->id != id) {
        thread = thread->next;
    }
    return thread;
}

static report_thread *add_thread(uint64_t id, int device) {
    report_thread *thread = calloc(1, sizeof *thread);
    if (thread != NULL) {
        thread->id = id;
        thread->device = device;
        stub_condition_init(&thread->arrived);
        thread->next = threads;
        threads = thread;
    }
    return thread;
}

static void drop_report(report *dropped) {
    if (dropped->finished != NULL) {
        stub_record_drop(dropped->finished, ACL_ERROR_RT_STREAM_NO_CB_REG);
        stub_record_release(dropped->finished);
    }
    stub_clock_release(dropped->clock);
    free(dropped);
}

/* Forgets a thread that no stream is bound to and that is not in aclrtProcessReport. */
static void collect_thread(report_thread *thread) {
    if (thread->streams != 0 || thread->users != 0) {
        return;
    }
    report_thread **link = &threads;
    while (*link != thread) {
        link = &(*link)->next;
    }
    *link = thread->next;
    while (thread->head != NULL) {
        report *first = thread->head;
        thread->head = first->next;
        drop_report(first);
    }
    pthread_cond_destroy(&thread->arrived);
    free(thread);
}

/* ---- binding ---- */

static int refuse_second_way(const stub_stream *stream, const char *function) {
    return stub_fail(ACL_ERROR_RT_STREAM_SUBSCRIBE,
                     "%s: stream %u cannot use both aclrtLaunchHostFunc and a report thread (aclrtSubscribeReport).",
                     function, stream->handle.id);
}

static int bind(uint64_t id, stub_stream *stream) {
    report_thread *thread = find_thread(id);
    if (stream->subscriber != NULL) {
        return stub_fail(ACL_ERROR_RT_STREAM_SUBSCRIBE, "aclrtSubscribeReport: stream %u has a report thread already.",
                         stream->handle.id);
    }
    if (thread != NULL && thread->device != stream->device) {
        return stub_fail(ACL_ERROR_RT_THREAD_SUBSCRIBE,
                         "aclrtSubscribeReport: the thread serves streams of device %d; a report thread serves one "
                         "device only.",
                         thread->device);
    }
    if (thread == NULL && (thread = add_thread(id, stream->device)) == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtSubscribeReport: the host is out of memory.");
    }
    thread->streams++;
    stream->subscriber = thread;
    return 0;
}

int stub_subscribe_report(uint64_t thread, stub_stream *stream) {
    pthread_mutex_lock(&lock);
    int status = atomic_load(&stream->has_host_functions) ? refuse_second_way(stream, "aclrtSubscribeReport")
                                                          : bind(thread, stream);
    pthread_mutex_unlock(&lock);
    return status;
}

int stub_callback_claim_host_functions(stub_stream *stream) {
    if (atomic_load(&stream->has_host_functions)) {
        return 0;
    }
    pthread_mutex_lock(&lock);
    int status = 0;
    if (stream->subscriber != NULL) {
        status = refuse_second_way(stream, "aclrtLaunchHostFunc");
    } else {
        atomic_store(&stream->has_host_functions, true);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static void unbind(stub_stream *stream) {
    report_thread *thread = stream->subscriber;
    stream->subscriber = NULL;
    thread->streams--;
    pthread_cond_broadcast(&thread->arrived);
    collect_thread(thread);
}

int stub_unsubscribe_report(uint64_t thread, stub_stream *stream) {
    int status = 0;
    pthread_mutex_lock(&lock);
    if (stream->subscriber == NULL) {
        status = stub_fail(ACL_ERROR_RT_STREAM_SUBSCRIBE, "aclrtUnSubscribeReport: stream %u has no report thread.",
                           stream->handle.id);
    } else if (stream->subscriber->id != thread) {
        status = stub_fail(ACL_ERROR_RT_THREAD_SUBSCRIBE,
                           "aclrtUnSubscribeReport: thread %llu is not the report thread of stream %u, %llu is.",
                           (unsigned long long)thread, stream->handle.id, (unsigned long long)stream->subscriber->id);
    } else {
        unbind(stream);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void stub_callback_forget(stub_stream *stream) {
    pthread_mutex_lock(&lock);
    if (stream->subscriber != NULL) {
        unbind(stream);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- launching ---- */

static int hand_over(const callback_task *call, stub_record *finished) {
    report *sent = malloc(sizeof *sent);
    if (sent == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtLaunchCallback: the host is out of memory.");
    }
    *sent = (report){.function = call->function,
                     .argument = call->argument,
                     .finished = finished == NULL ? NULL : stub_record_retain(finished),
                     .clock = stub_is_watched_by(STUB_WATCH_CHECKS) ? stub_check_worker_clock() : NULL};
    pthread_mutex_lock(&lock);
    report_thread *thread = call->stream->subscriber;
    if (thread != NULL) {
        if (thread->tail == NULL || thread->head == NULL) {
            thread->head = sent;
        } else {
            thread->tail->next = sent;
        }
        thread->tail = sent;
        pthread_cond_signal(&thread->arrived);
    }
    pthread_mutex_unlock(&lock);
    if (thread == NULL) {
        drop_report(sent);
        return stub_fail(ACL_ERROR_RT_STREAM_NO_CB_REG,
                         "aclrtLaunchCallback: stream %u lost its report thread (aclrtUnSubscribeReport) before the "
                         "callback's turn.",
                         call->stream->handle.id);
    }
    return 0;
}

static int hand_over_and_wait(const callback_task *call) {
    static const stub_deadline never = {0};
    stub_record *finished = stub_record_new();
    if (finished == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtLaunchCallback: the host is out of memory.");
    }
    int status = hand_over(call, finished);
    if (status == 0 && stub_worker_block_on(finished, &never) == STUB_WAIT_DONE && finished->status != 0) {
        status = stub_fail(finished->status,
                           "aclrtLaunchCallback: the report thread of stream %u was taken away "
                           "(aclrtUnSubscribeReport) before it ran the callback.",
                           call->stream->handle.id);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS) && status == 0 &&
        atomic_load_explicit(&finished->state, memory_order_acquire) == STUB_RECORD_COMPLETE) {
        stub_check_worker_waited(finished->clock);
    }
    stub_record_release(finished);
    return status;
}

static int run_callback_task(stub_task *task) {
    const callback_task *call = (const callback_task *)task;
    return call->blocking ? hand_over_and_wait(call) : hand_over(call, NULL);
}

static void free_task(stub_task *task) {
    free(task);
}

int stub_launch_callback(stub_stream *stream, void (*function)(void *), void *argument, bool blocking) {
    if (atomic_load(&stream->has_host_functions)) {
        return refuse_second_way(stream, "aclrtLaunchCallback");
    }
    pthread_mutex_lock(&lock);
    bool bound = stream->subscriber != NULL;
    pthread_mutex_unlock(&lock);
    if (!bound) {
        return stub_fail(ACL_ERROR_RT_STREAM_NO_CB_REG,
                         "aclrtLaunchCallback: stream %u has no report thread. Bind one with aclrtSubscribeReport, or "
                         "use aclrtLaunchHostFunc.",
                         stream->handle.id);
    }
    callback_task *call = malloc(sizeof *call);
    if (call == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtLaunchCallback: the host is out of memory.");
    }
    *call = (callback_task){
        {.run = run_callback_task, .release = free_task, .name = "aclrtLaunchCallback", .urgency = STUB_NEEDED_SOON},
        function,
        argument,
        blocking,
        stream};
    return stub_stream_enqueue(stream, &call->task);
}

/* ---- the report thread ---- */

/* Under the lock: the callbacks that wait for the thread, or NULL with a status. */
static report *await_reports(report_thread *thread, int timeout_ms, int *status) {
    stub_deadline deadline = stub_deadline_after(timeout_ms);
    bool in_time = true;
    while (thread->head == NULL && thread->streams != 0 && in_time) {
        in_time = stub_condition_wait(&thread->arrived, &lock, &deadline);
    }
    report *waiting = thread->head;
    thread->head = thread->tail = NULL;
    if (waiting == NULL) {
        *status = thread->streams == 0 ? ACL_ERROR_RT_THREAD_SUBSCRIBE : ACL_ERROR_RT_REPORT_TIMEOUT;
    }
    return waiting;
}

/* The user's code learns what is over, and its stream what the host has seen until it returned. */
static void call_function(const report *called) {
    const bool checked = stub_is_watched_by(STUB_WATCH_CHECKS);
    if (checked) {
        stub_check_host_waited(called->clock);
    }
    called->function(called->argument);
    if (checked && called->finished != NULL) {
        called->finished->clock = stub_check_host_clock();
    }
}

static void run_reports(report *waiting) {
    while (waiting != NULL) {
        report *next = waiting->next;
        call_function(waiting);
        if (waiting->finished != NULL) {
            stub_record_complete(waiting->finished);
            stub_record_release(waiting->finished);
        }
        stub_clock_release(waiting->clock);
        free(waiting);
        waiting = next;
    }
}

/* Under the lock. Both failures are what a polling loop sees all the time, so they leave no text. */
static int serve(uint64_t id, int timeout_ms, report **waiting) {
    report_thread *thread = find_thread(id);
    if (thread == NULL) {
        return ACL_ERROR_RT_THREAD_SUBSCRIBE;
    }
    int status = 0;
    thread->users++;
    *waiting = await_reports(thread, timeout_ms, &status);
    thread->users--;
    collect_thread(thread);
    return status;
}

int stub_process_report(int timeout_ms) {
    int status = stub_refuse_forked_child("aclrtProcessReport");
    if (status != 0) {
        return status;
    }
    report *waiting = NULL;
    pthread_mutex_lock(&lock);
    status = serve((uint64_t)pthread_self(), timeout_ms, &waiting);
    pthread_mutex_unlock(&lock);
    run_reports(waiting);
    return status;
}
