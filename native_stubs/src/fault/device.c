/* Lost devices. One is lost from a call on, stays lost for its tasks and for the calls that need it, and is back when
 * it was reset and is set again, as the runtime keeps the loss with the device object that a reset destroys. */
#include <string.h>

#include "acl/acl_base.h"
#include "core/context.h"
#include "core/error.h"
#include "core/stream_state.h"
#include "fault/rule.h"

#define DEVICE_NOT_OPENED 507033 /* what aclrtSetDevice answers where the device does not */

int fault_device_of(const stub_visit *visit) {
    for (uint32_t i = 0; i < visit->function->count; i++) {
        const stub_function_param *param = &visit->function->params[i];
        const stub_stream *stream = (const stub_stream *)(uintptr_t)visit->args[i];
        if (strcmp(param->name, "deviceId") == 0) {
            return (int)visit->args[i];
        }
        if (param->object == STUB_OBJECT_STREAM && !param->out && stub_handle_is(stream, STUB_HANDLE_STREAM)) {
            return stream->device;
        }
    }
    return stub_context_device_of_thread();
}

static bool is_for(const fault_rule *rule, int device) {
    return rule->kind == FAULT_OF_DEVICE && rule->device == device && !rule->elsewhere && !atomic_load(&rule->ended);
}

/* Whether the device is lost at this call, which needs it. */
static bool is_lost_at_call(fault_rule *rule) {
    fault_device_state present = DEVICE_PRESENT;
    if (atomic_load(&rule->state) == DEVICE_PRESENT && fault_strikes(rule)) {
        atomic_compare_exchange_strong(&rule->state, &present, DEVICE_LOST);
    }
    return atomic_load(&rule->state) == DEVICE_LOST;
}

static bool sets_anew(const stub_visit *visit, int device) {
    return strncmp(visit->function->name, "aclrtSetDevice", strlen("aclrtSetDevice")) == 0 && device >= 0 &&
           !stub_device_is_active(device);
}

static int fail(fault_rule *rule, const char *name, int status) {
    atomic_fetch_add(&rule->hits, 1);
    return stub_fail(status, "%s: device %d is lost, as the fault \"%s\" asks for. It is back when it was reset%s.",
                     name, rule->device, rule->text,
                     rule->forever ? " and the fault was removed" : " and is set again");
}

static bool refuse(fault_rule *rule, stub_visit *visit, int status, int text_status) {
    fail(rule, visit->function->name, text_status);
    visit->result = visit->function->returns == STUB_RETURNS_STATUS ? (uint64_t)status : 0;
    return true;
}

static bool call(fault_rule *rule, stub_visit *visit) {
    const int status = fault_lost_status(visit->function);
    if (status == 0 || visit->function->returns == STUB_RETURNS_VALUE || !is_lost_at_call(rule)) {
        return false;
    }
    const int lost = rule->status != 0 ? rule->status : ACL_ERROR_RT_LOST_HEARTBEAT;
    if (!sets_anew(visit, rule->device)) {
        return refuse(rule, visit, visit->function->family == STUB_FAMILY_ACL ? lost : status, lost);
    }
    if (rule->forever) {
        return refuse(rule, visit, DEVICE_NOT_OPENED, DEVICE_NOT_OPENED);
    }
    atomic_store(&rule->state, DEVICE_BACK);
    return false;
}

bool fault_device_call(stub_visit *visit, int device) {
    bool refused = false;
    const fault_rules *rules = fault_enter();
    for (size_t i = 0; i < rules->count && !refused; i++) {
        refused = is_for(rules->items[i], device) && call(rules->items[i], visit);
    }
    fault_leave();
    return refused;
}

int fault_device_task(const char *name, int device) {
    int status = 0;
    const fault_rules *rules = fault_enter();
    for (size_t i = 0; i < rules->count && status == 0; i++) {
        fault_rule *rule = rules->items[i];
        if (is_for(rule, device) && atomic_load(&rule->state) == DEVICE_LOST) {
            status = fail(rule, name, rule->status != 0 ? rule->status : ACL_ERROR_RT_LOST_HEARTBEAT);
        }
    }
    fault_leave();
    return status;
}
