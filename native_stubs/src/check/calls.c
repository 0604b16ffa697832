/* What a watched call means for objects: the parameters' kinds say which handles it uses, its name what it makes and
 * ends. */
#include "check/calls.h"

#include <string.h>

#include "acl/acl_base.h"
#include "check/check.h"
#include "check/ledger.h"
#include "check/names.h"
#include "check/report.h"
#include "check/settings.h"
#include "core/context.h"
#include "core/handle.h"
#include "core/lifecycle.h"

/* Of the calling thread's innermost call. */
static _Thread_local struct {
    const stub_visit *visit;
    uint64_t ending; /* what it means to destroy */
    bool met_no_context, had_context;
} call;

static bool is_descriptor(stub_object_kind kind) {
    return kind >= STUB_OBJECT_TENSOR && kind <= STUB_OBJECT_SCALAR_LIST;
}

/* Calls that end the handle which is their first argument. Descriptors are ended in nnopbase, one by one. */
static bool ends_first(const stub_function *function) {
    const bool handle = function->count > 0 && function->params[0].object != STUB_OBJECT_NONE;
    return handle && !function->params[0].out && strstr(function->name, "Destroy") != NULL;
}

static bool has_failed(const stub_visit *visit) {
    return visit->function->returns == STUB_RETURNS_STATUS && visit->result != 0;
}

/* ---- before ---- */

static void end_first(const stub_visit *visit) {
    const stub_object_kind kind = visit->function->params[0].object;
    const void *handle = (const void *)(uintptr_t)visit->args[0];
    if (handle != NULL && !is_descriptor(kind)) {
        stub_check_destroyed(kind, handle, visit->function->name);
        call.ending = stub_check_take_ending();
    }
}

static void use_handles(const stub_visit *visit, uint32_t first) {
    const stub_function *function = visit->function;
    for (uint32_t i = first; i < function->count; i++) {
        const stub_function_param *param = &function->params[i];
        if (param->object != STUB_OBJECT_NONE && !param->out && visit->args[i] != 0) {
            stub_check_used(param->object, (const void *)(uintptr_t)visit->args[i], function->name, param->name);
        }
    }
}

/* aclCreateTensorList and aclCreateScalarList: an array of handles and its length. */
static void use_elements(const stub_visit *visit) {
    const stub_object_kind made = visit->function->made;
    const void *const *items = (const void *const *)(uintptr_t)visit->args[0];
    const stub_object_kind kind = made == STUB_OBJECT_TENSOR_LIST ? STUB_OBJECT_TENSOR : STUB_OBJECT_SCALAR;
    for (uint64_t i = 0; items != NULL && i < visit->args[1]; i++) {
        stub_check_used(kind, items[i], visit->function->name, "value");
    }
}

void stub_objects_enter(stub_visit *visit) {
    const stub_function *function = visit->function;
    call.visit = visit;
    call.ending = 0;
    call.met_no_context = false;
    const bool ends = ends_first(function);
    if (ends) {
        end_first(visit);
    }
    use_handles(visit, ends ? 1 : 0);
    if (function->made == STUB_OBJECT_TENSOR_LIST || function->made == STUB_OBJECT_SCALAR_LIST) {
        use_elements(visit);
    }
}

/* ---- afterwards ---- */

typedef struct {
    const char *function;
    stub_object_kind kind;
    bool given; /* the first argument is the memory, not where its address is written */
} maker;

/* Address first, size second. */
static const maker *memory_maker(const char *name) {
    static const maker makers[] = {
        {"aclrtMalloc", STUB_OBJECT_DEVICE_MEMORY, false},
        {"aclrtMallocAlign32", STUB_OBJECT_DEVICE_MEMORY, false},
        {"aclrtMallocCached", STUB_OBJECT_DEVICE_MEMORY, false},
        {"aclrtMallocWithCfg", STUB_OBJECT_DEVICE_MEMORY, false},
        {"aclrtMallocForTaskScheduler", STUB_OBJECT_DEVICE_MEMORY, false},
        {"aclrtMallocHost", STUB_OBJECT_PINNED_MEMORY, false},
        {"aclrtMallocHostWithCfg", STUB_OBJECT_PINNED_MEMORY, false},
        {"aclrtHostRegister", STUB_OBJECT_REGISTERED_MEMORY, true},
        {"aclrtHostRegisterV2", STUB_OBJECT_REGISTERED_MEMORY, true},
    };
    if (strncmp(name, "aclrtMalloc", 11) != 0 && strncmp(name, "aclrtHostRegister", 17) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (strcmp(makers[i].function, name) == 0) {
            return &makers[i];
        }
    }
    return NULL;
}

static void *read_handle(uint64_t address) {
    return *(void **)(uintptr_t)address;
}

static bool makes_handles(const char *name) {
    return strstr(name, "Create") != NULL || strstr(name, "CommInit") != NULL;
}

/* The last one that is written: HcclCreateSubCommConfig only reads its first. */
static const stub_function_param *written_handle(const stub_function *function) {
    const stub_function_param *found = NULL;
    for (uint32_t i = 0; i < function->count; i++) {
        if (function->params[i].object != STUB_OBJECT_NONE && function->params[i].out) {
            found = &function->params[i];
        }
    }
    return found;
}

static void make_written(const stub_visit *visit) {
    const stub_function *function = visit->function;
    const stub_function_param *param = written_handle(function);
    if (param == NULL || !makes_handles(function->name)) {
        return;
    }
    void *const *handles = (void *const *)(uintptr_t)visit->args[param - function->params];
    const uint64_t count = strcmp(function->name, "HcclCommInitAll") == 0 ? visit->args[0] : 1;
    for (uint64_t i = 0; i < count; i++) {
        stub_check_made(param->object, handles[i], 0);
    }
}

static void make_memory(const stub_visit *visit) {
    const maker *found = memory_maker(visit->function->name);
    if (found != NULL) {
        const void *address = found->given ? (const void *)(uintptr_t)visit->args[0] : read_handle(visit->args[0]);
        stub_check_made(found->kind, address, (size_t)visit->args[1]);
    }
}

static bool context_lives(const void *handle) {
    return stub_handle_is(handle, STUB_HANDLE_CONTEXT);
}

static bool stream_lives(const void *handle) {
    return stub_handle_is(handle, STUB_HANDLE_STREAM);
}

/* Streams end with their context, and that with its device. */
static void end_with_context(const stub_visit *visit) {
    const char *name = visit->function->name;
    if (strncmp(name, "aclrtResetDevice", 16) == 0 || strcmp(name, "aclrtDestroyContext") == 0) {
        const stub_place *here = stub_place_to_keep();
        stub_ledger_sweep(STUB_OBJECT_STREAM, stream_lives, name, here);
        stub_ledger_sweep(STUB_OBJECT_CONTEXT, context_lives, name, here);
    }
}

static void finish(const stub_visit *visit) {
    const char *name = visit->function->name;
    if (strncmp(name, "aclFinalize", 11) == 0 && strstr(name, "Callback") == NULL && stub_is_finalised()) {
        stub_check_end_of_process(name);
    } else if (strcmp(name, "aclSetAclOpExecutorRepeatable") == 0) {
        stub_ledger_set_repeatable((const void *)(uintptr_t)visit->args[0]);
    }
}

/* To ask for the context is a way to find out whether there is one. */
static bool asks_for_context(const char *name) {
    return strcmp(name, "aclrtGetDevice") == 0 || strcmp(name, "aclrtGetCurrentContext") == 0;
}

static void report_no_context(const stub_visit *visit) {
    const stub_place *here = stub_place_here();
    const char *name = visit->function->name;
    stub_report *report = stub_report_begin(STUB_CHECK_CONTEXT, "%s is called by a thread %s", name,
                                            call.had_context ? "whose context was destroyed" : "without a context");
    stub_report_line(report, "every thread calls aclrtSetDevice or aclrtSetCurrentContext before it uses the device");
    stub_report_place(report, here, "called");
    stub_report_end(report);
}

void stub_check_no_context(bool had_one) {
    call.met_no_context = true;
    call.had_context = had_one;
}

static void look_at_failure(const stub_visit *visit) {
    if (call.visit != visit) {
        return;
    }
    if (call.ending != 0) {
        stub_ledger_revive(visit->function->params[0].object, (const void *)(uintptr_t)visit->args[0], call.ending);
    }
    if (call.met_no_context && !asks_for_context(visit->function->name)) {
        report_no_context(visit);
    }
}

void stub_objects_leave(stub_visit *visit) {
    const stub_function *function = visit->function;
    if (has_failed(visit)) {
        look_at_failure(visit);
    } else if (function->returns == STUB_RETURNS_STATUS) {
        make_written(visit);
        make_memory(visit);
        end_with_context(visit);
        finish(visit);
    } else if (function->made != STUB_OBJECT_NONE && visit->result != 0) {
        stub_check_made(function->made, (const void *)(uintptr_t)visit->result, 0);
    }
    if (call.visit == visit) {
        call.visit = NULL;
    }
    stub_check_take_ending();
}
