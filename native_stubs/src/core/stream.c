/* Making, finding and describing streams. Queueing, waiting and ending have files of their own; the worker's side is in
 * worker.c. */
#include "core/stream.h"

#include "acl/acl_base.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/release.h"
#include "core/stream_state.h"

static void link_stream(stub_context *context, stub_stream *stream) {
    stream->next = context->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    context->streams = stream;
}

int stub_stream_new(stub_context *context, bool is_default, stub_stream **stream) {
    if (atomic_load(&context->closing)) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_NULL, "the current context is being destroyed by another thread.");
    }
    stub_stream *made = stub_handle_new(STUB_HANDLE_STREAM, sizeof *made);
    if (made == NULL) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "no stream: the host is out of memory.");
    }
    made->context = context;
    made->device = context->device;
    made->is_default = is_default;
    pthread_mutex_init(&made->lock, NULL);
    stub_condition_init(&made->work);
    stub_condition_init(&made->progress);
    stub_condition_init(&made->seat.turn);
    atomic_init(&made->wake_at, UINT64_MAX);
    atomic_init(&made->properties[STUB_STREAM_FAILURE_MODE], atomic_load(&context->stop_on_failure));
    atomic_init(&made->properties[STUB_STREAM_OVERFLOW_SWITCH], 0);
    link_stream(context, made);
    *stream = made;
    return 0;
}

int stub_stream_create(uint32_t priority, uint32_t flags, stub_stream **stream) {
    stub_context *context;
    int status = stub_context_current(&context);
    if (status != 0) {
        return status;
    }
    if (!stub_device_take_stream(context->device)) {
        return stub_fail(ACL_ERROR_RT_NO_STREAM_RESOURCE,
                         "device %d has all of its %d streams in use. Destroy streams that are no longer needed.",
                         context->device, stub_device_stream_limit());
    }
    pthread_mutex_lock(&context->lock);
    status = stub_stream_new(context, false, stream);
    pthread_mutex_unlock(&context->lock);
    if (status != 0) {
        stub_device_give_stream(context->device);
        return status;
    }
    stub_stream_set(*stream, STUB_STREAM_PRIORITY, priority);
    stub_stream_set(*stream, STUB_STREAM_FLAGS, flags);
    return 0;
}

static bool is_live(const void *handle) {
    return stub_handle_is(handle, STUB_HANDLE_STREAM) &&
           atomic_load(&((const stub_stream *)handle)->phase) == STREAM_OPEN;
}

/* Before CANN 9.1 a destroyed stream is not recognised, and what is asked of it mostly happens all the same: here on
 * the default stream, which is always there. */
static bool goes_on(const void *handle) {
    return !stub_release_checks_handles() && stub_handle_was(handle, STUB_HANDLE_STREAM);
}

/* In a thread whose current context is that one. */
static int resolve(void *handle, const char *function, stub_context *context, stub_stream **stream) {
    if (handle != NULL && is_live(handle)) {
        *stream = handle;
        return 0;
    }
    if (handle == NULL || goes_on(handle)) {
        return stub_context_default_stream(context, stream);
    }
    return stub_fail(ACL_ERROR_RT_INVALID_HANDLE, "%s: stream %p does not exist or was destroyed.", function, handle);
}

int stub_stream_resolve_any(void *handle, const char *function, stub_stream **stream) {
    stub_context *context;
    int status = stub_context_current(&context);
    return status != 0 ? status : resolve(handle, function, context, stream);
}

int stub_stream_resolve(void *handle, const char *function, stub_stream **stream) {
    stub_context *context;
    int status = stub_context_current(&context);
    if (status == 0) {
        status = resolve(handle, function, context, stream);
    }
    if (status == 0 && (*stream)->context != context) {
        return stub_fail(ACL_ERROR_RT_STREAM_CONTEXT,
                         "%s: stream %u belongs to another context (device %d) than the thread's current one (device "
                         "%d). Call aclrtSetCurrentContext or aclrtSetDevice first.",
                         function, (*stream)->handle.id, (*stream)->device, context->device);
    }
    return status;
}

uint32_t stub_stream_id(const stub_stream *stream) {
    return stream->handle.id;
}

uint32_t stub_stream_get(stub_stream *stream, stub_stream_property property) {
    return atomic_load(&stream->properties[property]);
}

void stub_stream_set(stub_stream *stream, stub_stream_property property, uint32_t value) {
    atomic_store(&stream->properties[property], value);
}
