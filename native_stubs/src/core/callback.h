/* The user's code that streams call: host functions, callbacks on report threads, exception reports. */
#ifndef ASCEND_STUB_CORE_CALLBACK_H
#define ASCEND_STUB_CORE_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/export.h"
#include "core/stream.h"

/* aclrtLaunchHostFunc: the function runs on the stream's worker, the stream waits for it. 107011 on a stream that has a
 * report thread: CANN does not allow both on one stream. */
STUB_EXPORT int stub_launch_host_function(stub_stream *stream, void (*function)(void *), void *argument);

/* aclrtLaunchCallback: the function runs on the stream's report thread. 107015 when it has none. */
STUB_EXPORT int stub_launch_callback(stub_stream *stream, void (*function)(void *), void *argument, bool blocking);

/* Binds a report thread (its pthread_self()) to a stream. 107011 when the stream has one already or uses host
 * functions, 107012 when the thread serves another device. */
STUB_EXPORT int stub_subscribe_report(uint64_t thread, stub_stream *stream);
STUB_EXPORT int stub_unsubscribe_report(uint64_t thread, stub_stream *stream);

/* Runs the callbacks that wait for the calling thread; waits for the first one up to timeout_ms (-1: for ever).
 * 107012 when no stream is bound to the thread, 507012 when nothing arrived. */
STUB_EXPORT int stub_process_report(int timeout_ms);

/* Decides that a stream uses host functions from now on; 107011 when it has a report thread. */
int stub_callback_claim_host_functions(stub_stream *stream);

/* Takes a stream that is being destroyed out of the books; its callbacks that have not run are dropped. */
void stub_callback_forget(stub_stream *stream);

/* What an exception callback may ask about (aclrtExceptionInfo). */
struct rtExceptionInfo {
    uint32_t task, stream, thread, device, status;
};
typedef void (*stub_exception_callback)(struct rtExceptionInfo *information);

/* The process's one callback of aclrtSetExceptionInfoCallback; NULL removes it. */
STUB_EXPORT void stub_set_exception_callback(stub_exception_callback callback);

/* Tells the callback, if there is one, of a failed task. On the worker. */
void stub_exception_report(stub_stream *stream, int status);

#endif
