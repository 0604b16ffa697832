/* Callbacks on report threads, host functions, and the callback for failed tasks. */
#include <sched.h>
#include <string.h>

#include "latch.h"

/* ---- a report thread like that of CANN's samples ---- */

typedef struct {
    pthread_t thread;
    aclrtContext context;
    int stop, ran_elsewhere;
} reporter;

static void *report_loop(void *argument) {
    reporter *self = argument;
    CHECK_STATUS(0, aclrtSetCurrentContext(self->context));
    while (!__atomic_load_n(&self->stop, __ATOMIC_ACQUIRE)) {
        aclError status = aclrtProcessReport(10);
        CHECK(status == 0 || status == ACL_ERROR_RT_REPORT_TIMEOUT || status == ACL_ERROR_RT_THREAD_SUBSCRIBE);
        if (status == ACL_ERROR_RT_THREAD_SUBSCRIBE) {
            sched_yield();
        }
    }
    return NULL;
}

static void start_reporter(reporter *self) {
    memset(self, 0, sizeof *self);
    CHECK_STATUS(0, aclrtGetCurrentContext(&self->context));
    CHECK(pthread_create(&self->thread, NULL, report_loop, self) == 0);
}

static void stop_reporter(reporter *self) {
    __atomic_store_n(&self->stop, 1, __ATOMIC_RELEASE);
    pthread_join(self->thread, NULL);
}

typedef struct {
    reporter *reporter;
    int count;
} callback_data;

static void count_on_reporter(void *argument) {
    callback_data *data = argument;
    if (!pthread_equal(pthread_self(), data->reporter->thread)) {
        data->reporter->ran_elsewhere = 1;
    }
    count_up(&data->count);
}

static void callbacks_run_on_the_subscribed_thread(void) {
    reporter thread;
    callback_data data = {&thread, 0};
    aclrtStream stream = new_stream();
    start_reporter(&thread);
    CHECK_STATUS(0, aclrtSubscribeReport((uint64_t)thread.thread, stream));
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(0, aclrtLaunchCallback(count_on_reporter, &data, ACL_CALLBACK_BLOCK, stream));
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&data.count) == 100); /* blocking callbacks are over when the stream is */
    CHECK_STATUS(0, aclrtUnSubscribeReport((uint64_t)thread.thread, stream));
    stop_reporter(&thread);
    CHECK(!thread.ran_elsewhere);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void only_blocking_callbacks_hold_the_stream(void) {
    latch gate = LATCH;
    int after = 0;
    reporter thread;
    aclrtStream stream = new_stream();
    start_reporter(&thread);
    CHECK_STATUS(0, aclrtSubscribeReport((uint64_t)thread.thread, stream));
    CHECK_STATUS(0, aclrtLaunchCallback(latch_wait, &gate, ACL_CALLBACK_NO_BLOCK, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    latch_await(&gate, 1);
    CHECK_STATUS(0, aclrtLaunchCallback(count_up, &after, ACL_CALLBACK_BLOCK, stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(stream, 5));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&after) == 1);
    CHECK_STATUS(0, aclrtUnSubscribeReport((uint64_t)thread.thread, stream));
    stop_reporter(&thread);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void one_thread_serves_several_streams(void) {
    reporter thread;
    callback_data data = {&thread, 0};
    aclrtStream streams[3] = {new_stream(), new_stream(), new_stream()};
    start_reporter(&thread);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(0, aclrtSubscribeReport((uint64_t)thread.thread, streams[i]));
    }
    for (int i = 0; i < 30; i++) {
        CHECK_STATUS(0, aclrtLaunchCallback(count_on_reporter, &data, ACL_CALLBACK_BLOCK, streams[i % 3]));
    }
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    CHECK(counted(&data.count) == 30);
    for (int i = 0; i < 3; i++) { /* destroying a stream takes its subscription with it */
        CHECK_STATUS(0, aclrtDestroyStream(streams[i]));
    }
    stop_reporter(&thread);
}

static void callbacks_need_a_subscription(void) {
    int count = 0;
    aclrtStream stream = new_stream();
    uint64_t self = (uint64_t)pthread_self();
    CHECK_STATUS(ACL_ERROR_RT_STREAM_NO_CB_REG, aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
    CHECK_STATUS(ACL_ERROR_RT_THREAD_SUBSCRIBE, aclrtProcessReport(1));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SUBSCRIBE, aclrtUnSubscribeReport(self, stream));
    CHECK_STATUS(0, aclrtSubscribeReport(self, stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SUBSCRIBE, aclrtSubscribeReport(self, stream));
    CHECK_STATUS(ACL_ERROR_RT_THREAD_SUBSCRIBE, aclrtUnSubscribeReport(self + 1, stream));
    CHECK_STATUS(ACL_ERROR_RT_REPORT_TIMEOUT, aclrtProcessReport(1));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtProcessReport(0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtProcessReport(-2));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtLaunchCallback(count_up, &count, (aclrtCallbackBlockType)2, stream));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtLaunchCallback(NULL, &count, ACL_CALLBACK_BLOCK, stream));
    CHECK_STATUS(0, aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
    CHECK_STATUS(0, aclrtProcessReport(-1));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtUnSubscribeReport(self, stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void a_blocked_stream_fails_when_its_thread_is_taken_away(void) {
    int count = 0;
    aclrtStream stream = new_stream();
    uint64_t self = (uint64_t)pthread_self();
    CHECK_STATUS(0, aclrtSubscribeReport(self, stream));
    CHECK_STATUS(0, aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(stream, 5));
    CHECK_STATUS(0, aclrtUnSubscribeReport(self, stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_NO_CB_REG, aclrtSynchronizeStream(stream));
    CHECK(counted(&count) == 0);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void a_report_thread_serves_one_device(void) {
    uint64_t self = (uint64_t)pthread_self();
    aclrtStream here = new_stream();
    CHECK_STATUS(0, aclrtSubscribeReport(self, here));
    CHECK_STATUS(0, aclrtSetDevice(1));
    aclrtStream there = new_stream();
    CHECK_STATUS(ACL_ERROR_RT_THREAD_SUBSCRIBE, aclrtSubscribeReport(self, there));
    CHECK_STATUS(0, aclrtDestroyStream(there));
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtUnSubscribeReport(self, here));
    CHECK_STATUS(0, aclrtDestroyStream(here));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void host_functions_and_report_threads_do_not_mix(void) {
    int count = 0;
    uint64_t self = (uint64_t)pthread_self();
    aclrtStream hosted = new_stream(), reported = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(hosted, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SUBSCRIBE, aclrtSubscribeReport(self, hosted));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SUBSCRIBE, aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, hosted));
    CHECK_STATUS(0, aclrtSubscribeReport(self, reported));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SUBSCRIBE, aclrtLaunchHostFunc(reported, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtLaunchHostFunc(hosted, NULL, NULL));
    CHECK_STATUS(0, aclrtSynchronizeStream(hosted));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtDestroyStream(hosted));
    CHECK_STATUS(0, aclrtDestroyStream(reported));
}

/* ---- host functions ---- */

typedef struct {
    aclrtStream stream;
    aclError synchronize, destroy, device;
} statuses;

static void call_what_is_forbidden(void *argument) {
    statuses *seen = argument;
    seen->synchronize = aclrtSynchronizeStream(seen->stream);
    seen->destroy = aclrtDestroyStream(seen->stream);
    seen->device = aclrtSynchronizeDevice();
}

static void a_host_function_that_waits_for_itself_is_refused(void) {
    statuses seen = {new_stream(), 0, 0, 0};
    CHECK_STATUS(0, aclrtLaunchHostFunc(seen.stream, call_what_is_forbidden, &seen));
    CHECK_STATUS(0, aclrtSynchronizeStream(seen.stream));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, seen.synchronize);
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, seen.destroy);
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, seen.device);
    CHECK_STATUS(0, aclrtDestroyStream(seen.stream));
}

/* ---- failed tasks ---- */

static struct {
    int calls;
    uint32_t stream, device, status;
} exception;

static void note_exception(aclrtExceptionInfo *info) {
    exception.calls++;
    exception.stream = aclrtGetStreamIdFromExceptionInfo(info);
    exception.device = aclrtGetDeviceIdFromExceptionInfo(info);
    exception.status = aclrtGetErrorCodeFromExceptionInfo(info);
    CHECK(aclrtGetThreadIdFromExceptionInfo(info) != 0);
    CHECK(aclrtGetTaskIdFromExceptionInfo(info) == 0);
}

static void the_exception_callback_learns_of_failed_tasks(void) {
    aclrtEvent event = NULL;
    aclrtStream stream = new_stream();
    int32_t id = -1;
    CHECK_STATUS(0, aclrtStreamGetId(stream, &id));
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    CHECK_STATUS(0, aclrtSetExceptionInfoCallback(note_exception));
    CHECK_STATUS(0, aclrtStreamWaitEventWithTimeout(stream, event, 1));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(stream));
    CHECK(exception.calls == 1 && exception.stream == (uint32_t)id && exception.device == 0);
    CHECK(exception.status == ACL_ERROR_RT_TASK_TIMEOUT);
    CHECK_STATUS(0, aclrtSetExceptionInfoCallback(NULL));
    CHECK(aclrtGetTaskIdFromExceptionInfo(NULL) == UINT32_MAX);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

int main(void) {
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    callbacks_run_on_the_subscribed_thread();
    only_blocking_callbacks_hold_the_stream();
    one_thread_serves_several_streams();
    callbacks_need_a_subscription();
    a_blocked_stream_fails_when_its_thread_is_taken_away();
    a_report_thread_serves_one_device();
    host_functions_and_report_threads_do_not_mix();
    a_host_function_that_waits_for_itself_is_refused();
    the_exception_callback_learns_of_failed_tasks();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
