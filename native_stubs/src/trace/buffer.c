/* A thread's buffer: found without a lock, filled under one that is its own; see buffer.h. */
#include "trace/buffer.h"

#include "core/clock.h"
#include "core/context.h"
#include "trace/session.h"

#define NS_PER_S UINT64_C(1000000000)

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor: the thread ends */
static _Thread_local stub_trace_buffer *own;

static void forget(void *buffer) {
    own = NULL;
    stub_trace_give_buffer(buffer);
}

static void make_key(void) {
    pthread_key_create(&key, forget);
}

stub_trace_buffer *stub_trace_buffer_own(void) {
    if (own == NULL) {
        pthread_once(&key_once, make_key);
        own = stub_trace_take_buffer();
        pthread_setspecific(key, own);
    }
    return own;
}

static stub_trace_line line_at(stub_trace_buffer *buffer, size_t offset) {
    return (stub_trace_line){.at = buffer->text + offset, .end = buffer->text + sizeof buffer->text};
}

/* The thread's row gets its name. */
static void name_thread(stub_trace_buffer *buffer) {
    char name[32] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    stub_trace_line line = line_at(buffer, buffer->used);
    stub_line_raw(&line, ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":");
    stub_line_number(&line, stub_trace_process());
    stub_line_raw(&line, ",\"tid\":");
    stub_line_number(&line, buffer->thread);
    stub_line_raw(&line, ",\"args\":{\"name\":");
    stub_line_string(&line, name);
    stub_line_raw(&line, "}}");
    buffer->used = (size_t)(line.at - buffer->text);
}

static void prepare(stub_trace_buffer *buffer, uint64_t session) {
    if (buffer->session != session) {
        buffer->session = session;
        buffer->flushed_ns = stub_now_ns();
        name_thread(buffer);
    }
    if (sizeof buffer->text - buffer->used < STUB_TRACE_LONGEST_LINE) {
        stub_trace_write(buffer);
    }
}

bool stub_trace_line_begin(stub_trace_line *line, uint64_t began_ns, stub_trace_buffer **buffer) {
    uint64_t session_began_ns = 0;
    *buffer = stub_is_forked_child() ? NULL : stub_trace_buffer_own();
    if (*buffer == NULL) {
        return false;
    }
    pthread_mutex_lock(&(*buffer)->lock);
    uint64_t session = stub_trace_session(&session_began_ns);
    if (session == 0 || began_ns < session_began_ns) {
        pthread_mutex_unlock(&(*buffer)->lock);
        return false;
    }
    prepare(*buffer, session);
    *line = line_at(*buffer, (*buffer)->used);
    return true;
}

/* Once in a while even when there is room: a process that is killed leaves most of its trace. */
void stub_trace_line_end(stub_trace_line *line, stub_trace_buffer *buffer) {
    if (!line->full) {
        buffer->used = (size_t)(line->at - buffer->text);
    }
    uint64_t now = stub_now_ns();
    if (now - buffer->flushed_ns > NS_PER_S) {
        buffer->flushed_ns = now;
        stub_trace_write(buffer);
    }
    pthread_mutex_unlock(&buffer->lock);
}
