/* Streams: an in-order queue of tasks and one worker thread each. */
#ifndef ASCEND_STUB_CORE_STREAM_H
#define ASCEND_STUB_CORE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/context.h"
#include "watch/access.h"

typedef struct stub_task stub_task;
typedef struct stub_watched stub_watched;

/* When a schedule that holds tasks back (core/schedule.h) lets this one go, at the latest. */
typedef enum {
    STUB_NEEDED_WHEN_ASKED, /* somebody waits for the task or asks about it */
    STUB_NEEDED_SOON,       /* user code: the host may wait for it by means that the stand-in cannot see */
    STUB_NEEDED_AT_ONCE     /* other processes wait for it */
} stub_urgency;

/* One piece of queued work. Embed it as the first member of a larger struct and recover that by a cast.
 *
 * run     executes on the worker, in stream order. A status other than 0 becomes the stream's error, which the
 *         synchronizing calls return together with the texts the worker collected through stub_fail. Later tasks run
 *         all the same (ACL_CONTINUE_ON_FAILURE, CANN's default) unless the context stops on failure: then they are
 *         skipped (released without being run) on every stream of the context.
 * release frees the task. Called exactly once for every task given to stub_stream_enqueue, run or not, on any thread,
 *         and before a synchronizing call that covers the task returns.
 * describe (may be NULL: it touches no memory of the user's) tells which bytes run will touch. Called when the task is
 * queued, with no lock held, only while somebody watches.
 */
struct stub_task {
    stub_task *next;
    int (*run)(stub_task *task);
    void (*release)(stub_task *task);
    const char *name; /* static text for traces and error texts, for instance "aclnnAbs" or "aclrtMemcpyAsync" */
    void (*describe)(const stub_task *task, stub_access_list *accesses);
    stub_urgency urgency;
    stub_watched *watched; /* set by stub_stream_enqueue, like the rest; NULL when nobody watches */
    uint64_t number;       /* in the stream's order, from 0 */
    uint64_t age;          /* in the process's order; 0 when no schedule was in force */
};

/* Turns an aclrtStream argument into a stream: NULL is the default stream of the current context. 107002 without a
 * context, 107003 for a stream of another context, 107017 for a dead handle (before CANN 9.1, which does not
 * look, the default stream). `function` names the caller in texts. */
STUB_EXPORT int stub_stream_resolve(void *handle, const char *function, stub_stream **stream);

/* The same for calls that accept a stream of any context (synchronize, query). */
STUB_EXPORT int stub_stream_resolve_any(void *handle, const char *function, stub_stream **stream);

/* Queues a task and takes ownership of it in every case (a refused task is released before the call returns). Waits
 * while the queue is full. */
STUB_EXPORT int stub_stream_enqueue(stub_stream *stream, stub_task *task);

/* Waits until all tasks queued so far are done; returns the stream's error. timeout_ms -1 waits for ever.
 * Errors of the device (500000 and up, for instance 507015) stay with the stream; others are reported once. */
STUB_EXPORT int stub_stream_synchronize(stub_stream *stream, int timeout_ms);

STUB_EXPORT uint32_t stub_stream_id(const stub_stream *stream);

/* A stream in the current context. `flags` is remembered, `priority` must be within 0..7. */
STUB_EXPORT int stub_stream_create(uint32_t priority, uint32_t flags, stub_stream **stream);

/* aclrtDestroyStream waits for the work; aclrtDestroyStreamForce drops what has not started and returns at once. */
STUB_EXPORT int stub_stream_destroy(stub_stream *stream, bool force);

/* Drops what has not started and waits for the running task, unless that is a host function. Calls waiting for the
 * stream answer 107023. */
STUB_EXPORT int stub_stream_abort(stub_stream *stream);

/* Whether all queued work is done. */
STUB_EXPORT bool stub_stream_is_idle(stub_stream *stream);

/* The failure that stopped the stream's context (failure mode STOP_ON_FAILURE), or 0. */
STUB_EXPORT int stub_stream_stopped(const stub_stream *stream);

/* STOP_ON_FAILURE (1) counts for the whole context and cannot be taken back (207000). */
STUB_EXPORT int stub_stream_set_failure_mode(stub_stream *stream, bool stop);

/* What aclrtSetStreamAttribute and its kin store; read and written by their index only. */
typedef enum {
    STUB_STREAM_PRIORITY,
    STUB_STREAM_FLAGS,
    STUB_STREAM_FAILURE_MODE,
    STUB_STREAM_OVERFLOW_SWITCH,
    STUB_STREAM_CUSTOM_TAG,
    STUB_STREAM_CACHE_OP_INFO,
    STUB_STREAM_PROPERTY_COUNT
} stub_stream_property;

STUB_EXPORT uint32_t stub_stream_get(stub_stream *stream, stub_stream_property property);
STUB_EXPORT void stub_stream_set(stub_stream *stream, stub_stream_property property, uint32_t value);

#endif
