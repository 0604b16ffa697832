/* Copies and fills between any two of device, pinned and pageable memory, at once or as a stream's task. */
#ifndef ASCEND_STUB_CORE_COPY_H
#define ASCEND_STUB_CORE_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/export.h"
#include "core/stream.h"

/* `height` rows of `width` bytes that begin `pitch` bytes apart. A plain copy is one row. Both are at least 1. */
typedef struct {
    void *dst;
    size_t dst_pitch;
    const void *src;
    size_t src_pitch;
    size_t width, height;
} stub_copy;

typedef struct {
    void *dst;
    unsigned char value;
    size_t count;
} stub_fill;

/* 107000 with a text when a device side reaches beyond the end of its device's HBM. `function` names the caller. Run
 * and enqueue expect a copy that passed. */
STUB_EXPORT int stub_copy_check(const char *function, const stub_copy *copy);
STUB_EXPORT int stub_fill_check(const char *function, const stub_fill *fill);

/* At once, on the calling thread. */
STUB_EXPORT void stub_copy_run(const char *function, const stub_copy *copy);
STUB_EXPORT void stub_fill_run(const char *function, const stub_fill *fill);

/* Queues the work; the memory must stay valid until the stream has passed it. `function` is a static text. */
STUB_EXPORT int stub_copy_enqueue(const char *function, const stub_copy *copy, stub_stream *stream);
STUB_EXPORT int stub_fill_enqueue(const char *function, const stub_fill *fill, stub_stream *stream);

/* The same for a copy with pageable memory at one end, which may be gone by then: that fails the stream (507899). */
STUB_EXPORT int stub_copy_enqueue_pageable(const char *function, const stub_copy *copy, stub_stream *stream);
int stub_copy_run_pageable(const char *function, const stub_copy *copy); /* for its task */

/* Queues a copy of what the source holds now; the source may change afterwards. One row only. */
STUB_EXPORT int stub_copy_enqueue_staged(const char *function, const stub_copy *copy, stub_stream *stream);

#endif
