/* Streams run their work later, in order, each for itself; they report, abort and go away as documented. */
#include <sched.h>
#include <string.h>

#include "latch.h"

/* ---- order ---- */

typedef struct {
    int next, *seen, *failures;
} step;

static void take_step(void *argument) {
    step *taken = argument;
    if (*taken->seen != taken->next) {
        ++*taken->failures;
    }
    ++*taken->seen;
}

static void work_runs_in_order_and_only_when_its_turn_comes(void) {
    enum { STEPS = 1000 };
    static step steps[STEPS];
    int seen = 0, failures = 0;
    latch gate = LATCH;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    for (int i = 0; i < STEPS / 2; i++) {
        steps[i] = (step){i, &seen, &failures};
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, take_step, &steps[i]));
    }
    latch_await(&gate, 1);
    aclrtStreamStatus status;
    CHECK_STATUS(0, aclrtStreamQuery(stream, &status));
    CHECK(status == ACL_STREAM_STATUS_NOT_READY);
    latch_open(&gate);
    for (int i = STEPS / 2; i < STEPS; i++) {
        steps[i] = (step){i, &seen, &failures};
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, take_step, &steps[i]));
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(seen == STEPS && failures == 0);
    CHECK_STATUS(0, aclrtStreamQuery(stream, &status));
    CHECK(status == ACL_STREAM_STATUS_COMPLETE);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void a_held_stream_does_not_hold_another(void) {
    latch gate = LATCH;
    int count = 0;
    aclrtStream held = new_stream(), other = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(held, latch_wait, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(other, count_up, &count));
    CHECK_STATUS(0, aclrtLaunchHostFunc(NULL, count_up, &count)); /* the default stream is one of them */
    CHECK_STATUS(0, aclrtSynchronizeStream(other));
    CHECK_STATUS(0, aclrtSynchronizeStream(NULL));
    CHECK(counted(&count) == 2);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    CHECK_STATUS(0, aclrtDestroyStream(held));
    CHECK_STATUS(0, aclrtDestroyStream(other));
}

/* ---- waiting ---- */

static void waiting_ends_at_its_timeout(void) {
    latch gate = LATCH;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(stream, 5));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeDeviceWithTimeout(5));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSynchronizeStreamWithTimeout(stream, 0));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSynchronizeStreamWithTimeout(stream, -2));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSynchronizeDeviceWithTimeout(0));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(stream, -1));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

/* ---- many tasks, many threads ---- */

static void the_queue_is_bounded_and_loses_nothing(void) {
    enum { TASKS = 200000 };
    int count = 0;
    aclrtStream stream = new_stream();
    for (int i = 0; i < TASKS; i++) {
        if (aclrtLaunchHostFunc(stream, count_up, &count) != 0) {
            CHECK(!"aclrtLaunchHostFunc failed");
            break;
        }
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&count) == TASKS);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

/* The last of a full queue can only be queued when the first is gone, whatever comes after it. */
static void *open_latch(void *argument) {
    latch_await(argument, 1);
    latch_open(argument);
    return NULL;
}

static void a_full_queue_makes_the_caller_wait(void) {
    latch gate = LATCH;
    int count = 0;
    pthread_t opener;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK(pthread_create(&opener, NULL, open_latch, &gate) == 0);
    for (int i = 0; i < 5000; i++) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    }
    pthread_join(opener, NULL);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&count) == 5000);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void *use_a_stream(void *argument) {
    (void)argument;
    int count = 0;
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = new_stream();
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++) {
            CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
        }
        CHECK_STATUS(0, aclrtSynchronizeStream(stream));
        CHECK(counted(&count) == (round + 1) * 100);
    }
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
    return NULL;
}

static void eight_threads_use_eight_streams(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, use_a_stream, NULL) == 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
}

typedef struct {
    aclrtContext context;
    aclrtStream stream;
    int *count;
    int over;
} shared_stream;

static void *feed_shared_stream(void *argument) {
    shared_stream *shared = argument;
    CHECK_STATUS(0, aclrtSetCurrentContext(shared->context));
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(shared->stream, count_up, shared->count));
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(shared->stream));
    return NULL;
}

static void four_threads_share_one_stream(void) {
    int count = 0;
    shared_stream shared = {NULL, new_stream(), &count, 0};
    pthread_t threads[4];
    CHECK_STATUS(0, aclrtGetCurrentContext(&shared.context));
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, feed_shared_stream, &shared) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(counted(&count) == 4000);
    CHECK_STATUS(0, aclrtDestroyStream(shared.stream));
}

/* ---- ends ---- */

static void destroying_a_busy_stream_waits_for_its_work(void) {
    int count = 0;
    aclrtStream stream = new_stream();
    for (int i = 0; i < 500; i++) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    }
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK(counted(&count) == 500);
}

static void destroying_by_force_drops_what_has_not_started(void) {
    static latch gate = LATCH; /* outlives this function: the running host function is not waited for */
    static int count;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    latch_await(&gate, 1);
    CHECK_STATUS(0, aclrtDestroyStreamForce(stream));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(stream));
    latch_open(&gate);
    CHECK(counted(&count) == 0);
}

static void *abort_stream(void *argument) {
    shared_stream *shared = argument;
    CHECK_STATUS(0, aclrtSetCurrentContext(shared->context));
    CHECK_STATUS(0, aclrtStreamAbort(shared->stream));
    return NULL;
}

static void aborting_drops_the_queue_and_leaves_the_stream_usable(void) {
    latch gate = LATCH;
    int count = 0;
    shared_stream shared = {NULL, new_stream(), &count, 0};
    CHECK_STATUS(0, aclrtGetCurrentContext(&shared.context));
    CHECK_STATUS(0, aclrtLaunchHostFunc(shared.stream, latch_wait, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(shared.stream, count_up, &count));
    latch_await(&gate, 1);
    in_new_thread(abort_stream, &shared);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtLaunchHostFunc(shared.stream, count_up, &count));
    CHECK_STATUS(0, aclrtSynchronizeStream(shared.stream));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtDestroyStream(shared.stream));
}

static void *synchronize_expecting_abort(void *argument) {
    shared_stream *shared = argument;
    CHECK_STATUS(0, aclrtSetCurrentContext(shared->context));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_ABORT, aclrtSynchronizeStream(shared->stream));
    count_up(&shared->over);
    return NULL;
}

/* The aborts repeat because the other thread may not have begun to wait. */
static void aborting_sends_waiting_threads_away(void) {
    latch gate = LATCH;
    int count = 0;
    pthread_t waiter;
    shared_stream shared = {NULL, new_stream(), &count, 0};
    CHECK_STATUS(0, aclrtGetCurrentContext(&shared.context));
    CHECK_STATUS(0, aclrtLaunchHostFunc(shared.stream, latch_wait, &gate));
    latch_await(&gate, 1);
    CHECK(pthread_create(&waiter, NULL, synchronize_expecting_abort, &shared) == 0);
    while (counted(&shared.over) == 0) {
        CHECK_STATUS(0, aclrtStreamAbort(shared.stream));
        sched_yield();
    }
    pthread_join(waiter, NULL);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtDestroyStream(shared.stream));
}

static void a_destroyed_stream_is_recognised(void) {
    int count = 0;
    int32_t id;
    int local = 0;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtStreamGetId(stream, &id));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(&local));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDestroyStream(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCreateStream(NULL));
}

/* ---- failures ---- */

/* A wait for an event that nobody records fails after its time, one second at least. */
static aclrtEvent queue_failure(aclrtStream stream) {
    aclrtEvent event = NULL;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    CHECK_STATUS(0, aclrtStreamWaitEventWithTimeout(stream, event, 1));
    return event;
}

static void a_failed_task_is_reported_and_later_ones_run(void) {
    int count = 0;
    aclrtStream stream = new_stream();
    aclrtEvent event = queue_failure(stream);
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    aclGetRecentErrMsg();
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(stream));
    const char *text = aclGetRecentErrMsg();
    CHECK(text != NULL && strstr(text, "aclrtStreamWaitEvent") != NULL);
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void stop_on_failure_stops_the_whole_context(void) {
    int count = 0;
    aclrtContext previous, context;
    CHECK_STATUS(0, aclrtGetCurrentContext(&previous));
    CHECK_STATUS(0, aclrtCreateContext(&context, 0));
    aclrtStream stream = new_stream(), other = new_stream();
    CHECK_STATUS(0, aclrtSetStreamFailureMode(stream, ACL_STOP_ON_FAILURE));
    CHECK_STATUS(0, aclrtSetStreamFailureMode(stream, ACL_STOP_ON_FAILURE));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtSetStreamFailureMode(stream, ACL_CONTINUE_ON_FAILURE));
    aclrtEvent event = queue_failure(stream);
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(other));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtLaunchHostFunc(other, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeDevice());
    CHECK(counted(&count) == 0);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyContext(context));
    CHECK_STATUS(0, aclrtSetCurrentContext(previous));
}

/* ---- what a stream knows about itself ---- */

static void streams_remember_how_they_were_made(void) {
    aclrtStream stream = NULL;
    uint32_t value = 99, before = 0, after = 0;
    int32_t id = -1, other_id = -1;
    CHECK_STATUS(0, aclrtGetStreamAvailableNum(&before));
    CHECK_STATUS(0, aclrtCreateStreamWithConfig(&stream, 3, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
    CHECK_STATUS(0, aclrtGetStreamAvailableNum(&after));
    CHECK(before - after == 1);
    CHECK_STATUS(0, aclrtStreamGetPriority(stream, &value));
    CHECK(value == 3);
    CHECK_STATUS(0, aclrtStreamGetFlags(stream, &value));
    CHECK(value == (ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
    CHECK_STATUS(0, aclrtStreamGetId(stream, &id));
    CHECK_STATUS(0, aclrtStreamGetId(NULL, &other_id));
    CHECK(id != other_id);
    aclrtStreamAttrValue attribute = {.userCustomTag = 7};
    CHECK_STATUS(0, aclrtSetStreamAttribute(stream, ACL_STREAM_ATTR_USER_CUSTOM_TAG, &attribute));
    attribute.userCustomTag = 0;
    CHECK_STATUS(0, aclrtGetStreamAttribute(stream, ACL_STREAM_ATTR_USER_CUSTOM_TAG, &attribute));
    CHECK(attribute.userCustomTag == 7);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtSetStreamOverflowSwitch(stream, 2));
    CHECK_STATUS(0, aclrtSetStreamOverflowSwitch(stream, 1));
    CHECK_STATUS(0, aclrtGetStreamOverflowSwitch(stream, &value));
    CHECK(value == 1);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtCreateStreamWithConfig(&stream, 0, ACL_STREAM_PERSISTENT));
}

typedef struct {
    int started, stop;
} query_run;

static void *query_until_stopped(void *argument) {
    query_run *run = argument;
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = new_stream();
    while (!__atomic_load_n(&run->stop, __ATOMIC_RELAXED)) {
        aclrtStreamStatus status;
        CHECK_STATUS(0, aclrtStreamQuery(stream, &status));
        __atomic_store_n(&run->started, 1, __ATOMIC_RELAXED);
    }
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
    return NULL;
}

static void streams_are_made_while_another_thread_uses_its_own(void) {
    enum { MANY = 200 };
    aclrtStream streams[MANY];
    query_run run = {0, 0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, query_until_stopped, &run) == 0);
    while (!__atomic_load_n(&run.started, __ATOMIC_RELAXED)) {
        sched_yield();
    }
    for (int i = 0; i < MANY; i++) {
        streams[i] = new_stream();
    }
    __atomic_store_n(&run.stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_STATUS(0, aclrtDestroyStream(streams[i]));
    }
}

int main(void) {
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    work_runs_in_order_and_only_when_its_turn_comes();
    a_held_stream_does_not_hold_another();
    waiting_ends_at_its_timeout();
    the_queue_is_bounded_and_loses_nothing();
    a_full_queue_makes_the_caller_wait();
    eight_threads_use_eight_streams();
    four_threads_share_one_stream();
    destroying_a_busy_stream_waits_for_its_work();
    destroying_by_force_drops_what_has_not_started();
    aborting_drops_the_queue_and_leaves_the_stream_usable();
    aborting_sends_waiting_threads_away();
    a_destroyed_stream_is_recognised();
    a_failed_task_is_reported_and_later_ones_run();
    stop_on_failure_stops_the_whole_context();
    streams_remember_how_they_were_made();
    streams_are_made_while_another_thread_uses_its_own();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
