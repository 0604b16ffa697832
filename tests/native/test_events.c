/* Events order streams, tell the host how far they are, and measure time. */
#include <string.h>
#include <time.h>

#include "latch.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* aclrtQueryEvent is still there */

#define ALL (ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE)

static aclrtEvent classic_event(void) {
    aclrtEvent event = NULL;
    CHECK_STATUS(0, aclrtCreateEvent(&event));
    return event;
}

static aclrtEvent flagged_event(uint32_t flag) {
    aclrtEvent event = NULL;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&event, flag));
    return event;
}

static aclrtEvent extended_event(uint32_t flag) {
    aclrtEvent event = NULL;
    CHECK_STATUS(0, aclrtCreateEventExWithFlag(&event, flag));
    return event;
}

/* ---- creation ---- */

static void only_documented_flags_are_accepted(void) {
    aclrtEvent event;
    static const uint32_t bad[] = {0, 4, 0x40 | 1, 0x10 | 1, 0x20 | 1, 0x80};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtCreateEventWithFlag(&event, bad[i]));
        CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtCreateEventExWithFlag(&event, bad[i]));
    }
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtCreateEventWithFlag(&event, ACL_EVENT_IPC));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtCreateEventExWithFlag(&event, ACL_EVENT_EXTERNAL));
    CHECK_STATUS(0, aclrtDestroyEvent(flagged_event(ACL_EVENT_DEVICE_USE_ONLY)));
    CHECK_STATUS(0, aclrtDestroyEvent(flagged_event(ACL_EVENT_EXTERNAL)));
    CHECK_STATUS(0, aclrtDestroyEvent(extended_event(ACL_EVENT_IPC)));
    CHECK_STATUS(0, aclrtDestroyEvent(extended_event(ALL)));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCreateEvent(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDestroyEvent(NULL));
}

static void a_destroyed_event_is_recognised(void) {
    aclrtEvent event = classic_event();
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtDestroyEvent(event));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtRecordEvent(event, NULL));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtStreamWaitEvent(NULL, event));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeEvent(event));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtRecordEvent(NULL, NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtStreamWaitEvent(NULL, NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtSynchronizeEvent(NULL));
}

/* ---- never recorded ---- */

static void an_event_that_was_never_recorded_answers_by_its_kind(void) {
    aclrtEvent classic = classic_event(), extended = extended_event(ALL);
    aclrtEventRecordedStatus recorded;
    aclrtEventStatus status;
    float ms;
    uint64_t time;
    CHECK_STATUS(0, aclrtQueryEventStatus(extended, &recorded));
    CHECK(recorded == ACL_EVENT_RECORDED_STATUS_COMPLETE);
    CHECK_STATUS(0, aclrtQueryEventStatus(classic, &recorded));
    CHECK(recorded == ACL_EVENT_RECORDED_STATUS_NOT_READY);
    CHECK_STATUS(0, aclrtQueryEvent(classic, &status));
    CHECK(status == ACL_EVENT_STATUS_COMPLETE);
    CHECK_STATUS(0, aclrtSynchronizeEvent(classic));
    CHECK_STATUS(0, aclrtSynchronizeEvent(extended));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtEventElapsedTime(&ms, classic, extended));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtEventElapsedTime(&ms, classic, NULL)); /* tested first */
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtEventGetTimestamp(classic, &time));
    CHECK_STATUS(0, aclrtStreamWaitEvent(NULL, extended));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtStreamWaitEvent(NULL, classic));
    CHECK_STATUS(0, aclrtSynchronizeStream(NULL));
    CHECK_STATUS(0, aclrtDestroyEvent(classic));
    CHECK_STATUS(0, aclrtDestroyEvent(extended));
}

static void a_wait_before_the_record_is_for_the_next_record(void) {
    int count = 0;
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    aclrtStream waiter = new_stream(), recorder = new_stream();
    aclrtStreamStatus status;
    aclrtEventWaitStatus waits;
    CHECK_STATUS(0, aclrtStreamWaitEvent(waiter, event));
    CHECK_STATUS(0, aclrtLaunchHostFunc(waiter, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(waiter, 5));
    CHECK_STATUS(0, aclrtStreamQuery(waiter, &status));
    CHECK(status == ACL_STREAM_STATUS_NOT_READY && counted(&count) == 0);
    CHECK_STATUS(0, aclrtQueryEventWaitStatus(event, &waits));
    CHECK(waits == ACL_EVENT_WAIT_STATUS_NOT_READY);
    CHECK_STATUS(0, aclrtRecordEvent(event, recorder));
    CHECK_STATUS(0, aclrtSynchronizeStream(waiter));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtQueryEventWaitStatus(event, &waits));
    CHECK(waits == ACL_EVENT_WAIT_STATUS_COMPLETE);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(waiter));
    CHECK_STATUS(0, aclrtDestroyStream(recorder));
}

/* ---- ordering ---- */

static void a_stream_waits_for_another(aclrtEvent event) {
    latch gate = LATCH;
    int first = 0, second = 0;
    aclrtStream before = new_stream(), after = new_stream();
    aclrtEventRecordedStatus status;
    CHECK_STATUS(0, aclrtLaunchHostFunc(before, latch_wait, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(before, count_up, &first));
    CHECK_STATUS(0, aclrtRecordEvent(event, before));
    CHECK_STATUS(0, aclrtStreamWaitEvent(after, event));
    CHECK_STATUS(0, aclrtLaunchHostFunc(after, count_up, &second));
    CHECK_STATUS(0, aclrtQueryEventStatus(event, &status));
    CHECK(status == ACL_EVENT_RECORDED_STATUS_NOT_READY);
    CHECK_STATUS(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, aclrtSynchronizeEventWithTimeout(event, 5));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(after, 5));
    CHECK(counted(&second) == 0);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(after));
    CHECK(counted(&first) == 1 && counted(&second) == 1);
    CHECK_STATUS(0, aclrtSynchronizeEvent(event));
    CHECK_STATUS(0, aclrtQueryEventStatus(event, &status));
    CHECK(status == ACL_EVENT_RECORDED_STATUS_COMPLETE);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(before));
    CHECK_STATUS(0, aclrtDestroyStream(after));
}

static void a_wait_keeps_the_record_it_was_made_for(void) {
    latch gate = LATCH;
    int count = 0;
    aclrtEvent event = extended_event(ACL_EVENT_SYNC);
    aclrtStream quick = new_stream(), held = new_stream(), waiter = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(held, latch_wait, &gate));
    CHECK_STATUS(0, aclrtRecordEvent(event, quick));
    CHECK_STATUS(0, aclrtStreamWaitEvent(waiter, event));
    CHECK_STATUS(0, aclrtRecordEvent(event, held)); /* not what the wait is for */
    CHECK_STATUS(0, aclrtLaunchHostFunc(waiter, count_up, &count));
    CHECK_STATUS(0, aclrtSynchronizeStream(waiter));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, aclrtSynchronizeEventWithTimeout(event, 5));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeEvent(event));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(quick));
    CHECK_STATUS(0, aclrtDestroyStream(held));
    CHECK_STATUS(0, aclrtDestroyStream(waiter));
}

static void recording_waiting_and_resetting_may_go_on_for_ever(void) {
    int first = 0, second = 0;
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    aclrtStream before = new_stream(), after = new_stream();
    for (int i = 0; i < 2000; i++) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(before, count_up, &first));
        CHECK_STATUS(0, aclrtRecordEvent(event, before));
        CHECK_STATUS(0, aclrtStreamWaitEvent(after, event));
        CHECK_STATUS(0, aclrtResetEvent(event, after));
        CHECK_STATUS(0, aclrtLaunchHostFunc(after, count_up, &second));
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(after));
    CHECK(counted(&first) == 2000 && counted(&second) == 2000);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(before));
    CHECK_STATUS(0, aclrtDestroyStream(after));
}

/* ---- going away ---- */

static void an_event_may_be_destroyed_while_streams_wait_for_it(void) {
    latch gate = LATCH;
    int count = 0;
    aclrtEvent event = classic_event();
    aclrtStream before = new_stream(), after = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(before, latch_wait, &gate));
    CHECK_STATUS(0, aclrtRecordEvent(event, before));
    CHECK_STATUS(0, aclrtStreamWaitEvent(after, event));
    CHECK_STATUS(0, aclrtLaunchHostFunc(after, count_up, &count));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK(counted(&count) == 0);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(after));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtDestroyStream(before));
    CHECK_STATUS(0, aclrtDestroyStream(after));
}

static void destroying_an_event_that_nobody_recorded_ends_the_wait(void) {
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtStreamWaitEvent(stream, event));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void a_waiting_stream_can_be_aborted_and_destroyed_by_force(void) {
    int count = 0;
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtStreamWaitEvent(stream, event));
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_STATUS(0, aclrtStreamAbort(stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&count) == 0);
    CHECK_STATUS(0, aclrtStreamWaitEvent(stream, event));
    CHECK_STATUS(0, aclrtDestroyStreamForce(stream));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
}

static void a_dropped_record_fails_those_who_wait_for_it(void) {
    aclrtEventRecordedStatus status;
    aclrtEvent never = flagged_event(ACL_EVENT_SYNC), event = classic_event();
    aclrtStream stuck = new_stream(), waiter = new_stream();
    CHECK_STATUS(0, aclrtStreamWaitEvent(stuck, never));
    CHECK_STATUS(0, aclrtRecordEvent(event, stuck));
    CHECK_STATUS(0, aclrtStreamWaitEvent(waiter, event));
    CHECK_STATUS(0, aclrtStreamAbort(stuck));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_ABORT, aclrtSynchronizeEvent(event));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_ABORT, aclrtQueryEventStatus(event, &status));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_ABORT, aclrtSynchronizeStream(waiter));
    CHECK_STATUS(0, aclrtDestroyEvent(never));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(stuck));
    CHECK_STATUS(0, aclrtDestroyStream(waiter));
}

/* ---- what events cannot do ---- */

static void events_without_the_flag_for_it_are_refused(void) {
    aclrtEvent timed = extended_event(ACL_EVENT_TIME_LINE), plain = extended_event(ACL_EVENT_SYNC);
    aclrtEventStatus status;
    aclrtEventWaitStatus waits;
    float ms;
    uint32_t id;
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtStreamWaitEvent(NULL, timed));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtQueryEvent(plain, &status));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtQueryEventWaitStatus(plain, &waits));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtResetEvent(plain, NULL));
    CHECK_STATUS(0, aclrtRecordEvent(plain, NULL));
    CHECK_STATUS(0, aclrtRecordEvent(timed, NULL));
    CHECK_STATUS(0, aclrtSynchronizeStream(NULL));
    CHECK_STATUS(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, aclrtEventElapsedTime(&ms, timed, plain));
    CHECK_STATUS(0, aclrtGetEventId(plain, &id));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtGetEventId(timed, &id));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtStreamWaitEventWithTimeout(NULL, plain, -1));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSynchronizeEventWithTimeout(plain, 0));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSynchronizeEventWithTimeout(plain, -2));
    CHECK_STATUS(0, aclrtDestroyEvent(timed));
    CHECK_STATUS(0, aclrtDestroyEvent(plain));
}

static void device_only_events_are_not_for_the_host(void) {
    aclrtEvent event = flagged_event(ACL_EVENT_DEVICE_USE_ONLY);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtRecordEvent(event, NULL));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtStreamWaitEvent(NULL, event));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
}

/* ---- time ---- */

static void time_between_events_is_measured(void) {
    latch gate = LATCH;
    struct timespec begun, ended;
    aclrtEvent start = classic_event(), end = flagged_event(ACL_EVENT_TIME_LINE);
    aclrtStream stream = new_stream();
    float ms = -1, reversed = 0;
    uint64_t first = 0, last = 0;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    CHECK_STATUS(0, aclrtRecordEvent(start, stream));
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(0, aclrtRecordEvent(end, stream));
    latch_await(&gate, 1);
    CHECK_STATUS(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, aclrtEventElapsedTime(&ms, start, end));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(stream, 20));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double limit = (double)(ended.tv_sec - begun.tv_sec) * 1e3 + (double)(ended.tv_nsec - begun.tv_nsec) / 1e6;
    CHECK_STATUS(0, aclrtEventElapsedTime(&ms, start, end));
    CHECK(ms >= 20 && ms <= limit);
    CHECK_STATUS(0, aclrtEventElapsedTime(&reversed, end, start));
    CHECK(reversed == -ms);
    CHECK_STATUS(0, aclrtEventGetTimestamp(start, &first));
    CHECK_STATUS(0, aclrtEventGetTimestamp(end, &last));
    CHECK(last - first >= 19999 && (double)(last - first) <= limit * 1e3 + 1);
    CHECK_STATUS(0, aclrtDestroyEvent(start));
    CHECK_STATUS(0, aclrtDestroyEvent(end));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void the_process_wide_limit_ends_waits(void) {
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtSetOpWaitTimeout(1));
    CHECK_STATUS(0, aclrtStreamWaitEvent(stream, event));
    CHECK_STATUS(0, aclrtSetOpWaitTimeout(0));
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void operator_limits_are_rounded_up_to_intervals(void) {
    uint64_t interval = 0, actual = 0;
    uint32_t ms = 0;
    CHECK_STATUS(0, aclrtGetOpTimeOutInterval(&interval));
    CHECK_STATUS(0, aclrtSetOpExecuteTimeOutV2(1, &actual));
    CHECK(interval > 0 && actual == interval);
    CHECK_STATUS(0, aclrtSetOpExecuteTimeOutV2(interval + 1, &actual));
    CHECK(actual == 2 * interval);
    CHECK_STATUS(0, aclrtSetOpExecuteTimeOut(0));
    CHECK_STATUS(0, aclrtGetOpExecuteTimeout(&ms));
    CHECK(ms == 254 * interval / 1000);
}

static void events_with_sync_are_counted(void) {
    uint32_t before = 0, during = 0, after = 0;
    CHECK_STATUS(0, aclrtGetEventAvailNum(&before));
    aclrtEvent event = flagged_event(ACL_EVENT_SYNC);
    CHECK_STATUS(0, aclrtGetEventAvailNum(&during));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtGetEventAvailNum(&after));
    CHECK(before == 65536 && during == before - 1 && after == before);
}

int main(void) {
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    only_documented_flags_are_accepted();
    a_destroyed_event_is_recognised();
    an_event_that_was_never_recorded_answers_by_its_kind();
    a_wait_before_the_record_is_for_the_next_record();
    a_stream_waits_for_another(classic_event());
    a_stream_waits_for_another(flagged_event(ACL_EVENT_SYNC));
    a_stream_waits_for_another(extended_event(ACL_EVENT_SYNC));
    a_stream_waits_for_another(extended_event(ACL_EVENT_IPC));
    a_wait_keeps_the_record_it_was_made_for();
    recording_waiting_and_resetting_may_go_on_for_ever();
    an_event_may_be_destroyed_while_streams_wait_for_it();
    destroying_an_event_that_nobody_recorded_ends_the_wait();
    a_waiting_stream_can_be_aborted_and_destroyed_by_force();
    a_dropped_record_fails_those_who_wait_for_it();
    events_without_the_flag_for_it_are_refused();
    device_only_events_are_not_for_the_host();
    time_between_events_is_measured();
    the_process_wide_limit_ends_waits();
    operator_limits_are_rounded_up_to_intervals();
    events_with_sync_are_counted();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
