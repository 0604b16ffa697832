/* The calls of the timeline. */
#include <string.h>

#include "core/clock.h"
#include "trace/event.h"
#include "trace/session.h"
#include "trace/trace.h"

static bool is_handle(const stub_function_param *param) {
    return param->object != STUB_OBJECT_NONE;
}

static void put_parameter(stub_trace_line *line, const stub_function_param *param, uint64_t value, bool failed) {
    const void *handle = (const void *)(uintptr_t)value;
    if (!is_handle(param)) {
        stub_line_value(line, value);
        return;
    }
    if (param->out && !failed && handle != NULL) {
        memcpy(&handle, handle, sizeof handle); /* where it was written */
    }
    stub_line_address(line, (uint64_t)(uintptr_t)handle);
}

static bool has_failed(const stub_visit *visit) {
    return visit->function->returns == STUB_RETURNS_STATUS
               ? (int)visit->result != 0
               : visit->function->returns == STUB_RETURNS_POINTER && visit->result == 0;
}

/* Parameters are called status and result, but none is called returned. */
static void put_result(stub_trace_line *line, const char **separator, const stub_visit *visit) {
    if (visit->result != 0) {
        stub_event_argument(line, separator, "returned");
        stub_line_value(line, visit->result);
    }
}

/* Better none than no line. */
static void put_operator_arguments(stub_trace_line *line, const char **separator, const stub_visit *visit) {
    const stub_trace_line before = *line;
    visit->put_arguments(line, visit->call);
    if (line->full) {
        *line = before;
    } else {
        *separator = ",";
    }
}

static void put_call_arguments(stub_trace_line *line, const stub_visit *visit, uint64_t count) {
    const stub_function *function = visit->function;
    const char *separator = "";
    stub_line_raw(line, ",\"args\":{");
    for (uint32_t i = 0; i < function->count; i++) {
        stub_event_argument(line, &separator, function->params[i].name);
        put_parameter(line, &function->params[i], visit->args[i], has_failed(visit));
    }
    if (visit->put_arguments != NULL && !has_failed(visit)) {
        put_operator_arguments(line, &separator, visit);
    }
    put_result(line, &separator, visit);
    if (count > 1) {
        stub_event_argument(line, &separator, "calls");
        stub_line_number(line, count);
    }
    stub_event_end(line, has_failed(visit));
}

/* A call that asks how far something is, as loops do. */
static bool is_repeatable(const stub_visit *visit) {
    return visit->function->count > 0 && strstr(visit->function->name, "Query") != NULL;
}

static bool repeats(const stub_visit *visit, const stub_trace_buffer *buffer) {
    const stub_trace_repeat *last = &buffer->last;
    return last->function == visit->function && last->end == buffer->used && last->argument == visit->args[0] &&
           last->result == visit->result;
}

/* What the line is about: the call, and those before it that it repeats, whose line it then replaces. */
static stub_trace_repeat repetition(const stub_visit *visit, const stub_trace_buffer *buffer) {
    stub_trace_repeat about = {.began_ns = visit->began_ns, .count = 1, .offset = buffer->used};
    if (is_repeatable(visit)) {
        if (repeats(visit, buffer)) {
            about = buffer->last;
            about.count++;
        }
        about.function = visit->function;
        about.argument = visit->args[0];
        about.result = visit->result;
    }
    return about;
}

void stub_trace_call(const stub_visit *visit) {
    const uint64_t now = stub_now_ns();
    stub_trace_buffer *buffer = NULL;
    stub_trace_line line;
    if (!stub_trace_line_begin(&line, visit->began_ns, &buffer)) {
        return;
    }
    stub_trace_repeat about = repetition(visit, buffer);
    line.at = buffer->text + about.offset;
    stub_event_begin(&line, "X", "call", has_failed(visit));
    stub_line_raw(&line, ",\"name\":");
    stub_line_string(&line, visit->function->name);
    stub_event_place(&line, stub_trace_process(), buffer->thread);
    stub_event_times(&line, about.began_ns, now);
    put_call_arguments(&line, visit, about.count);
    about.end = (size_t)(line.at - buffer->text);
    buffer->last = about;
    stub_trace_line_end(&line, buffer);
}

uint64_t stub_trace_caller(void) {
    const stub_visit *visit = stub_visit_current();
    if (visit == NULL || (visit->watchers & STUB_WATCH_TRACE) == 0) {
        return 0;
    }
    const stub_trace_buffer *buffer = stub_trace_buffer_own();
    return buffer == NULL ? 0 : buffer->thread;
}
