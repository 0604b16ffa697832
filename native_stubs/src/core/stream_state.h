/* The inside of a stream, for the files of this room only.
 *
 * Tasks are numbered from 0 in queueing order. `submitted` counts those accepted, `done` those finished (run or
 * skipped, and released). Who queues holds the lock; the worker takes the whole queue at once without it, and needs it
 * only to go to sleep and when somebody waits for a `done` it has reached (`wake_at`). What callers write, what the
 * worker writes and what both only read are in cache lines of their own. */
#ifndef ASCEND_STUB_CORE_STREAM_STATE_H
#define ASCEND_STUB_CORE_STREAM_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/context_state.h"
#include "core/handle.h"
#include "core/record.h"
#include "core/stream.h"

typedef enum { STREAM_OPEN, STREAM_CLOSING } stream_phase;

struct report_thread;

typedef enum {
    STUB_SEAT_AWAY,   /* runs a task or is on its way to the next */
    STUB_SEAT_GATE,   /* waits until it may start the next */
    STUB_SEAT_WAITING /* in a task that waits for something else than a core */
} stub_seat_place;

/* A worker as the schedule sees it: core/schedule*.c, under their lock where it is not atomic. */
typedef struct {
    pthread_cond_t turn; /* waits here at the gate */
    _Atomic(stub_seat_place) place;
    stub_record *record;               /* what it waits for, if it is a record */
    uint64_t age;                      /* of the task that it is about to run or runs */
    uint64_t needed;                   /* somebody needs tasks with smaller numbers */
    uint64_t hinted;                   /* the same, from a while after hinted_ns on */
    uint64_t hinted_ns;                /* when the first of the hints was given that are not fulfilled */
    _Atomic(uint64_t) in_user_code_ns; /* since when, 0: not */
} stub_seat;

struct stub_stream {
    stub_handle handle;
    stub_context *context;
    stub_stream *previous, *next; /* the context's list, under its lock */
    int device;
    bool is_default;
    _Atomic(stream_phase) phase;
    _Atomic(uint32_t) properties[STUB_STREAM_PROPERTY_COUNT];
    struct report_thread *subscriber; /* aclrtSubscribeReport; under the lock of callback.c */
    atomic_bool has_host_functions;   /* aclrtLaunchHostFunc was used: excludes aclrtSubscribeReport */

    _Alignas(64) pthread_mutex_t lock;
    _Atomic(stub_task *) incoming; /* the queue, newest first; pushed to under lock, taken by the worker without */
    _Atomic(uint64_t) submitted;   /* written under lock */
    uint64_t room;                 /* tasks with smaller numbers have a place; the rest of this group is under lock */
    bool started;                  /* the worker exists */
    bool parked;                   /* the worker waits for `work` */
    bool stop;                     /* the worker shall end when the queue is empty */
    bool orphan;                   /* nobody joins the worker: it destroys the stream itself */
    bool in_host_function;
    unsigned aborting;
    unsigned aborts;
    unsigned pins;           /* threads that wait for the stream: it is not freed before they have left */
    pthread_cond_t work;     /* the worker waits here for tasks */
    pthread_cond_t progress; /* everybody else, for `done` and for the ends of aborts */
    stub_record *blocked_on;
    int error;
    char *error_text;
    pthread_t worker;
    stub_stream *previous_worker, *next_worker; /* the list of worker.c, under its lock */
    bool listed;

    _Alignas(64) _Atomic(uint64_t) done;
    _Atomic(uint64_t) wake_at;     /* somebody waits until `done` reaches this */
    _Atomic(uint64_t) drop_before; /* tasks with smaller numbers are skipped */
    stub_task *batch;              /* the worker's own */

    _Alignas(64) stub_seat seat;
};

/* A stream of the context, whose lock the caller holds. A default stream has its place on the device already. */
int stub_stream_new(stub_context *context, bool is_default, stub_stream **stream);

/* Destroys a stream: waits for its work, or (force) drops what has not started and returns at once. */
void stub_stream_close(stub_stream *stream, bool force);

/* Gives back everything a stream holds; its worker is gone or is the caller. */
void stub_stream_free(stub_stream *stream);

/* 507000 with a text when the calling thread is the worker of that stream, or of any stream of that context: it would
 * wait for itself. */
int stub_refuse_own_stream(const char *function, const stub_stream *stream);
int stub_refuse_own_worker(const char *function, const stub_context *context);

/* Under the lock. True once `done` has reached the target; false when the deadline has passed, when an abort came in
 * (aborts: the count to compare with, NULL to see it through) or when the process exits. */
bool stub_stream_wait_until(stub_stream *stream, uint64_t target, const stub_deadline *deadline,
                            const unsigned *aborts);
bool stub_stream_has_done(stub_stream *stream, uint64_t target);
/* Under the lock: gives back one of `pins`. */
void stub_stream_unpin(stub_stream *stream);
/* Under the lock: asks for a broadcast of `progress` at the target; false when it is reached already. */
bool stub_stream_ask_wake(stub_stream *stream, uint64_t target);
/* 107023 with a text. */
int stub_stream_aborted(const stub_stream *stream, const char *what);

/* Starts the worker; the caller holds the lock. */
int stub_worker_start(stub_stream *stream);
/* Ends a worker whose queue is empty and waits for that; false when the process is exiting. */
bool stub_worker_join(stub_stream *stream);
/* Leaves a busy worker to itself; the caller holds the lock. */
void stub_worker_orphan(stub_stream *stream);

/* Every stream with a worker, except those that were destroyed by force; they stay until the last visit is over. */
void stub_worker_each(void (*visit)(stub_stream *stream, void *argument), void *argument);

/* The stream whose worker is the calling thread, or NULL. */
stub_stream *stub_worker_stream(void);

/* On a worker: the failure that stopped the stream's context, or 0; 0 on any other thread. */
int stub_worker_context_failure(void);

/* Called by tasks on the worker: waits for a record until it settles, the deadline passes or the stream is aborted. */
stub_wait_result stub_worker_block_on(stub_record *record, const stub_deadline *deadline);
/* Around a call of the user's code on the worker: aborts do not wait for it. */
void stub_worker_host_function(bool entering);

/* For tasks that wait by other means than a record, and ask every now and then: whether the calling worker's stream was
 * aborted or destroyed by force, or the process is exiting. */
bool stub_worker_interrupted(void);
/* The same for any stream. */
bool stub_stream_is_interrupted(const stub_stream *stream);

/* The process is in exit(): no worker runs any more, nothing may wait. */
bool stub_process_is_exiting(void);

#endif
