/* The file that a trace goes to. One at a time. */
#ifndef ASCEND_STUB_TRACE_FILE_H
#define ASCEND_STUB_TRACE_FILE_H

#include <stddef.h>

/* 0 or an errno; EBUSY for a file into which another process is writing its trace. */
int stub_trace_file_open(const char *path);

/* Nothing without an open file. What goes wrong is told at the end. */
void stub_trace_file_write(const char *text, size_t length);

/* 0, or the errno of the first thing that went wrong. */
int stub_trace_file_close(void);

#endif
