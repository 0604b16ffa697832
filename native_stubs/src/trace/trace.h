/* The timeline, as the rest of the stand-in sees it: ASCEND_STUB_TRACE, include/ascend_stub/trace.h.
 *
 * Nothing but the first function is called unless STUB_WATCH_TRACE is on. Every thread formats its events into a buffer
 * of its own (buffer.h), so that none waits for another but to write to the file. */
#ifndef ASCEND_STUB_TRACE_TRACE_H
#define ASCEND_STUB_TRACE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "ascend_stub/trace.h"
#include "core/copy.h"
#include "watch/task.h"
#include "watch/watch.h"

/* At load: reads ASCEND_STUB_TRACE. */
void stub_trace_start_process(void);

/* A call that has been made; a task that has run, from started_ns to now. */
void stub_trace_call(const stub_visit *visit);
void stub_trace_task(const stub_watched *watched, int status);

/* The row of the calling thread, from whose traced call a task is being queued; 0 when that is not in the trace. */
uint64_t stub_trace_caller(void);

/* A copy that the calling thread has made itself since began_ns. */
void stub_trace_copy(const stub_copy *copy, uint64_t began_ns);

/* How many bytes of a device are in use now. Called under the lock that orders the changes. */
void stub_trace_memory(int device, size_t used);

#endif
