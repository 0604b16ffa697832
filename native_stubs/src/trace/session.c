/* Beginning and ending a trace, by call, by the environment and by the end of the process; see session.h.
 *
 * Locks, outer ones first: the session's, a buffer's, the file's. */
#include "trace/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acl/acl_base.h"
#include "core/clock.h"
#include "core/context.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/memory.h"
#include "core/settings.h"
#include "trace/file.h"
#include "trace/trace.h"

#define PATH_BYTES 4096u
#define DEVICE_SHIFT 22 /* above every number that Linux gives a process */

static pthread_mutex_t session_lock = PTHREAD_MUTEX_INITIALIZER;
static stub_trace_buffer *buffers;
static uint64_t sessions;
static char path[PATH_BYTES]; /* of the trace that is running */
static _Atomic(uint64_t) running;
static _Atomic(uint64_t) running_since_ns;
static _Atomic(uint64_t) known_devices; /* bits */
static _Atomic(uint64_t) process;

uint64_t stub_trace_session(uint64_t *began_ns) {
    *began_ns = atomic_load_explicit(&running_since_ns, memory_order_relaxed);
    return atomic_load(&running);
}

uint64_t stub_trace_process(void) {
    return atomic_load_explicit(&process, memory_order_relaxed);
}

uint64_t stub_trace_device_process(int device) {
    return ((uint64_t)device + 1) << DEVICE_SHIFT | stub_trace_process();
}

bool stub_trace_first_of_device(int device) {
    _Static_assert(STUB_MAX_DEVICES <= 64, "a bit for each");
    const uint64_t bit = UINT64_C(1) << device;
    return (atomic_load_explicit(&known_devices, memory_order_relaxed) & bit) == 0 &&
           (atomic_fetch_or(&known_devices, bit) & bit) == 0;
}

/* ---- buffers ---- */

static stub_trace_buffer *new_buffer(void) {
    stub_trace_buffer *buffer = calloc(1, sizeof *buffer);
    if (buffer != NULL) {
        pthread_mutex_init(&buffer->lock, NULL);
        buffer->next = buffers;
        buffers = buffer;
    }
    return buffer;
}

stub_trace_buffer *stub_trace_take_buffer(void) {
    pthread_mutex_lock(&session_lock);
    stub_trace_buffer *buffer = buffers;
    while (buffer != NULL && buffer->taken) {
        buffer = buffer->next;
    }
    if (buffer == NULL) {
        buffer = new_buffer();
    }
    if (buffer != NULL) {
        buffer->taken = true;
        buffer->thread = (uint64_t)syscall(SYS_gettid);
        buffer->session = 0;
    }
    pthread_mutex_unlock(&session_lock);
    return buffer;
}

static void write_all(stub_trace_buffer *buffer) {
    pthread_mutex_lock(&buffer->lock);
    stub_trace_write(buffer);
    pthread_mutex_unlock(&buffer->lock);
}

void stub_trace_give_buffer(stub_trace_buffer *buffer) {
    if (stub_is_forked_child()) {
        return;
    }
    write_all(buffer);
    pthread_mutex_lock(&session_lock);
    buffer->taken = false;
    pthread_mutex_unlock(&session_lock);
}

/* ---- what is in the file ---- */

void stub_trace_write(stub_trace_buffer *buffer) {
    stub_trace_file_write(buffer->text, buffer->used);
    buffer->used = 0;
    buffer->last.function = NULL;
}

/* "%p" is the process's number, so that every rank of a job has a file of its own. */
static bool expand(const char *name, char *expanded) {
    size_t used = 0;
    for (; *name != '\0'; name++) {
        const bool pid = name[0] == '%' && name[1] == 'p';
        const int length = pid ? snprintf(expanded + used, PATH_BYTES - used, "%d", (int)getpid())
                               : snprintf(expanded + used, PATH_BYTES - used, "%c", *name);
        used += (size_t)length;
        if (used >= PATH_BYTES) {
            return false;
        }
        name += pid;
    }
    expanded[used] = '\0';
    return used > 0;
}

static void write_header(void) {
    char header[512];
    stub_trace_line line = {.at = header, .end = header + sizeof header};
    stub_line_raw(&line,
                  "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"writer\":\"ascend-ops\",\"source\":\"stand-in\"},"
                  "\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":");
    stub_line_number(&line, stub_trace_process());
    stub_line_raw(&line, ",\"tid\":0,\"args\":{\"name\":");
    stub_line_string(&line, program_invocation_short_name);
    stub_line_raw(&line, "}}");
    stub_trace_file_write(header, (size_t)(line.at - header));
}

/* ---- begin and end ---- */

static int refuse_file(const char *name, int error) {
    return error == EBUSY
               ? stub_fail(ACL_ERROR_INVALID_FILE,
                           "the trace cannot go to \"%s\": another process is writing its own there. Put %%p into the "
                           "name, which becomes the process's number.",
                           name)
               : stub_fail(ACL_ERROR_INVALID_FILE, "the trace cannot be written to \"%s\": %s.", name, strerror(error));
}

/* What was allocated before the trace. */
static void sample_memory(void) {
    for (int device = 0; device < stub_get_settings()->device_count; device++) {
        size_t free_bytes = 0;
        size_t total = 0;
        stub_device_usage(device, &free_bytes, &total);
        if (total > free_bytes) {
            stub_trace_memory(device, total - free_bytes);
        }
    }
}

static int begin_locked(const char *name) {
    if (atomic_load(&running) != 0) {
        return stub_fail(ACL_ERROR_REPEAT_INITIALIZE,
                         "a trace is running already, into \"%s\" (stub_trace_begin or ASCEND_STUB_TRACE); end it with "
                         "stub_trace_end first.",
                         path);
    }
    if (!expand(name, path)) {
        return refuse_file(name, *name == '\0' ? ENOENT : ENAMETOOLONG);
    }
    const int error = stub_trace_file_open(path);
    if (error != 0) {
        return refuse_file(path, error);
    }
    atomic_store(&process, (uint64_t)getpid());
    write_header();
    atomic_store(&known_devices, 0);
    atomic_store(&running_since_ns, stub_now_ns());
    atomic_store(&running, ++sessions);
    stub_watch_set(STUB_WATCH_TRACE, true);
    return 0;
}

static int begin(const char *name) {
    stub_watch_forks();
    pthread_mutex_lock(&session_lock);
    const int status = begin_locked(name);
    pthread_mutex_unlock(&session_lock);
    if (status == 0) {
        sample_memory();
    }
    return status;
}

/* Who has got a buffer's lock by now and seen the trace running is waited for; who gets it later sees that it ended. */
static int end_locked(void) {
    atomic_store(&running, 0);
    stub_watch_set(STUB_WATCH_TRACE, false);
    for (stub_trace_buffer *buffer = buffers; buffer != NULL; buffer = buffer->next) {
        write_all(buffer);
    }
    static const char footer[] = "\n]}\n";
    stub_trace_file_write(footer, sizeof footer - 1);
    const int error = stub_trace_file_close();
    return error == 0
               ? 0
               : stub_fail(ACL_ERROR_WRITE_FILE, "the trace in \"%s\" is not complete: %s.", path, strerror(error));
}

static int end(void) {
    pthread_mutex_lock(&session_lock);
    const int status = atomic_load(&running) == 0
                           ? stub_fail(ACL_ERROR_UNINITIALIZE, "no trace is running; stub_trace_begin starts one.")
                           : end_locked();
    pthread_mutex_unlock(&session_lock);
    return status;
}

aclError stub_trace_begin(const char *name) {
    const int refused = stub_refuse_forked_child("stub_trace_begin");
    if (refused != 0) {
        return refused;
    }
    if (name == NULL) {
        return stub_fail(ACL_ERROR_INVALID_FILE, "stub_trace_begin: file is NULL; give the name of the file to write.");
    }
    stub_watch_start();
    return begin(name);
}

aclError stub_trace_end(void) {
    const int refused = stub_refuse_forked_child("stub_trace_end");
    return refused != 0 ? refused : end();
}

static void complain(void) {
    const char *text = stub_error_take();
    fprintf(stderr, "ascend-ops stand-in: ASCEND_STUB_TRACE: %s\n", text == NULL ? "no memory" : text);
}

void stub_trace_start_process(void) {
    const char *name = getenv("ASCEND_STUB_TRACE");
    if (name != NULL && *name != '\0' && begin(name) != 0) {
        complain();
    }
}

/* After the destructors that stop the streams' workers. */
__attribute__((destructor(101))) static void end_with_process(void) {
    if (atomic_load(&running) != 0 && !stub_is_forked_child() && end() != 0) {
        complain();
    }
}
