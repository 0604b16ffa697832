/* When tasks run: ASCEND_STUB_SCHEDULE, include/ascend_stub/schedule.h. Nobody asking for one is the usual case, and
 * costs a load and a branch where a task is queued and where it is run.
 *
 * Every worker passes a gate before each task. "deferred" opens it for tasks that are needed: stub_schedule_need says
 * that somebody waits for them or asks about them, and a needed task that waits for an event makes needed what is
 * before its record. "shuffle" and "hold" give one worker at a time the turn; a task that waits for something else
 * than a core gives it back.
 *
 * The schedule's lock comes after those of streams, records and events, and before that of the list of workers. */
#ifndef ASCEND_STUB_CORE_SCHEDULE_H
#define ASCEND_STUB_CORE_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ascend_stub/schedule.h"
#include "core/stream_state.h"

typedef enum {
    STUB_SCHEDULE_DEFAULT,
    STUB_SCHEDULE_EAGER,
    STUB_SCHEDULE_DEFERRED,
    STUB_SCHEDULE_SHUFFLE,
    STUB_SCHEDULE_HOLD,
    STUB_SCHEDULE_UNREAD /* the environment has not been looked at yet */
} stub_schedule_kind;

extern _Atomic(stub_schedule_kind) stub_schedule_now;

/* Reads the environment on first use. */
stub_schedule_kind stub_schedule_read(void);

static inline bool stub_schedule_is_on(void) {
    return __builtin_expect(atomic_load_explicit(&stub_schedule_now, memory_order_relaxed) != STUB_SCHEDULE_DEFAULT,
                            0) &&
           stub_schedule_read() != STUB_SCHEDULE_DEFAULT;
}

/* What follows is called only while a schedule is on, unless it says otherwise. */

/* ---- by who queues ---- */

/* The next task's place in the process's order. */
uint64_t stub_schedule_age(void);
/* Under the stream's lock: the task has been queued. */
void stub_schedule_queued(stub_stream *stream, uint64_t number, stub_urgency urgency);
/* Under the stream's lock, behind that: "eager" waits for the task. */
void stub_schedule_run_at_once(stub_stream *stream, uint64_t number);

/* ---- by who waits or asks ---- */

/* Somebody needs the stream's tasks with numbers below `count`. */
void stub_schedule_need(stub_stream *stream, uint64_t count);
/* All that is queued. */
void stub_schedule_need_all(void);
/* What comes before the record. Also while no schedule is on: the record may be claimed later. */
void stub_schedule_need_record(stub_record *record);
/* The record was queued on that stream. Also while no schedule is on. */
void stub_schedule_record_queued(stub_record *record, stub_stream *stream);

/* ---- by workers ---- */

/* Waits until the first task of the batch may start; false when the process is exiting. */
bool stub_schedule_enter(stub_stream *stream);
void stub_schedule_leave(stub_stream *stream);
/* A task waits for a record, or (NULL) until its end for something else. Also while no schedule is on. */
void stub_schedule_wait_begins(stub_stream *stream, stub_record *record);
void stub_schedule_wait_ends(stub_stream *stream);

/* ---- by who ends something ---- */

/* The stream's tasks were dropped, or the process is exiting: its worker shall look again. */
void stub_schedule_wake(stub_stream *stream);
/* A worker has run out of tasks, a record was settled. */
void stub_schedule_look_again(void);

#endif
