/* What is known of one queued task while somebody watches. Made when it is queued, kept by reference: checks remember
 * tasks beyond their end. */
#ifndef ASCEND_STUB_WATCH_TASK_H
#define ASCEND_STUB_WATCH_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/stream.h"
#include "watch/access.h"
#include "watch/watch.h"

struct stub_watched {
    atomic_uint references;
    const char *name; /* the task's */
    uint32_t stream;  /* id */
    int device;
    uint64_t number; /* in the stream's order, from 0; valid once queued */
    uint64_t thread; /* of the call that queued it, see stub_trace_caller; 0 when that is not traced */
    uint64_t queued_ns;
    uint64_t started_ns;
    const stub_place *place; /* of the call that queued it; NULL unless checks are on */
    stub_access_list accesses;
    struct stub_check_task *check; /* the checks' own, see check/check.h; NULL unless they are on */
};

/* Before the stream's lock is taken: one reference, which the task keeps; NULL when nobody watches tasks (checks or the
 * trace) or without memory. */
stub_watched *stub_watched_new(const stub_stream *stream, const stub_task *task);
void stub_watched_retain(stub_watched *watched);
void stub_watched_release(stub_watched *watched); /* NULL is fine */

/* Under the stream's lock, at the moment the task gets its number. */
void stub_watched_queued(stub_watched *watched, uint64_t number);

/* On the worker, around run. Skipped tasks only finish, with `skipped`. */
void stub_watched_started(stub_watched *watched);
void stub_watched_finished(stub_watched *watched, int status, bool skipped);

#endif
