/* What events have in common: the parts of a line, in the order in which they are put. */
#ifndef ASCEND_STUB_TRACE_EVENT_H
#define ASCEND_STUB_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/line.h"

/* `phase` is the format's letter, what failed has a second category. */
void stub_event_begin(stub_trace_line *line, const char *phase, const char *category, bool failed);

/* A number behind what is JSON already: ",\"id\":". */
void stub_event_number(stub_trace_line *line, const char *name, uint64_t number);

void stub_event_place(stub_trace_line *line, uint64_t process, uint64_t row);
void stub_event_times(stub_trace_line *line, uint64_t began_ns, uint64_t ended_ns);

/* The name of one more argument; the first one has "" in front of it. */
void stub_event_argument(stub_trace_line *line, const char **separator, const char *name);

/* Ends the arguments and the event; what failed is red, where viewers know colours. */
void stub_event_end(stub_trace_line *line, bool failed);

#endif
