/* Faults, where they strike: at calls, at tasks, and at the size of device memory. */
#include "fault/fault.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "acl/acl_base.h"
#include "core/error.h"
#include "core/stream_state.h"
#include "fault/rule.h"

#define HANG_LOOK_NS 1000000 /* how soon a task that never ends finds that its stream was aborted */

static void die_if_asked(const fault_rule *rule) {
    if (rule->action == FAULT_DIES) {
        kill(getpid(), SIGKILL);
    }
}

static int explain(const fault_rule *rule, const char *name, int status) {
    return stub_fail(status, "%s was made to answer %d by the fault \"%s\".", name, status, rule->text);
}

static bool fail_call(stub_visit *visit, int device) {
    fault_rule *rule = fault_find(visit->function->name, device, false);
    if (rule == NULL) {
        return false;
    }
    die_if_asked(rule);
    const int status = explain(rule, visit->function->name, fault_call_status(rule, visit->function));
    visit->result = visit->function->returns == STUB_RETURNS_STATUS ? (uint64_t)status : 0;
    fault_release(rule);
    return true;
}

bool stub_fault_call(stub_visit *visit) {
    const int device = fault_device_of(visit);
    return fault_device_call(visit, device) ||
           (visit->function->returns != STUB_RETURNS_VALUE && fail_call(visit, device));
}

/* Until the stream is aborted or destroyed by force, the rule is removed, the device is lost or the process exits. */
static int hang(const fault_rule *rule, const char *name, int device) {
    static const struct timespec look = {0, HANG_LOOK_NS};
    int status = 0;
    while (status == 0 && !atomic_load(&rule->ended) && !stub_worker_interrupted()) {
        nanosleep(&look, NULL);
        status = fault_device_task(name, device);
    }
    return status;
}

int stub_fault_task(const char *name, int device) {
    int status = fault_device_task(name, device);
    fault_rule *rule = status == 0 ? fault_find(name, device, true) : NULL;
    if (rule != NULL) {
        die_if_asked(rule);
        status =
            rule->action == FAULT_HANGS ? hang(rule, name, device) : explain(rule, name, fault_task_status(rule, name));
        fault_release(rule);
    }
    return status;
}

static bool is_limit(const fault_rule *rule, int device) {
    return rule->kind == FAULT_OF_MEMORY && !rule->elsewhere && !atomic_load(&rule->ended) &&
           (rule->device == FAULT_ANY_DEVICE || rule->device == device);
}

uint64_t stub_fault_memory_size(int device, uint64_t bytes) {
    const fault_rules *rules = fault_enter();
    for (size_t i = 0; i < rules->count; i++) {
        const fault_rule *rule = rules->items[i];
        if (is_limit(rule, device) && rule->limit < bytes) {
            bytes = rule->limit;
        }
    }
    fault_leave();
    return bytes;
}

int stub_fault_memory(int device, uint64_t used, uint64_t wanted) {
    int status = 0;
    const fault_rules *rules = fault_enter();
    for (size_t i = 0; i < rules->count && status == 0; i++) {
        fault_rule *rule = rules->items[i];
        if (is_limit(rule, device) && (used > rule->limit || wanted > rule->limit - used)) {
            atomic_fetch_add(&rule->hits, 1);
            status = stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                               "Out of device memory on device %d: %" PRIu64 " bytes were asked for, %" PRIu64
                               " are in use, and the fault \"%s\" allows %" PRIu64 ".",
                               device, wanted, used, rule->text, rule->limit);
        }
    }
    fault_leave();
    return status;
}
