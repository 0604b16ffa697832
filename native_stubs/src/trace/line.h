/* One line of the trace file: an event as a JSON object, put together in a thread's buffer. */
#ifndef ASCEND_STUB_TRACE_LINE_H
#define ASCEND_STUB_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

/* What does not fit makes the line `full`; it is then left out as a whole. */
typedef struct {
    char *at;
    const char *end;
    bool full;
} stub_trace_line;

/* Text as it is, which is JSON already. */
STUB_EXPORT void stub_line_raw(stub_trace_line *line, const char *text);

/* A JSON string; its text may be anybody's, and is cut when it is long. */
STUB_EXPORT void stub_line_string(stub_trace_line *line, const char *text);

void stub_line_number(stub_trace_line *line, uint64_t number);

/* A parameter's value of unknown type: negative numbers as such, addresses in hexadecimal digits. */
STUB_EXPORT void stub_line_value(stub_trace_line *line, uint64_t value);
void stub_line_address(stub_trace_line *line, uint64_t address);

/* Nanoseconds as the format's microseconds. */
void stub_line_time(stub_trace_line *line, uint64_t nanoseconds);

#endif
