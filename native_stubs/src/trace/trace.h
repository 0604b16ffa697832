/* The timeline, as the rest of the stand-in sees it: ASCEND_STUB_TRACE, include/ascend_stub/trace.h. */
#ifndef ASCEND_STUB_TRACE_TRACE_H
#define ASCEND_STUB_TRACE_TRACE_H

#include <stddef.h>

#include "ascend_stub/trace.h"
#include "watch/task.h"
#include "watch/watch.h"

/* At load: reads ASCEND_STUB_TRACE. */
void stub_trace_start_process(void);

/* A call that has been made; a task that has run, from started_ns to now. STUB_WATCH_TRACE is on. */
void stub_trace_call(const stub_visit *visit);
void stub_trace_task(const stub_watched *watched, int status);

#endif
