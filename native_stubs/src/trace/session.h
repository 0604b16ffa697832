/* The trace that is running: its file, from when on it counts. */
#ifndef ASCEND_STUB_TRACE_SESSION_H
#define ASCEND_STUB_TRACE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/buffer.h"

/* A number for each trace of the process, 0 while none is running; `began_ns` gets when it began. */
uint64_t stub_trace_session(uint64_t *began_ns);

/* Whether the running trace has not heard of the device yet; tells one caller only. */
bool stub_trace_first_of_device(int device);

/* Takes a buffer for the calling thread, or makes one; NULL without memory. */
stub_trace_buffer *stub_trace_take_buffer(void);
void stub_trace_give_buffer(stub_trace_buffer *buffer);

/* Writes what is in the buffer, whose lock the caller holds. */
void stub_trace_write(stub_trace_buffer *buffer);

/* What the format calls process: this one, and each device of it. */
uint64_t stub_trace_process(void);
uint64_t stub_trace_device_process(int device);

#endif
