/* Host functions, and the callback that is told of failed tasks. Both run on the stream's worker. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "acl/acl_base.h"
#include "check/order.h"
#include "core/callback.h"
#include "core/error.h"
#include "core/stream_state.h"
#include "watch/watch.h"

typedef struct {
    stub_task task;
    void (*function)(void *);
    void *argument;
} host_function;

/* Around the user's code, which learns what is over and may tell what else is. */
static void host_function_state(bool entering) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_user_code();
    }
    stub_worker_host_function(entering);
}

static int call_function(stub_task *task) {
    host_function *call = (host_function *)task;
    host_function_state(true);
    call->function(call->argument);
    host_function_state(false);
    stub_error_take(); /* what failed in the user's code was the user's to read */
    return 0;
}

static void free_task(stub_task *task) {
    free(task);
}

int stub_launch_host_function(stub_stream *stream, void (*function)(void *), void *argument) {
    int status = stub_callback_claim_host_functions(stream);
    if (status != 0) {
        return status;
    }
    host_function *call = malloc(sizeof *call);
    if (call == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtLaunchHostFunc: the host is out of memory.");
    }
    *call = (host_function){
        {.run = call_function, .release = free_task, .name = "aclrtLaunchHostFunc", .urgency = STUB_NEEDED_SOON},
        function,
        argument};
    return stub_stream_enqueue(stream, &call->task);
}

static _Atomic(stub_exception_callback) exception_callback;

void stub_set_exception_callback(stub_exception_callback callback) {
    atomic_store(&exception_callback, callback);
}

void stub_exception_report(stub_stream *stream, int status) {
    stub_exception_callback callback = atomic_load(&exception_callback);
    if (callback == NULL) {
        return;
    }
    struct rtExceptionInfo information = {
        .task = (uint32_t)atomic_load(&stream->done),
        .stream = stream->handle.id,
        .thread = (uint32_t)gettid(),
        .device = (uint32_t)stream->device,
        .status = (uint32_t)status,
    };
    host_function_state(true);
    callback(&information);
    host_function_state(false);
}
