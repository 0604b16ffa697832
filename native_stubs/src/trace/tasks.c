/* What devices do, and what the host does with their memory. Times are those of CLOCK_MONOTONIC, so that the traces of
 * several processes of a machine fit together. */
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "trace/event.h"
#include "trace/session.h"
#include "trace/trace.h"

#define PROCESS_SHIFT 30

/* ---- names of devices and streams ---- */

static void put_name(stub_trace_line *line, const char *what, uint64_t process, uint64_t row) {
    stub_line_raw(line, ",\n{\"ph\":\"M\",\"name\":\"");
    stub_line_raw(line, what);
    stub_line_raw(line, "\"");
    stub_event_place(line, process, row);
    stub_line_raw(line, ",\"args\":{\"name\":\"");
}

static void name_device(stub_trace_line *line, int device) {
    if (stub_trace_first_of_device(device)) {
        put_name(line, "process_name", stub_trace_device_process(device), 0);
        stub_event_number(line, "device ", (uint64_t)device);
        stub_event_number(line, " of process ", stub_trace_process());
        stub_line_raw(line, "\"}}");
    }
}

static uint64_t row_of(uint32_t stream) {
    return (uint64_t)stream + 1; /* viewers take row 0 for none */
}

/* Tasks of one stream mostly come from one thread. */
static void name_stream(stub_trace_line *line, stub_trace_buffer *buffer, const stub_watched *watched) {
    const uint64_t row = row_of(watched->stream);
    if (buffer->row == row && buffer->rows_named == buffer->session) {
        return;
    }
    buffer->row = row;
    buffer->rows_named = buffer->session;
    put_name(line, "thread_name", stub_trace_device_process(watched->device), row);
    stub_event_number(line, "stream ", watched->stream);
    stub_line_raw(line, "\"}}");
}

/* ---- tasks ---- */

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static size_t bytes_of(const stub_access *access) {
    size_t bytes = access->run;
    for (uint32_t i = 0; i < access->rank; i++) {
        bytes *= access->dims[i].count;
    }
    return bytes;
}

static size_t bytes_touched(const stub_access_list *accesses, stub_access_mode mode) {
    size_t bytes = 0;
    for (size_t i = 0; i < accesses->count; i++) {
        bytes += (accesses->items[i].mode & mode) != 0 ? bytes_of(&accesses->items[i]) : 0;
    }
    return bytes;
}

static bool is_on_device(const stub_access_list *accesses, stub_access_mode mode) {
    for (size_t i = 0; i < accesses->count; i++) {
        if ((accesses->items[i].mode & mode) != 0) {
            return stub_is_device_address((const void *)accesses->items[i].first);
        }
    }
    return false; /* the stand-in's own memory */
}

static void put_copy_name(stub_trace_line *line, bool from_device, bool to_device, size_t bytes) {
    stub_line_raw(line, from_device ? ",\"name\":\"copy device to " : ",\"name\":\"copy host to ");
    stub_line_raw(line, to_device ? "device" : "host");
    stub_event_number(line, ", ", bytes);
    stub_line_raw(line, " bytes\"");
}

static bool is_copy(const stub_watched *watched) {
    return starts_with(watched->name, "aclrtMemcpy") && watched->accesses.count > 0;
}

static const char *category_of(const stub_watched *watched) {
    return is_copy(watched)                      ? "copy"
           : starts_with(watched->name, "aclnn") ? "operator"
           : starts_with(watched->name, "Hccl")  ? "collective"
                                                 : "task";
}

static void put_task_name(stub_trace_line *line, const stub_watched *watched) {
    const stub_access_list *accesses = &watched->accesses;
    if (is_copy(watched)) {
        put_copy_name(line, is_on_device(accesses, STUB_READS), is_on_device(accesses, STUB_WRITES),
                      bytes_touched(accesses, STUB_WRITES));
        return;
    }
    stub_line_raw(line, ",\"name\":");
    stub_line_string(line, watched->name);
}

static void put_task_arguments(stub_trace_line *line, const stub_watched *watched, int status) {
    stub_line_raw(line, ",\"args\":{\"task\":");
    stub_line_string(line, watched->name);
    stub_event_number(line, ",\"number\":", watched->number);
    stub_line_raw(line, ",\"queued_us\":");
    stub_line_time(line, watched->started_ns - watched->queued_ns);
    stub_event_number(line, ",\"bytes_read\":", bytes_touched(&watched->accesses, STUB_READS));
    stub_event_number(line, ",\"bytes_written\":", bytes_touched(&watched->accesses, STUB_WRITES));
    stub_line_raw(line, ",\"status\":");
    stub_line_value(line, (uint64_t)(int64_t)status);
    stub_event_end(line, status != 0);
}

static void put_flow(stub_trace_line *line, const char *phase, uint64_t id, uint64_t ns) {
    stub_event_begin(line, phase, "queue", false);
    stub_event_number(line, ",\"name\":\"queue\",\"id\":", id);
    stub_line_raw(line, ",\"ts\":");
    stub_line_time(line, ns);
}

/* An arrow from within the call that queued the task to the task. Both ends are written here, so that there is none
 * without the other. */
static void put_arrow(stub_trace_line *line, const stub_watched *watched) {
    static _Atomic(uint64_t) arrows;
    const uint64_t number = atomic_fetch_add_explicit(&arrows, 1, memory_order_relaxed);
    const uint64_t id = (stub_trace_process() << PROCESS_SHIFT) + number; /* ids of ranks do not meet in one view */
    put_flow(line, "s", id, watched->queued_ns);
    stub_event_place(line, stub_trace_process(), watched->thread);
    stub_line_raw(line, "}");
    put_flow(line, "f\",\"bp\":\"e", id, watched->started_ns);
    stub_event_place(line, stub_trace_device_process(watched->device), row_of(watched->stream));
    stub_line_raw(line, "}");
}

void stub_trace_task(const stub_watched *watched, int status) {
    const uint64_t now = stub_now_ns();
    uint64_t session_began_ns = 0;
    stub_trace_buffer *buffer = NULL;
    stub_trace_line line;
    if (!stub_trace_line_begin(&line, watched->started_ns, &buffer)) {
        return;
    }
    name_device(&line, watched->device);
    name_stream(&line, buffer, watched);
    stub_event_begin(&line, "X", category_of(watched), status != 0);
    put_task_name(&line, watched);
    stub_event_place(&line, stub_trace_device_process(watched->device), row_of(watched->stream));
    stub_event_times(&line, watched->started_ns, now);
    put_task_arguments(&line, watched, status);
    stub_trace_session(&session_began_ns);
    if (watched->thread != 0 && watched->queued_ns >= session_began_ns) {
        put_arrow(&line, watched);
    }
    stub_trace_line_end(&line, buffer);
}

/* ---- copies at once, memory ---- */

void stub_trace_copy(const stub_copy *copy, uint64_t began_ns) {
    const uint64_t now = stub_now_ns();
    const size_t bytes = copy->width * copy->height;
    stub_trace_buffer *buffer = NULL;
    stub_trace_line line;
    if (!stub_trace_line_begin(&line, began_ns, &buffer)) {
        return;
    }
    stub_event_begin(&line, "X", "copy", false);
    put_copy_name(&line, stub_is_device_address(copy->src), stub_is_device_address(copy->dst), bytes);
    stub_event_place(&line, stub_trace_process(), buffer->thread);
    stub_event_times(&line, began_ns, now);
    stub_event_number(&line, ",\"args\":{\"bytes_read\":", bytes);
    stub_event_number(&line, ",\"bytes_written\":", bytes);
    stub_event_end(&line, false);
    stub_trace_line_end(&line, buffer);
}

void stub_trace_memory(int device, size_t used) {
    const uint64_t now = stub_now_ns();
    stub_trace_buffer *buffer = NULL;
    stub_trace_line line;
    if (!stub_trace_line_begin(&line, now, &buffer)) {
        return;
    }
    name_device(&line, device);
    stub_event_begin(&line, "C", "memory", false);
    stub_line_raw(&line, ",\"name\":\"memory in use\"");
    stub_event_place(&line, stub_trace_device_process(device), 0);
    stub_line_raw(&line, ",\"ts\":");
    stub_line_time(&line, now);
    stub_event_number(&line, ",\"args\":{\"bytes\":", used);
    stub_line_raw(&line, "}}");
    stub_trace_line_end(&line, buffer);
}
