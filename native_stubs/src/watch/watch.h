/* Where every call of a public function can be seen: by checks, by faults, by the trace, and by the version that is
 * played. Each function's door (generated, see catalogue/generate.py) tests one flag; nobody watching is the usual case
 * and costs a load and a branch. */
#ifndef ASCEND_STUB_WATCH_WATCH_H
#define ASCEND_STUB_WATCH_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/export.h"
#include "trace/line.h"
#include "watch/objects.h"

typedef enum {
    STUB_WATCH_VERSION = 1, /* functions that came after the played release are refused */
    STUB_WATCH_FAULTS = 2,
    STUB_WATCH_CHECKS = 4,
    STUB_WATCH_TRACE = 8
} stub_watcher;

/* Which watchers are on; changed by stub_watch_set only. Other bits are for watch.c. */
STUB_EXPORT extern _Atomic(uint32_t) stub_watchers;

static inline bool stub_is_watched(void) {
    return __builtin_expect(atomic_load_explicit(&stub_watchers, memory_order_relaxed) != 0, 0);
}

static inline bool stub_is_watched_by(stub_watcher watcher) {
    return __builtin_expect((atomic_load_explicit(&stub_watchers, memory_order_relaxed) & (uint32_t)watcher) != 0, 0);
}

STUB_EXPORT void stub_watch_set(stub_watcher watcher, bool on);

/* Reads what the environment asks for, once. The first watched call does it; so does whatever changes a watcher, that
 * the environment does not overrule it later. */
STUB_EXPORT void stub_watch_start(void);

/* A parameter that is a handle, or where a handle is written (out). STUB_OBJECT_NONE for everything else. */
typedef struct {
    const char *name;
    stub_object_kind object;
    bool out;
} stub_function_param;

/* What a failing call answers depends on the family. */
typedef enum { STUB_FAMILY_ACL, STUB_FAMILY_ACLNN, STUB_FAMILY_HCCL } stub_family;
typedef enum { STUB_RETURNS_STATUS, STUB_RETURNS_POINTER, STUB_RETURNS_VALUE } stub_returns;

/* A public function. Lives as long as the process. */
typedef struct {
    const char *name;
    const stub_function_param *params;
    uint32_t count;
    stub_family family;
    stub_returns returns;
    stub_object_kind made; /* what a returned pointer is */
    int since;             /* the release that brought it: 801, 805, 900, 901, 902 */
} stub_function;

typedef struct stub_place stub_place;

/* One watched call, on its caller's stack. Calls that the stand-in makes of its own functions are not seen. */
typedef struct stub_visit {
    const stub_function *function;
    const uint64_t *args;    /* function->count values: integers, addresses (floats lose their fraction) */
    uint64_t result;         /* the status or what else is returned; valid when the call has been made or refused */
    uint64_t began_ns;       /* stub_now_ns at the beginning, for the trace */
    uint32_t watchers;       /* as they were at the beginning */
    const stub_place *place; /* see check/place.h */
    void (*put_arguments)(stub_trace_line *line, const void *call); /* for the trace: those of an operator, or NULL */
    const void *call;                                               /* what they are put from */
    struct stub_visit *outer; /* a call during which this one is made, by a callback */
} stub_visit;

/* False when the call is not to be made: `result` is its answer (a status, or NULL), with a text. Leave it all the
 * same only when this returned true. */
STUB_EXPORT bool stub_visit_enter(stub_visit *visit);
STUB_EXPORT void stub_visit_leave(stub_visit *visit);

/* The calling thread's innermost visit, NULL outside of all. */
stub_visit *stub_visit_current(void);

/* The two functions of an operator, which have no generated door: "aclnnAbsGetWorkspaceSize" and "aclnnAbs". `since` is
 * the release that brought it, 0 when it is none of CANN's. NULL without memory. */
STUB_EXPORT const stub_function *stub_operator_function(const char *op, int phase, int since);

#endif
