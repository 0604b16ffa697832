/* The inside of the schedule, for core/schedule*.c only. */
#ifndef ASCEND_STUB_CORE_SCHEDULE_STATE_H
#define ASCEND_STUB_CORE_SCHEDULE_STATE_H

#include "core/schedule.h"

/* How long user code (host functions, callbacks, registered kernels) is held back, or kept alone, at most: the host or
 * another stream may be waiting for it, or it for them, by means that the stand-in cannot see. */
#define STUB_PATIENCE_MS 100
#define STUB_PATIENCE_NS (STUB_PATIENCE_MS * UINT64_C(1000000))

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a turn has ended, a worker has come to its gate; for stub_schedule_step */
    stub_stream *turn;      /* the only one that may run a task ("shuffle", "hold"); may run, or have run already */
    uint64_t seed;
    uint64_t generator;
    uint64_t ran; /* turns that ended with their task, or with a wait for something else than a record */
} stub_schedule;

extern stub_schedule stub_schedule_state;

static inline stub_schedule_kind stub_schedule_kind_now(void) {
    return atomic_load_explicit(&stub_schedule_now, memory_order_relaxed);
}

/* All under the lock. */

/* "shuffle": gives the turn to one of the workers that are ready, if all have come to rest and somebody needs work. */
void stub_schedule_pick(void);
/* The worker takes a turn no longer, if it had one; `finished`: it has run its task. */
void stub_schedule_end_turn(stub_stream *stream, bool finished);
/* Raises `needed`. */
void stub_schedule_raise(stub_stream *stream, uint64_t count);

/* Without the lock: the worker has been in user code for longer than others are kept waiting for that. */
bool stub_schedule_tries_patience(const stub_stream *stream);

#endif
