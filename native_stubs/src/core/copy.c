/* Copies and fills; see copy.h. Queued tasks live here and not in the API libraries, which may be unloaded earlier. */
#include "core/copy.h"

#include <stdlib.h>
#include <string.h>

#include "acl/acl_base.h"
#include "check/check.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "trace/trace.h"

typedef struct {
    stub_task task;
    stub_copy copy;
    unsigned char staged[]; /* the source's bytes of a staged copy */
} copy_task;

typedef struct {
    stub_task task;
    stub_fill fill;
} fill_task;

/* Where the bytes of an address can be touched. */
static void *host_view(const void *address) {
    return stub_is_device_address(address) ? stub_shadow(address) : (void *)(uintptr_t)address;
}

/* Bytes from the first to behind the last; false when that does not fit into size_t. */
static bool extent_of(size_t width, size_t height, size_t pitch, size_t *extent) {
    size_t rows = 0;
    return !__builtin_mul_overflow(height - 1, pitch, &rows) && !__builtin_add_overflow(rows, width, extent);
}

static int check_side(const char *function, const char *name, const void *address, size_t extent) {
    if (!stub_is_device_address(address)) {
        return ACL_SUCCESS;
    }
    if (stub_shadow(address) == NULL) {
        return ACL_ERROR_RT_MEMORY_ALLOCATION; /* stub_shadow has left the text */
    }
    size_t available = stub_device_bytes_from(address);
    if (extent <= available) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "%s: %zu bytes from %s %p reach beyond the end of the device's memory, which is %zu bytes away.",
                     function, extent, name, address, available);
}

int stub_copy_check(const char *function, const stub_copy *copy) {
    size_t dst_extent = 0;
    size_t src_extent = 0;
    if (!extent_of(copy->width, copy->height, copy->dst_pitch, &dst_extent) ||
        !extent_of(copy->width, copy->height, copy->src_pitch, &src_extent)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: height %zu times a pitch (dpitch %zu, spitch %zu) overflows.",
                         function, copy->height, copy->dst_pitch, copy->src_pitch);
    }
    int status = check_side(function, "dst", copy->dst, dst_extent);
    return status == ACL_SUCCESS ? check_side(function, "src", copy->src, src_extent) : status;
}

int stub_fill_check(const char *function, const stub_fill *fill) {
    return check_side(function, "devPtr", fill->dst, fill->count);
}

static void copy_bytes(const stub_copy *copy) {
    char *dst = host_view(copy->dst);
    const char *src = host_view(copy->src);
    if (copy->height == 1) { /* else there may be gaps, which stay untouched */
        stub_device_populate(copy->dst, copy->width);
    }
    for (size_t row = 0; row < copy->height; row++) {
        stub_bytes_move(dst + row * copy->dst_pitch, src + row * copy->src_pitch, copy->width);
    }
}

static void fill_bytes(const stub_fill *fill) {
    stub_device_populate(fill->dst, fill->count);
    memset(host_view(fill->dst), fill->value, fill->count);
}

/* ---- what is touched ---- */

/* Rows without a gap between them are one run. */
static stub_access side_of(const void *address, size_t pitch, const stub_copy *copy) {
    stub_access access = {.first = (uintptr_t)address, .run = copy->width};
    if (copy->height > 1 && pitch > copy->width) {
        access.rank = 1;
        access.dims[0].count = copy->height;
        access.dims[0].stride = pitch;
    } else {
        access.run *= copy->height;
    }
    return access;
}

static void add_side(stub_access_list *accesses, stub_access side, stub_access_mode mode, const char *what) {
    side.mode = mode;
    side.what = what;
    stub_access_add(accesses, &side);
}

/* The bytes of both sides, as "dst" and "src". */
static void accesses_of_copy(const stub_copy *copy, stub_access_list *accesses) {
    add_side(accesses, side_of(copy->src, copy->src_pitch, copy), STUB_READS, "src");
    add_side(accesses, side_of(copy->dst, copy->dst_pitch, copy), STUB_WRITES, "dst");
}

static void accesses_of_fill(const stub_fill *fill, stub_access_list *accesses) {
    const stub_access side = {.first = (uintptr_t)fill->dst, .run = fill->count};
    add_side(accesses, side, STUB_WRITES, "devPtr");
}

static void describe_copy(const stub_task *task, stub_access_list *accesses) {
    accesses_of_copy(&((const copy_task *)(const void *)task)->copy, accesses);
}

/* The source was read when it was queued. */
static void describe_staged(const stub_task *task, stub_access_list *accesses) {
    const stub_copy *copy = &((const copy_task *)(const void *)task)->copy;
    add_side(accesses, side_of(copy->dst, copy->dst_pitch, copy), STUB_WRITES, "dst");
}

static void describe_fill(const stub_task *task, stub_access_list *accesses) {
    accesses_of_fill(&((const fill_task *)(const void *)task)->fill, accesses);
}

/* ---- at once ---- */

void stub_copy_run(const char *function, const stub_copy *copy) {
    stub_access_list accesses = {0};
    const bool checked = stub_is_watched_by(STUB_WATCH_CHECKS);
    if (checked) {
        accesses_of_copy(copy, &accesses);
        stub_check_host_access(function, &accesses);
    }
    const uint64_t began_ns = stub_is_watched_by(STUB_WATCH_TRACE) ? stub_now_ns() : 0;
    copy_bytes(copy);
    if (began_ns != 0) {
        stub_trace_copy(copy, began_ns);
    }
    if (checked) {
        stub_check_host_accessed(&accesses);
        stub_access_free(&accesses);
    }
}

void stub_fill_run(const char *function, const stub_fill *fill) {
    stub_access_list accesses = {0};
    const bool checked = stub_is_watched_by(STUB_WATCH_CHECKS);
    if (checked) {
        accesses_of_fill(fill, &accesses);
        stub_check_host_access(function, &accesses);
    }
    fill_bytes(fill);
    if (checked) {
        stub_check_host_accessed(&accesses);
        stub_access_free(&accesses);
    }
}

/* ---- queued ---- */

static int run_copy(stub_task *task) {
    copy_bytes(&((copy_task *)(void *)task)->copy);
    return ACL_SUCCESS;
}

static int run_pageable(stub_task *task) {
    return stub_copy_run_pageable(task->name, &((copy_task *)(void *)task)->copy);
}

static int run_fill(stub_task *task) {
    fill_bytes(&((fill_task *)(void *)task)->fill);
    return ACL_SUCCESS;
}

static void release_task(stub_task *task) {
    free(task);
}

static int fail_task_memory(const char *function, size_t size) {
    return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "%s: the host has no memory for a task of %zu bytes.", function,
                     size);
}

static copy_task *new_copy_task(const char *function, const stub_copy *copy, size_t staged) {
    copy_task *task = malloc(sizeof *task + staged);
    if (task != NULL) {
        task->task = (stub_task){.run = run_copy, .release = release_task, .name = function, .describe = describe_copy};
        task->copy = *copy;
    }
    return task;
}

int stub_copy_enqueue(const char *function, const stub_copy *copy, stub_stream *stream) {
    copy_task *task = new_copy_task(function, copy, 0);
    return task == NULL ? fail_task_memory(function, sizeof *task) : stub_stream_enqueue(stream, &task->task);
}

int stub_copy_enqueue_pageable(const char *function, const stub_copy *copy, stub_stream *stream) {
    copy_task *task = new_copy_task(function, copy, 0);
    if (task == NULL) {
        return fail_task_memory(function, sizeof *task);
    }
    task->task.run = run_pageable;
    return stub_stream_enqueue(stream, &task->task);
}

static void check_staging(const char *function, const stub_copy *copy) {
    stub_access_list accesses = {0};
    add_side(&accesses, side_of(copy->src, copy->src_pitch, copy), STUB_READS, "src");
    stub_check_host_access(function, &accesses);
    stub_access_free(&accesses);
}

int stub_copy_enqueue_staged(const char *function, const stub_copy *copy, stub_stream *stream) {
    copy_task *task = new_copy_task(function, copy, copy->width);
    if (task == NULL) {
        return fail_task_memory(function, sizeof *task + copy->width);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        check_staging(function, copy);
    }
    stub_bytes_move(task->staged, host_view(copy->src), copy->width);
    task->copy.src = task->staged;
    task->task.describe = describe_staged;
    return stub_stream_enqueue(stream, &task->task);
}

int stub_fill_enqueue(const char *function, const stub_fill *fill, stub_stream *stream) {
    fill_task *task = malloc(sizeof *task);
    if (task == NULL) {
        return fail_task_memory(function, sizeof *task);
    }
    task->task = (stub_task){.run = run_fill, .release = release_task, .name = function, .describe = describe_fill};
    task->fill = *fill;
    return stub_stream_enqueue(stream, &task->task);
}
