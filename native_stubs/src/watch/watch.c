/* The doors' other side; see watch.h. */
#include "watch/watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/release.h"
#include "fault/fault.h"
#include "trace/trace.h"

/* Until the first call, so that a program may still change its environment in main. */
#define ENVIRONMENT_UNREAD (UINT32_C(1) << 31)

_Atomic(uint32_t) stub_watchers = ENVIRONMENT_UNREAD;
static _Thread_local stub_visit *innermost;

void stub_watch_set(stub_watcher watcher, bool on) {
    if (on) {
        atomic_fetch_or(&stub_watchers, (uint32_t)watcher);
    } else {
        atomic_fetch_and(&stub_watchers, ~(uint32_t)watcher);
    }
}

static void read_environment(void) {
    stub_watch_set(STUB_WATCH_VERSION, stub_release() < STUB_RELEASE_LATEST);
    stub_fault_start();
    stub_check_start();
    stub_trace_start_process();
    atomic_fetch_and(&stub_watchers, ~ENVIRONMENT_UNREAD);
}

void stub_watch_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
}

stub_visit *stub_visit_current(void) {
    return innermost;
}

/* HCCL has a status of its own for what it lacks. */
static int status_of(stub_family family, int status) {
    enum { HCCL_NOT_SUPPORTED = 5 };
    return family == STUB_FAMILY_HCCL ? HCCL_NOT_SUPPORTED : status;
}

/* The played release has no such symbol; a program that was linked with it would not even start there. */
static bool refuse_later_function(stub_visit *visit) {
    const stub_function *function = visit->function;
    if (function->since <= stub_release()) {
        return false;
    }
    const int status = stub_refuse_later(function->name, function->since);
    visit->result = function->returns == STUB_RETURNS_STATUS ? (uint64_t)status_of(function->family, status) : 0;
    return true;
}

static bool is_refused(stub_visit *visit) {
    if ((visit->watchers & STUB_WATCH_VERSION) != 0 && refuse_later_function(visit)) {
        return true;
    }
    return (visit->watchers & STUB_WATCH_FAULTS) != 0 && stub_fault_call(visit);
}

bool stub_visit_enter(stub_visit *visit) {
    stub_watch_start();
    visit->watchers = atomic_load_explicit(&stub_watchers, memory_order_relaxed);
    visit->outer = innermost;
    innermost = visit;
    if ((visit->watchers & STUB_WATCH_TRACE) != 0) {
        visit->began_ns = stub_now_ns();
    }
    if (is_refused(visit)) {
        stub_visit_leave(visit);
        return false;
    }
    if ((visit->watchers & STUB_WATCH_CHECKS) != 0) {
        stub_check_enter(visit);
    }
    return true;
}

void stub_visit_leave(stub_visit *visit) {
    if ((visit->watchers & STUB_WATCH_CHECKS) != 0) {
        stub_check_leave(visit);
    }
    if ((visit->watchers & STUB_WATCH_TRACE) != 0) {
        stub_trace_call(visit);
    }
    innermost = visit->outer;
}

/* ---- operators ---- */

/* Found by the name's address: operators live as long as the process. */
typedef struct operator_functions {
    struct operator_functions *next;
    const char *op;
    stub_function phases[2];
    char name[]; /* of phase one */
} operator_functions;

#define BUCKETS 512u
static _Atomic(operator_functions *) operators[BUCKETS]; /* no lock, which a forked child might find taken */

static operator_functions *new_operator(const char *op, int since) {
    static const char suffix[] = "GetWorkspaceSize";
    size_t length = strlen(op);
    operator_functions *made = calloc(1, sizeof *made + length + sizeof suffix);
    if (made != NULL) {
        made->op = op;
        memcpy(made->name, op, length);
        memcpy(made->name + length, suffix, sizeof suffix);
        made->phases[0] = (stub_function){.name = made->name, .family = STUB_FAMILY_ACLNN, .since = since};
        made->phases[1] = (stub_function){.name = op, .family = STUB_FAMILY_ACLNN, .since = since};
    }
    return made;
}

static operator_functions *find(operator_functions *from, const char *op) {
    while (from != NULL && from->op != op) {
        from = from->next;
    }
    return from;
}

/* NULL without memory. Another thread may be faster. */
static operator_functions *find_or_add(const char *op, int since) {
    _Atomic(operator_functions *) *bucket = &operators[((uintptr_t)op >> 4) % BUCKETS];
    operator_functions *newest = atomic_load_explicit(bucket, memory_order_acquire);
    operator_functions *found = find(newest, op);
    operator_functions *made = found == NULL ? new_operator(op, since) : NULL;
    while (found == NULL && made != NULL) {
        made->next = newest;
        if (atomic_compare_exchange_weak_explicit(bucket, &newest, made, memory_order_release, memory_order_acquire)) {
            return made;
        }
        found = find(newest, op);
    }
    free(made);
    return found;
}

const stub_function *stub_operator_function(const char *op, int phase, int since) {
    operator_functions *found = find_or_add(op, since);
    return found == NULL ? NULL : &found->phases[phase - 1];
}
