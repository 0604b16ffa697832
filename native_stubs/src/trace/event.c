/* See event.h. */
#include "trace/event.h"

void stub_event_begin(stub_trace_line *line, const char *phase, const char *category, bool failed) {
    stub_line_raw(line, ",\n{\"ph\":\"");
    stub_line_raw(line, phase);
    stub_line_raw(line, "\",\"cat\":\"");
    stub_line_raw(line, category);
    stub_line_raw(line, failed ? ",failed\"" : "\"");
}

void stub_event_number(stub_trace_line *line, const char *name, uint64_t number) {
    stub_line_raw(line, name);
    stub_line_number(line, number);
}

void stub_event_place(stub_trace_line *line, uint64_t process, uint64_t row) {
    stub_event_number(line, ",\"pid\":", process);
    stub_event_number(line, ",\"tid\":", row);
}

void stub_event_times(stub_trace_line *line, uint64_t began_ns, uint64_t ended_ns) {
    stub_line_raw(line, ",\"ts\":");
    stub_line_time(line, began_ns);
    stub_line_raw(line, ",\"dur\":");
    stub_line_time(line, ended_ns - began_ns);
}

void stub_event_argument(stub_trace_line *line, const char **separator, const char *name) {
    stub_line_raw(line, *separator);
    stub_line_string(line, name);
    stub_line_raw(line, ":");
    *separator = ",";
}

void stub_event_end(stub_trace_line *line, bool failed) {
    stub_line_raw(line, failed ? "},\"cname\":\"terrible\"}" : "}}");
}
