/* An operator's arguments in the trace. */
#ifndef ASCEND_STUB_NNOPBASE_TRACE_ARGUMENTS_H
#define ASCEND_STUB_NNOPBASE_TRACE_ARGUMENTS_H

#include "ascend_stub/kernel.h"
#include "trace/line.h"

/* Members of a JSON object, by the parameters' names. `call` is a stub_call that phase one has accepted: what it names
 * is alive. */
void stub_trace_arguments(stub_trace_line *line, const void *call);

#endif
