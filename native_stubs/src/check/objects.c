/* Objects that are made, used and destroyed: who uses what has ended is told so, with the places of its life. */
#include <inttypes.h>
#include <string.h>

#include "check/check.h"
#include "check/ledger.h"
#include "check/names.h"
#include "check/report.h"
#include "core/context.h"
#include "core/handle.h"
#include "core/memory.h"

/* The object whose destruction the calling thread is in the middle of: not dead to the call that destroys it. */
static _Thread_local uint64_t ending;

const char *stub_object_name(stub_object_kind kind) {
    static const char *const names[STUB_OBJECT_COUNT] = {
        [STUB_OBJECT_NONE] = "object",
        [STUB_OBJECT_CONTEXT] = "context",
        [STUB_OBJECT_STREAM] = "stream",
        [STUB_OBJECT_EVENT] = "event",
        [STUB_OBJECT_COMMUNICATOR] = "communicator",
        [STUB_OBJECT_TENSOR] = "aclTensor",
        [STUB_OBJECT_SCALAR] = "aclScalar",
        [STUB_OBJECT_INT_ARRAY] = "aclIntArray",
        [STUB_OBJECT_FLOAT_ARRAY] = "aclFloatArray",
        [STUB_OBJECT_BOOL_ARRAY] = "aclBoolArray",
        [STUB_OBJECT_TENSOR_LIST] = "aclTensorList",
        [STUB_OBJECT_SCALAR_LIST] = "aclScalarList",
        [STUB_OBJECT_EXECUTOR] = "aclOpExecutor",
        [STUB_OBJECT_DATA_BUFFER] = "aclDataBuffer",
        [STUB_OBJECT_DEVICE_MEMORY] = "device memory",
        [STUB_OBJECT_PINNED_MEMORY] = "pinned host memory",
        [STUB_OBJECT_REGISTERED_MEMORY] = "registered host memory",
    };
    return names[kind];
}

static stub_check check_of(stub_object_kind kind) {
    switch (kind) {
    case STUB_OBJECT_EXECUTOR:
        return STUB_CHECK_EXECUTORS;
    case STUB_OBJECT_DEVICE_MEMORY:
    case STUB_OBJECT_PINNED_MEMORY:
    case STUB_OBJECT_REGISTERED_MEMORY:
        return STUB_CHECK_MEMORY;
    default:
        return STUB_CHECK_HANDLES;
    }
}

/* The public function that the calling thread is in; `otherwise` outside of all. */
static const char *caller(const char *otherwise) {
    const stub_visit *visit = stub_visit_current();
    return visit == NULL ? otherwise : visit->function->name;
}

void stub_report_life(stub_report *report, const stub_facts *facts) {
    if (facts->ended_by != NULL) {
        stub_report_place(report, facts->ended, "it was ended by %s", facts->ended_by);
    }
    stub_report_place(report, facts->made, "it was made by %s", facts->made_by);
}

void stub_check_made(stub_object_kind kind, const void *handle, size_t size) {
    const stub_facts made = {.kind = kind,
                             .address = (uintptr_t)handle,
                             .size = size,
                             .made_by = caller("the stand-in"),
                             .made = stub_place_to_keep()};
    stub_ledger_add(&made);
}

/* ---- uses ---- */

/* Default contexts and streams are made by no call of their own, perhaps where another one was. */
static bool is_another(stub_object_kind kind, const void *handle) {
    return (kind == STUB_OBJECT_CONTEXT && stub_handle_is(handle, STUB_HANDLE_CONTEXT)) ||
           (kind == STUB_OBJECT_STREAM && stub_handle_is(handle, STUB_HANDLE_STREAM));
}

bool stub_check_used(stub_object_kind kind, const void *handle, const char *function, const char *param) {
    stub_facts facts;
    if (!stub_ledger_find(kind, handle, &facts) || facts.ended_by == NULL || is_another(kind, handle)) {
        return true;
    }
    const char *user = caller(function);
    const stub_place *here = stub_place_here();
    stub_report *report = stub_report_begin(check_of(kind), "%s uses a dead %s: %s ended it before", user,
                                            stub_object_name(kind), facts.ended_by);
    stub_report_line(report, "argument %s is %p", param, handle);
    stub_report_place(report, here, "used by %s", user);
    stub_report_life(report, &facts);
    stub_report_end(report);
    return false;
}

bool stub_check_is_dead(stub_object_kind kind, const void *handle) {
    stub_facts facts;
    return !stub_is_forked_child() && stub_ledger_find(kind, handle, &facts) && facts.ended_by != NULL &&
           facts.generation != ending;
}

uint64_t stub_check_generation(stub_object_kind kind, const void *handle) {
    stub_facts facts;
    return stub_ledger_find(kind, handle, &facts) ? facts.generation : 0;
}

/* ---- ends ---- */

static void report_run_again(const stub_facts *facts, const char *function, const stub_place *here) {
    const bool destroys = strcmp(function, "aclDestroyAclOpExecutor") == 0;
    const bool destroyed = strcmp(facts->ended_by, "aclDestroyAclOpExecutor") == 0;
    stub_report *report =
        stub_report_begin(STUB_CHECK_EXECUTORS, "%s %s an executor that %s", function, destroys ? "destroys" : "runs",
                          destroyed ? "was destroyed before" : "phase two has consumed before");
    stub_report_line(report, "an executor serves one phase two, unless aclSetAclOpExecutorRepeatable is called first");
    stub_report_place(report, here, "%s again by %s", destroys ? "ended" : "run", function);
    stub_report_place(report, facts->ended, "%s by %s", destroyed ? "destroyed" : "first run", facts->ended_by);
    stub_report_place(report, facts->made, "made by %s", facts->made_by);
    stub_report_end(report);
}

static void report_twice(const stub_facts *facts, const char *function, const stub_place *here) {
    const stub_check check = check_of(facts->kind);
    stub_report *report = stub_report_begin(
        check, "%s %s %s that %s %s before", function, check == STUB_CHECK_MEMORY ? "frees" : "destroys",
        stub_object_name(facts->kind), facts->ended_by, check == STUB_CHECK_MEMORY ? "freed" : "destroyed");
    if (check == STUB_CHECK_MEMORY) {
        stub_report_line(report, "the %zu bytes at 0x%" PRIxPTR, facts->size, facts->address);
    } else {
        stub_report_line(report, "handle 0x%" PRIxPTR, facts->address);
    }
    stub_report_place(report, here, "ended again by %s", function);
    stub_report_life(report, facts);
    stub_report_end(report);
}

bool stub_check_destroyed(stub_object_kind kind, const void *handle, const char *function) {
    if (stub_is_forked_child()) {
        return true;
    }
    const char *by = caller(function);
    const stub_place *here = stub_place_to_keep();
    stub_facts facts = {0};
    const stub_ending end = stub_ledger_end(kind, handle, by, here, &facts);
    ending = end == STUB_ENDED_NOW ? facts.generation : 0;
    if (end == STUB_ENDED_BEFORE) {
        (kind == STUB_OBJECT_EXECUTOR ? report_run_again : report_twice)(&facts, by, here);
    }
    return end != STUB_ENDED_BEFORE;
}

uint64_t stub_check_take_ending(void) {
    const uint64_t taken = ending;
    ending = 0;
    return taken;
}

/* ---- memory ---- */

bool stub_check_find_memory(uintptr_t address, stub_check_memory *memory) {
    stub_facts facts;
    stub_allocation unseen;
    if (!stub_ledger_find_memory(address, &facts)) {
        return false;
    }
    /* Given to somebody whose call has not returned yet. */
    if (facts.ended_by != NULL && stub_find_allocation((const void *)address, &unseen)) {
        return false;
    }
    *memory = (stub_check_memory){.kind = facts.kind,
                                  .address = facts.address,
                                  .size = facts.size,
                                  .generation = facts.generation,
                                  .made = facts.made,
                                  .freed = facts.ended,
                                  .made_by = facts.made_by,
                                  .freed_by = facts.ended_by};
    return true;
}

/* Whether the function that frees this kind would take the address. */
static bool is_freeable(stub_object_kind kind, void *address) {
    stub_allocation found;
    if (kind == STUB_OBJECT_DEVICE_MEMORY) {
        return stub_find_allocation(address, &found) && found.address == (uintptr_t)address;
    }
    return stub_is_pinned(address, 1) || stub_host_mapped_bytes_from(address) != 0;
}

static void report_wrong_free(stub_object_kind kind, const void *address, const char *function) {
    const stub_place *here = stub_place_here();
    stub_check_memory memory;
    const bool inside = stub_check_find_memory((uintptr_t)address, &memory) && memory.freed_by == NULL;
    stub_report *report =
        stub_report_begin(STUB_CHECK_MEMORY, "%s is given %s", function,
                          inside ? "an address inside of memory, not its start" : "an address that is none of its own");
    if (inside) {
        stub_report_line(report, "%p is byte %" PRIuPTR " of the %zu bytes at 0x%" PRIxPTR, address,
                         (uintptr_t)address - memory.address, memory.size, memory.address);
    } else {
        stub_report_line(report, "%p is no %s", address, stub_object_name(kind));
    }
    stub_report_place(report, here, "given to %s", function);
    if (inside) {
        stub_report_place(report, memory.made, "made by %s", memory.made_by);
    }
    stub_report_end(report);
}

void stub_check_freeing(stub_object_kind kind, void *address, const char *function) {
    if (stub_is_forked_child()) {
        return; /* refuses all calls, and the heap's lock may be taken for ever */
    }
    stub_facts facts;
    const bool known = stub_ledger_find(kind, address, &facts);
    if (known && (facts.ended_by == NULL || !is_freeable(kind, address))) {
        if (facts.ended_by == NULL) {
            stub_check_freed(address);
        }
        stub_check_destroyed(kind, address, function);
    } else if (!known && !is_freeable(kind, address)) {
        report_wrong_free(kind, address, function);
    }
    ending = 0;
}
