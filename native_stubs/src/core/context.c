/* Contexts and the current context of each thread. */
#include "core/context.h"

#include "acl/acl_base.h"
#include "check/check.h"
#include "core/clock.h"
#include "core/context_state.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/release.h"
#include "core/stream_state.h"

/* A context's id is never used twice, so the pair tells a live context from a later one at the same address. */
static _Thread_local struct {
    stub_context *context;
    uint32_t id;
} current;

void stub_context_use(stub_context *context) {
    current.context = context;
    current.id = context == NULL ? 0 : context->handle.id;
}

static bool current_is_alive(void) {
    return stub_handle_is_still(&current.context->handle, STUB_HANDLE_CONTEXT) &&
           current.context->handle.id == current.id;
}

static int no_context(void) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_no_context(current.context != NULL);
    }
    if (current.context == NULL) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_NULL,
                         "this thread has no current context. Every thread needs its own aclrtSetDevice or "
                         "aclrtSetCurrentContext before it uses the device.");
    }
    return stub_fail(ACL_ERROR_RT_CONTEXT_NULL,
                     "the context of this thread was destroyed (aclrtResetDevice or aclrtDestroyContext, perhaps in "
                     "another thread). Call aclrtSetDevice or aclrtSetCurrentContext again.");
}

int stub_context_current(stub_context **context) {
    int status = stub_refuse_forked_child("device call");
    if (status != 0) {
        return status;
    }
    if (current.context == NULL || !current_is_alive()) {
        return no_context();
    }
    *context = current.context;
    return 0;
}

int stub_context_device(const stub_context *context) {
    return context->device;
}

int stub_context_device_of_thread(void) {
    return current.context != NULL && current_is_alive() ? current.context->device : -1;
}

stub_context *stub_context_new(int device, bool primary) {
    stub_context *context = stub_handle_new(STUB_HANDLE_CONTEXT, sizeof *context);
    if (context != NULL) {
        context->device = device;
        context->primary = primary;
        pthread_mutex_init(&context->lock, NULL);
    }
    return context;
}

/* A context owns one default stream; its place is taken when the context is made, the stream itself on first use. */
static int take_default_stream_place(int device) {
    if (stub_device_take_stream(device)) {
        return 0;
    }
    return stub_fail(ACL_ERROR_RT_NO_STREAM_RESOURCE,
                     "device %d has no stream left for the context's default stream; %d exist. Destroy streams first.",
                     device, stub_device_stream_limit());
}

int stub_context_create(int device, stub_context **context) {
    int status = stub_refuse_forked_child("aclrtCreateContext");
    if (status == 0) {
        status = stub_device_check("aclrtCreateContext", device);
    }
    if (status == 0) {
        status = take_default_stream_place(device);
    }
    if (status != 0) {
        return status;
    }
    stub_context *made = stub_context_new(device, false);
    if (made == NULL) {
        stub_device_give_stream(device);
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "aclrtCreateContext: the host is out of memory.");
    }
    stub_context_use(made);
    *context = made;
    return 0;
}

static stub_stream *first_stream(stub_context *context) {
    pthread_mutex_lock(&context->lock);
    stub_stream *stream = context->streams;
    pthread_mutex_unlock(&context->lock);
    return stream;
}

void stub_context_tear_down(stub_context *context, bool force) {
    pthread_mutex_lock(&context->lock);
    atomic_store(&context->closing, true);
    pthread_mutex_unlock(&context->lock);
    for (stub_stream *stream = first_stream(context); stream != NULL; stream = first_stream(context)) {
        stub_stream_close(stream, force);
    }
    stub_device_give_stream(context->device); /* the default stream's place */
    pthread_mutex_destroy(&context->lock);
    stub_handle_release(context, STUB_HANDLE_CONTEXT);
}

int stub_context_destroy(void *handle) {
    int status = stub_refuse_forked_child("aclrtDestroyContext");
    if (status != 0) {
        return status;
    }
    stub_context *context = handle;
    if (!stub_handle_is(context, STUB_HANDLE_CONTEXT)) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_NULL, "aclrtDestroyContext: context %p does not exist or was destroyed.",
                         handle);
    }
    if (context->primary) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_NULL,
                         "aclrtDestroyContext: context %p is the primary context of device %d, which only "
                         "aclrtResetDevice destroys.",
                         handle, context->device);
    }
    status = stub_refuse_own_worker("aclrtDestroyContext", context);
    if (status != 0) {
        return status;
    }
    if (atomic_exchange(&context->closing, true)) {
        return stub_fail(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR,
                         "aclrtDestroyContext: another thread is destroying context %p.", handle);
    }
    if (current.context == context) {
        stub_context_use(NULL);
    }
    stub_context_tear_down(context, false);
    return 0;
}

int stub_context_set_current(void *handle) {
    int status = stub_refuse_forked_child("aclrtSetCurrentContext");
    if (status != 0) {
        return status;
    }
    /* A destroyed context passes before CANN 9.1, and what is asked of it then fails: it is nobody's current one. */
    const bool passes = !stub_release_checks_handles() && stub_handle_was(handle, STUB_HANDLE_CONTEXT);
    if (!passes && !stub_handle_is(handle, STUB_HANDLE_CONTEXT)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "aclrtSetCurrentContext: context %p does not exist or was destroyed.", handle);
    }
    stub_context_use(handle);
    return 0;
}

int stub_context_default_stream(stub_context *context, stub_stream **stream) {
    *stream = atomic_load_explicit(&context->default_stream, memory_order_acquire);
    if (*stream != NULL) {
        return 0;
    }
    pthread_mutex_lock(&context->lock);
    *stream = atomic_load_explicit(&context->default_stream, memory_order_relaxed);
    int status = 0;
    if (*stream == NULL) {
        status = stub_stream_new(context, true, stream);
        if (status == 0) {
            atomic_store_explicit(&context->default_stream, *stream, memory_order_release);
        }
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

void stub_context_set_option(stub_context *context, int option, int64_t value) {
    atomic_store(&context->options[option], value);
    atomic_store(&context->option_is_set[option], true);
}

bool stub_context_get_option(stub_context *context, int option, int64_t *value) {
    *value = atomic_load(&context->options[option]);
    return atomic_load(&context->option_is_set[option]);
}
