/* The buffers of the threads, and the file that they are written to. */
#ifndef ASCEND_STUB_TRACE_BUFFER_H
#define ASCEND_STUB_TRACE_BUFFER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/line.h"

#define STUB_TRACE_LONGEST_LINE 16384u
#define STUB_TRACE_BUFFER_BYTES (8u * STUB_TRACE_LONGEST_LINE)

/* A call whose repetition, with nothing in between, is no line of its own: a loop that asks whether a stream is done.
 */
typedef struct {
    const void *function; /* NULL when it is not in the buffer any more */
    uint64_t argument, result, began_ns, count;
    size_t offset, end; /* of its line */
} stub_trace_repeat;

/* One thread's. Kept for another thread when that has ended. All but the fixed part is under the lock, which nobody
 * else holds for long. */
typedef struct stub_trace_buffer {
    struct stub_trace_buffer *next; /* of all, under the session's lock */
    bool taken;                     /* the same */
    uint64_t thread;                /* the system's number of it; fixed while it is taken */
    pthread_mutex_t lock;
    uint64_t session;    /* that the thread has been named in */
    uint64_t row;        /* of a device, that was named last */
    uint64_t rows_named; /* in which session */
    uint64_t flushed_ns;
    stub_trace_repeat last;
    size_t used;
    char text[STUB_TRACE_BUFFER_BYTES];
} stub_trace_buffer;

/* The calling thread's, made on first use; NULL without memory. */
stub_trace_buffer *stub_trace_buffer_own(void);

/* Begins a line in the calling thread's buffer, and holds its lock until the end of the line. False when no trace is
 * running, or when it began after began_ns. */
bool stub_trace_line_begin(stub_trace_line *line, uint64_t began_ns, stub_trace_buffer **buffer);
void stub_trace_line_end(stub_trace_line *line, stub_trace_buffer *buffer);

#endif
