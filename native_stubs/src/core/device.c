/* The devices of the process: references to their primary contexts, limits, peer access. */
#include <pthread.h>
#include <stdatomic.h>

#include "acl/acl_base.h"
#include "core/context.h"
#include "core/context_state.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/settings.h"
#include "core/stream_state.h"

typedef struct {
    int references; /* under lock, like primary */
    stub_context *primary;
    atomic_int streams;
    atomic_int events;
    atomic_bool peers[STUB_MAX_DEVICES];
} device_state;

/* What the data sheets allow per device. */
static const struct {
    int streams, events;
} limits[] = {
    [STUB_PRODUCT_A2] = {1984, 65536},  [STUB_PRODUCT_A3] = {1984, 65536},  [STUB_PRODUCT_310P] = {1024, 1023},
    [STUB_PRODUCT_910] = {2048, 65535}, [STUB_PRODUCT_950] = {1984, 65536},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static device_state devices[STUB_MAX_DEVICES];

int stub_device_check(const char *function, int device) {
    int count = stub_get_settings()->visible_count;
    if (device >= 0 && device < count) {
        return 0;
    }
    if (count < 0) {
        return stub_fail(ACL_ERROR_RT_INVALID_DEVICEID,
                         "%s: device %d does not exist; no device is visible, because ASCEND_RT_VISIBLE_DEVICES is "
                         "malformed. It lists device ids in ascending order, none twice, separated by commas.",
                         function, device);
    }
    return stub_fail(ACL_ERROR_RT_INVALID_DEVICEID,
                     "%s: device %d does not exist; the visible devices are 0..%d (ASCEND_STUB_DEVICES sets how many "
                     "there are, ASCEND_RT_VISIBLE_DEVICES which ones are seen).",
                     function, device, count - 1);
}

static int make_primary(device_state *state, int device) {
    if (!stub_device_take_stream(device)) {
        return stub_fail(ACL_ERROR_RT_NO_STREAM_RESOURCE, "aclrtSetDevice: device %d has no stream left.", device);
    }
    state->primary = stub_context_new(device, true);
    if (state->primary == NULL) {
        stub_device_give_stream(device);
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtSetDevice: the host is out of memory.");
    }
    return 0;
}

int stub_device_set(int device) {
    int status = stub_refuse_forked_child("aclrtSetDevice");
    if (status == 0) {
        status = stub_device_check("aclrtSetDevice", device);
    }
    if (status != 0) {
        return status;
    }
    device_state *state = &devices[device];
    pthread_mutex_lock(&lock);
    status = state->primary == NULL ? make_primary(state, device) : 0;
    if (status == 0) {
        state->references++;
        stub_context_use(state->primary);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* Takes one reference (all: every reference) away; the primary context comes out when none is left. */
static bool drop_references(device_state *state, bool all, stub_context **orphan) {
    if (state->references == 0) {
        return false;
    }
    state->references = all ? 0 : state->references - 1;
    if (state->references == 0) {
        *orphan = state->primary;
        state->primary = NULL;
    }
    return true;
}

static stub_context *primary_of(device_state *state) {
    pthread_mutex_lock(&lock);
    stub_context *primary = state->primary;
    pthread_mutex_unlock(&lock);
    return primary;
}

int stub_device_reset(int device, bool force) {
    const char *function = force ? "aclrtResetDeviceForce" : "aclrtResetDevice";
    int status = stub_refuse_forked_child(function);
    if (status == 0) {
        status = stub_device_check(function, device);
    }
    if (status == 0) {
        status = stub_refuse_own_worker(function, primary_of(&devices[device]));
    }
    if (status != 0) {
        return status;
    }
    stub_context *orphan = NULL;
    pthread_mutex_lock(&lock);
    bool was_set = drop_references(&devices[device], force, &orphan);
    pthread_mutex_unlock(&lock);
    if (!was_set) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR,
                         "%s: device %d is not set, or was reset as often as it was set.", function, device);
    }
    if (orphan != NULL) {
        stub_context_tear_down(orphan, force);
    }
    return 0;
}

bool stub_device_is_active(int device) {
    return primary_of(&devices[device]) != NULL;
}

int stub_device_stream_limit(void) {
    return limits[stub_get_settings()->product].streams;
}

int stub_device_event_limit(void) {
    return limits[stub_get_settings()->product].events;
}

static bool take_place(atomic_int *used, int limit) {
    if (atomic_fetch_add(used, 1) < limit) {
        return true;
    }
    atomic_fetch_sub(used, 1);
    return false;
}

bool stub_device_take_stream(int device) {
    return take_place(&devices[device].streams, stub_device_stream_limit());
}

void stub_device_give_stream(int device) {
    atomic_fetch_sub(&devices[device].streams, 1);
}

bool stub_device_take_event(int device) {
    return take_place(&devices[device].events, stub_device_event_limit());
}

void stub_device_give_event(int device) {
    atomic_fetch_sub(&devices[device].events, 1);
}

int stub_device_free_streams(int device) {
    return stub_device_stream_limit() - atomic_load(&devices[device].streams);
}

int stub_device_free_events(int device) {
    return stub_device_event_limit() - atomic_load(&devices[device].events);
}

void stub_device_set_peer(int device, int peer, bool enabled) {
    atomic_store(&devices[device].peers[peer], enabled);
}

bool stub_device_has_peer(int device, int peer) {
    return atomic_load(&devices[device].peers[peer]);
}
