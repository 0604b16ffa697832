/* A point in a stream's work that others may wait for: one aclrtRecordEvent, or one blocking callback.
 *
 * Records are counted by reference, so an event may be recorded again or destroyed while streams still wait. */
#ifndef ASCEND_STUB_CORE_RECORD_H
#define ASCEND_STUB_CORE_RECORD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/stream.h"

typedef enum { STUB_RECORD_PENDING, STUB_RECORD_COMPLETE, STUB_RECORD_DROPPED } stub_record_state;

typedef struct {
    stub_task task; /* for the stream that completes it; its release gives one reference back */
    atomic_uint references;
    _Atomic(stub_record_state) state;
    int status;                    /* why it was dropped */
    uint64_t timestamp_ns;         /* when it completed, if timed */
    uint32_t stream_id;            /* of the recording stream; 0 while unclaimed */
    _Atomic(stub_stream *) stream; /* where it was queued; alive while the record is pending */
    atomic_bool awaited;           /* somebody has needed it */
    struct stub_clock *clock;      /* for the checks: what is over when it settles; written before */
    bool timed;
    bool claimed; /* a stream will complete it; under the event's lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
} stub_record;

typedef enum { STUB_WAIT_DONE, STUB_WAIT_EXPIRED, STUB_WAIT_INTERRUPTED } stub_wait_result;

/* One reference; NULL when the host is out of memory. */
stub_record *stub_record_new(void);
stub_record *stub_record_retain(stub_record *record);
void stub_record_release(stub_record *record); /* NULL is fine */

void stub_record_complete(stub_record *record);
/* Completes it with a failure, unless it is complete already. */
void stub_record_drop(stub_record *record, int status);

/* Wakes waiters so that they look at their `interrupted`. */
void stub_record_poke(stub_record *record);

/* Waits until the record is no longer pending. `interrupted` (may be NULL) ends the wait early. */
stub_wait_result stub_record_wait(stub_record *record, const stub_deadline *deadline,
                                  bool (*interrupted)(const stub_stream *), const stub_stream *stream);

#endif
