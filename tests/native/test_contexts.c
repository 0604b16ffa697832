/* Devices, contexts, and what happens to those who still use them when they go away. */
#include <string.h>

#include "latch.h"

/* ---- devices ---- */

static void device_ids_are_checked(void) {
    uint32_t count = 0;
    aclrtDeviceStatus status;
    CHECK_STATUS(0, aclrtGetDeviceCount(&count));
    CHECK(count == 8);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetDeviceCount(NULL));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtSetDevice(-1));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtSetDevice((int32_t)count));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtResetDevice((int32_t)count));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtResetDeviceForce(-1));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtQueryDeviceStatus((int32_t)count, &status));
    CHECK_STATUS(0, aclrtQueryDeviceStatus(0, &status));
    CHECK(status == ACL_RT_DEVICE_STATUS_NORMAL);
}

static void a_device_is_reset_as_often_as_it_was_set(void) {
    int32_t device = -1, active = -1;
    aclrtContext context;
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR, aclrtResetDevice(2));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR, aclrtResetDeviceForce(2));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetDevice(&device));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetCurrentContext(&context));
    CHECK_STATUS(0, aclrtSetDevice(2));
    CHECK_STATUS(0, aclrtSetDevice(2));
    CHECK_STATUS(0, aclrtResetDevice(2));
    CHECK_STATUS(0, aclrtGetDevice(&device));
    CHECK(device == 2);
    CHECK_STATUS(0, aclrtGetPrimaryCtxState(2, NULL, &active));
    CHECK(active == 1);
    CHECK_STATUS(0, aclrtResetDevice(2));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetDevice(&device));
    CHECK_STATUS(0, aclrtGetPrimaryCtxState(2, NULL, &active));
    CHECK(active == 0);
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR, aclrtResetDevice(2));
    uint32_t flags = 0;
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetPrimaryCtxState(2, &flags, &active));
}

static void a_forced_reset_drops_all_references(void) {
    CHECK_STATUS(0, aclrtSetDevice(2));
    CHECK_STATUS(0, aclrtSetDevice(2));
    CHECK_STATUS(0, aclrtResetDeviceForce(2));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR, aclrtResetDevice(2));
}

static void the_last_reset_finishes_the_work_and_destroys_the_streams(void) {
    int count = 0;
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = new_stream();
    for (int i = 0; i < 300; i++) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
        CHECK_STATUS(0, aclrtLaunchHostFunc(NULL, count_up, &count));
    }
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK(counted(&count) == 600);
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeStream(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void a_forced_reset_does_not_wait_for_a_stuck_stream(void) {
    static latch gate = LATCH; /* the running host function outlives the reset */
    static int count;
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    latch_await(&gate, 1);
    CHECK_STATUS(0, aclrtResetDeviceForce(0));
    latch_open(&gate);
    CHECK(counted(&count) == 0);
}

/* ---- threads ---- */

static void *use_without_a_context(void *argument) {
    aclrtStream stream;
    int32_t device;
    int count = 0;
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetDevice(&device));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeStream(argument));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtLaunchHostFunc(argument, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeDevice());
    const char *text = aclGetRecentErrMsg();
    CHECK(text != NULL && strstr(text, "aclrtSetDevice") != NULL);
    return NULL;
}

static void a_new_thread_has_no_context(void) {
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = new_stream();
    in_new_thread(use_without_a_context, stream);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void *share_primary_context(void *argument) {
    aclrtContext context = NULL;
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtGetCurrentContext(&context));
    CHECK(context == argument);
    CHECK_STATUS(0, aclrtResetDevice(0));
    return NULL;
}

static void threads_that_set_a_device_share_its_context(void) {
    aclrtContext context = NULL;
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtGetCurrentContext(&context));
    in_new_thread(share_primary_context, context);
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void *outlive_the_context(void *argument) {
    aclrtStream stream;
    aclrtContext context;
    latch *gate = argument;
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtGetCurrentContext(&context));
    latch_wait(gate); /* meanwhile the main thread resets the device */
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSetCurrentContext(context));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
    return NULL;
}

static void other_threads_lose_a_context_that_was_reset(void) {
    latch gate = LATCH;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, outlive_the_context, &gate) == 0);
    latch_await(&gate, 1);
    CHECK_STATUS(0, aclrtResetDeviceForce(0));
    CHECK_STATUS(0, aclrtSetDevice(0)); /* a new primary context, not the other thread's */
    latch_open(&gate);
    pthread_join(thread, NULL);
    CHECK_STATUS(0, aclrtResetDevice(0));
}

/* ---- explicit contexts ---- */

static void a_context_is_current_where_it_was_made(void) {
    aclrtContext first, second, current = NULL;
    int32_t device = -1;
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtCreateContext(&first, 99));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCreateContext(NULL, 0));
    CHECK_STATUS(0, aclrtCreateContext(&first, 0));
    CHECK_STATUS(0, aclrtCreateContext(&second, 1));
    CHECK_STATUS(0, aclrtGetCurrentContext(&current));
    CHECK(current == second);
    CHECK_STATUS(0, aclrtGetDevice(&device));
    CHECK(device == 1);
    CHECK_STATUS(0, aclrtSetCurrentContext(first));
    CHECK_STATUS(0, aclrtGetDevice(&device));
    CHECK(device == 0);
    CHECK_STATUS(0, aclrtDestroyContext(first));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetDevice(&device));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtDestroyContext(first));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSetCurrentContext(first));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDestroyContext(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtSetCurrentContext(NULL));
    CHECK_STATUS(0, aclrtDestroyContext(second));
}

static void the_primary_context_is_only_reset(void) {
    aclrtContext context;
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtGetCurrentContext(&context));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtDestroyContext(context));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void a_stream_is_used_in_its_own_context(void) {
    int count = 0;
    aclrtContext first, second;
    aclrtEvent event;
    CHECK_STATUS(0, aclrtCreateContext(&first, 0));
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_STATUS(0, aclrtCreateContext(&second, 0));
    CHECK_STATUS(0, aclrtCreateEvent(&event));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtRecordEvent(event, stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtStreamAbort(stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyContext(second));
    CHECK_STATUS(0, aclrtDestroyContext(first)); /* with its stream */
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void every_context_has_its_default_stream(void) {
    int count = 0;
    aclrtContext context;
    aclrtStream primary, own, again;
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtCtxGetCurrentDefaultStream(&own));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtCtxGetCurrentDefaultStream(&primary));
    CHECK_STATUS(0, aclrtCreateContext(&context, 0));
    CHECK_STATUS(0, aclrtCtxGetCurrentDefaultStream(&own));
    CHECK_STATUS(0, aclrtCtxGetCurrentDefaultStream(&again));
    CHECK(own != primary && own == again);
    CHECK_STATUS(0, aclrtLaunchHostFunc(own, count_up, &count));
    CHECK_STATUS(0, aclrtSynchronizeStream(NULL));
    CHECK(counted(&count) == 1);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtDestroyStream(own));
    CHECK_STATUS(0, aclrtDestroyContext(context));
    CHECK_STATUS(0, aclrtSetDevice(0)); /* also leaves the explicit context */
    CHECK_STATUS(0, aclrtCtxGetCurrentDefaultStream(&again));
    CHECK(again == primary);
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void streams_are_limited_per_device(void) {
    aclrtStream stream, last = NULL;
    uint32_t left = 0;
    CHECK_STATUS(0, aclrtSetDevice(3));
    CHECK_STATUS(0, aclrtGetStreamAvailableNum(&left));
    CHECK(left == 1983); /* the context's default stream is one of the 1984 */
    for (uint32_t i = 0; i < left; i++) {
        CHECK_STATUS(0, aclrtCreateStream(&last));
    }
    CHECK_STATUS(ACL_ERROR_RT_NO_STREAM_RESOURCE, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtDestroyStream(last));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtResetDevice(3));
}

/* ---- between devices ---- */

static void peer_access_is_switched_one_way(void) {
    int32_t value = -1;
    CHECK_STATUS(0, aclrtDeviceCanAccessPeer(&value, 0, 1));
    CHECK(value == 1);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDeviceCanAccessPeer(&value, 1, 1));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtDeviceEnablePeerAccess(1, 0));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(ACL_ERROR_FEATURE_UNSUPPORTED, aclrtDeviceEnablePeerAccess(1, 1));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDeviceEnablePeerAccess(0, 0));
    CHECK_STATUS(0, aclrtDeviceEnablePeerAccess(1, 0));
    CHECK_STATUS(0, aclrtDevicePeerAccessStatus(0, 1, &value));
    CHECK(value == 1);
    CHECK_STATUS(0, aclrtDevicePeerAccessStatus(1, 0, &value));
    CHECK(value == 0);
    CHECK_STATUS(0, aclrtDeviceDisablePeerAccess(1));
    CHECK_STATUS(0, aclrtDevicePeerAccessStatus(0, 1, &value));
    CHECK(value == 0);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtDevicePeerAccessStatus(0, 99, &value));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void events_order_streams_of_different_devices(void) {
    latch gate = LATCH;
    int count = 0;
    aclrtContext first, second;
    aclrtEvent event;
    CHECK_STATUS(0, aclrtCreateContext(&first, 0));
    aclrtStream before = new_stream();
    CHECK_STATUS(0, aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC));
    CHECK_STATUS(0, aclrtLaunchHostFunc(before, latch_wait, &gate));
    CHECK_STATUS(0, aclrtRecordEvent(event, before));
    CHECK_STATUS(0, aclrtCreateContext(&second, 1));
    aclrtStream after = new_stream();
    CHECK_STATUS(0, aclrtStreamWaitEvent(after, event));
    CHECK_STATUS(0, aclrtLaunchHostFunc(after, count_up, &count));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeDeviceWithTimeout(5));
    CHECK(counted(&count) == 0);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    CHECK(counted(&count) == 1);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyContext(second));
    CHECK_STATUS(0, aclrtDestroyContext(first));
}

static void devices_tell_themselves_apart(void) {
    aclrtUuid first, second;
    aclrtUtilizationInfo use = {0, 0, 0, 0, NULL};
    int32_t least = -1, greatest = -1;
    CHECK_STATUS(0, aclrtDeviceGetUuid(0, &first));
    CHECK_STATUS(0, aclrtDeviceGetUuid(1, &second));
    CHECK(memcmp(&first, &second, sizeof first) != 0);
    CHECK_STATUS(0, aclrtDeviceGetStreamPriorityRange(&least, &greatest));
    CHECK(least == 7 && greatest == 0);
    CHECK_STATUS(0, aclrtGetDeviceUtilizationRate(0, &use));
    CHECK(use.cubeUtilization == -1 && use.memoryUtilization == -1); /* -1: not available */
}

int main(void) {
    CHECK_STATUS(0, aclInit(NULL));
    device_ids_are_checked();
    a_device_is_reset_as_often_as_it_was_set();
    a_forced_reset_drops_all_references();
    the_last_reset_finishes_the_work_and_destroys_the_streams();
    a_forced_reset_does_not_wait_for_a_stuck_stream();
    a_new_thread_has_no_context();
    threads_that_set_a_device_share_its_context();
    other_threads_lose_a_context_that_was_reset();
    a_context_is_current_where_it_was_made();
    the_primary_context_is_only_reset();
    a_stream_is_used_in_its_own_context();
    every_context_has_its_default_stream();
    streams_are_limited_per_device();
    peer_access_is_switched_one_way();
    events_order_streams_of_different_devices();
    devices_tell_themselves_apart();
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
