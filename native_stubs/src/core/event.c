/* Creating and destroying events. */
#include "core/event.h"

#include <stdlib.h>

#include "acl/acl_rt.h"
#include "core/context_state.h"
#include "core/error.h"
#include "core/event_state.h"
#include "core/fork.h"
#include "core/release.h"

#define COMBINABLE (ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE)

static bool flags_are_valid(stub_event_style style, uint32_t flags) {
    bool combined = flags != 0 && (flags & ~COMBINABLE) == 0;
    bool later = stub_release() >= 805; /* CANN 8.1 has neither DEVICE_USE_ONLY nor IPC */
    switch (style) {
    case STUB_EVENT_FLAGGED:
        return combined || flags == ACL_EVENT_EXTERNAL || (later && flags == ACL_EVENT_DEVICE_USE_ONLY);
    case STUB_EVENT_EXTENDED:
        return combined || (later && flags == ACL_EVENT_IPC);
    default:
        return true;
    }
}

static int refuse_flags(stub_event_style style, uint32_t flags) {
    bool extended = style == STUB_EVENT_EXTENDED;
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "%s: flag 0x%x is not valid; allowed are any combination of ACL_EVENT_SYNC (1), "
                     "ACL_EVENT_CAPTURE_STREAM_PROGRESS (2) and ACL_EVENT_TIME_LINE (8), or (some since CANN 8.5) %s "
                     "alone.",
                     extended ? "aclrtCreateEventExWithFlag" : "aclrtCreateEventWithFlag", flags,
                     extended ? "ACL_EVENT_IPC (0x40)"
                              : "ACL_EVENT_DEVICE_USE_ONLY (0x10) or ACL_EVENT_EXTERNAL (0x20)");
}

int stub_event_out_of_memory(const char *function) {
    return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "%s: the host is out of memory.", function);
}

/* Only these hold one of the device's events from creation to destruction. */
static bool holds_device_event(stub_event_style style, uint32_t flags) {
    return style == STUB_EVENT_FLAGGED && (flags & (ACL_EVENT_SYNC | ACL_EVENT_EXTERNAL)) != 0;
}

stub_event *stub_event_new(int device, stub_event_style style, uint32_t flags) {
    stub_wait_count *waits = calloc(1, sizeof *waits);
    stub_event *event = waits == NULL ? NULL : stub_handle_new(STUB_HANDLE_EVENT, sizeof *event);
    if (event == NULL) {
        free(waits);
        return NULL;
    }
    atomic_init(&waits->references, 1);
    event->device = device;
    event->style = style;
    event->flags = flags;
    event->counted = holds_device_event(style, flags);
    event->waits = waits;
    pthread_mutex_init(&event->lock, NULL);
    return event;
}

int stub_event_create(stub_event_style style, uint32_t flags, stub_event **event) {
    stub_context *context;
    if (!flags_are_valid(style, flags)) {
        return refuse_flags(style, flags);
    }
    int status = stub_context_current(&context);
    if (status != 0) {
        return status;
    }
    int device = stub_context_device(context);
    bool counted = holds_device_event(style, flags);
    if (counted && !stub_device_take_event(device)) {
        return stub_fail(ACL_ERROR_RT_NO_EVENT_RESOURCE,
                         "device %d has all of its %d events in use. Destroy events that are no longer needed.", device,
                         stub_device_event_limit());
    }
    *event = stub_event_new(device, style, flags);
    if (*event == NULL) {
        if (counted) {
            stub_device_give_event(device);
        }
        return stub_event_out_of_memory("creating an event");
    }
    return 0;
}

int stub_event_resolve(void *handle, const char *function, stub_event **event) {
    int status = stub_refuse_forked_child(function);
    if (status != 0) {
        return status;
    }
    *event = stub_handle_is(handle, STUB_HANDLE_EVENT) ? handle : stub_event_in_place_of(handle);
    if (*event == NULL) {
        return stub_fail(ACL_ERROR_RT_INVALID_HANDLE, "%s: event %p does not exist or was destroyed.", function,
                         handle);
    }
    return 0;
}

void stub_wait_count_release(stub_wait_count *waits) {
    if (atomic_fetch_sub_explicit(&waits->references, 1, memory_order_acq_rel) == 1) {
        free(waits);
    }
}

/* A wait for a record that will never be asked for any more would last for ever. */
static void abandon_gate(stub_record *gate) {
    if (gate != NULL && !gate->claimed) {
        stub_record_drop(gate, ACL_ERROR_RT_INTERNAL_ERROR);
    }
    stub_record_release(gate);
}

void stub_event_destroy(stub_event *event) {
    if (stub_event_is_nobodys(event)) {
        return;
    }
    abandon_gate(event->gate);
    stub_record_release(event->latest);
    stub_wait_count_release(event->waits);
    if (event->counted) {
        stub_device_give_event(event->device);
    }
    pthread_mutex_destroy(&event->lock);
    stub_handle_release(event, STUB_HANDLE_EVENT);
}
