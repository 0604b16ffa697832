/* The checks, as the rest of the stand-in sees them: ASCEND_STUB_CHECK, include/ascend_stub/check.h.
 *
 * Nothing here is called unless STUB_WATCH_CHECKS is on (what it holds of a task: unless it was when the task was
 * queued). The checks' own lock is a leaf: no other lock is taken and no user code runs under it. What was made before
 * the checks were turned on is unknown to them and never reported. */
#ifndef ASCEND_STUB_CHECK_CHECK_H
#define ASCEND_STUB_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ascend_stub/check.h"
#include "core/export.h"
#include "watch/objects.h"
#include "watch/task.h"
#include "watch/watch.h"

/* Whether one of the checks is on. */
STUB_EXPORT bool stub_checks(stub_check check);

/* Reads ASCEND_STUB_CHECK; see stub_watch_start. */
void stub_check_start(void);

/* Around every watched call. */
void stub_check_enter(stub_visit *visit);
void stub_check_leave(stub_visit *visit);

/* ---- objects (objects.c) ---- */

/* An object came to life or is about to end; `function` for the create/destroy table. `size` is that of memory. A
 * destruction of what is dead already, or a use, is reported with the places of both; false for such an object. */
STUB_EXPORT void stub_check_made(stub_object_kind kind, const void *handle, size_t size);
STUB_EXPORT bool stub_check_destroyed(stub_object_kind kind, const void *handle, const char *function);
STUB_EXPORT bool stub_check_used(stub_object_kind kind, const void *handle, const char *function, const char *param);

/* Whether it is known to have ended; not so for the call that is about to end it. */
STUB_EXPORT bool stub_check_is_dead(stub_object_kind kind, const void *handle);

/* A call is about to free memory, which is live, freed already, or no such memory. */
STUB_EXPORT void stub_check_freeing(stub_object_kind kind, void *address, const char *function);

/* The call that the thread is in needs a context, and there is none (`had_one`: not any more). */
void stub_check_no_context(bool had_one);

/* A number that is larger for every later object, 0 for unknown ones: tells an object from a later one at the same
 * address. */
STUB_EXPORT uint64_t stub_check_generation(stub_object_kind kind, const void *handle);

/* What is known of memory, live or freed (then the latest that was there), that contains `address`. */
typedef struct {
    stub_object_kind kind; /* DEVICE_MEMORY, PINNED_MEMORY or REGISTERED_MEMORY */
    uintptr_t address;
    size_t size; /* as asked for */
    uint64_t generation;
    const stub_place *made, *freed; /* freed: NULL while alive (or when its place is not known) */
    const char *made_by, *freed_by; /* "aclrtMalloc"; freed_by: NULL while alive */
} stub_check_memory;
STUB_EXPORT bool stub_check_find_memory(uintptr_t address, stub_check_memory *memory);

/* ---- executors (executors.c) ---- */

/* A descriptor that a planned call refers to until it has run. */
typedef struct {
    stub_object_kind kind;
    const void *handle;
    uint64_t generation;
    const char *param;
} stub_need;

/* Phase one made an executor; takes over the needs (malloc). */
STUB_EXPORT void stub_check_planned(const void *executor, stub_need *needs, size_t count);

/* Phase two is about to run it, which ends it unless it is repeatable. */
STUB_EXPORT void stub_check_running(const void *executor, const char *op, bool repeatable);

/* Phase two was given less workspace than phase one asked for. */
STUB_EXPORT void stub_check_small_workspace(const void *executor, const char *op, uint64_t given, uint64_t needed);

/* aclFinalize and the end of the process. */
void stub_check_end_of_process(const char *when);

/* ---- memory (lifetime.c, initialised.c, bounds.c) ---- */

/* Memory is being freed (before stub_check_destroyed): tasks that need it are reported, its contents are forgotten. */
STUB_EXPORT void stub_check_freed(const void *address);

/* A synchronous access of the host (aclrtMemcpy, aclrtMemset), before and after it is made. */
STUB_EXPORT void stub_check_host_access(const char *function, const stub_access_list *accesses);
STUB_EXPORT void stub_check_host_accessed(const stub_access_list *accesses);

/* ---- tasks (tasks.c, races.c) ---- */

/* See watch/task.h. prepare: no lock is held; bounds and overlaps are looked at here. */
void stub_check_prepare(stub_watched *watched);
void stub_check_queued(stub_watched *watched);
void stub_check_started(stub_watched *watched);
void stub_check_finished(stub_watched *watched, bool skipped);
void stub_check_forget(stub_watched *watched); /* its last reference is gone; `check` may be NULL */

/* The host has waited for, or has seen, the end of every task of the stream with a number below `count`. */
STUB_EXPORT void stub_check_host_saw(const stub_stream *stream, uint64_t count);

#endif
