/* What comes before what, as streams, events, callbacks and collectives tell the checks.
 *
 * Nothing here is called unless STUB_WATCH_CHECKS is on, but for stub_clock_release. All of it may be called under a
 * stream's or an event's lock. The host is one: what one of its threads has seen, all know, because how they tell each
 * other is invisible. */
#ifndef ASCEND_STUB_CHECK_ORDER_H
#define ASCEND_STUB_CHECK_ORDER_H

#include <stdbool.h>

#include "core/stream.h"

/* What is known to be over at some point; NULL: nothing. */
typedef struct stub_clock stub_clock;
void stub_clock_release(stub_clock *clock); /* NULL is fine */

/* On a worker: what is over when its running task begins. With a reference. */
stub_clock *stub_check_worker_clock(void);
/* What the host has seen the end of. With a reference. */
stub_clock *stub_check_host_clock(void);

/* The host has seen the end of all that. Tasks of a stream: stub_check_host_saw. */
void stub_check_host_waited(const stub_clock *clock);
/* On a worker: its running task has waited for all that. */
void stub_check_worker_waited(const stub_clock *clock);
/* What is queued on the stream from now on comes after all that. */
void stub_check_stream_follows(const stub_stream *stream, const stub_clock *clock);

/* The user's code begins or ends on the calling worker: it knows what the host knows, and the host what it knows. */
void stub_check_user_code(void);

/* On a worker: its running task waits for those of a group's other ranks, and has met them. */
void stub_check_meeting(const char *group);
void stub_check_met(const char *group);

/* What is queued on the stream and has not started never will. */
void stub_check_dropped(const stub_stream *stream);

/* The host has waited for all of the stream's work, or (dropped) nobody will; nothing is queued on it any more. */
void stub_check_stream_ended(const stub_stream *stream, bool dropped);

/* The checks were turned on or off: what is queued or was seen until now is unknown. */
void stub_check_forget_tasks(void);

#endif
