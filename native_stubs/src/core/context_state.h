/* The inside of a context, for the files of this room only. */
#ifndef ASCEND_STUB_CORE_CONTEXT_STATE_H
#define ASCEND_STUB_CORE_CONTEXT_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/context.h"
#include "core/handle.h"

struct stub_context {
    stub_handle handle;
    int device;
    bool primary;
    atomic_bool closing; /* being destroyed: no new streams */
    pthread_mutex_t lock;
    stub_stream *streams; /* under lock; the default stream is one of them */
    _Atomic(stub_stream *) default_stream;
    atomic_bool stop_on_failure;
    atomic_int failure; /* the status that stopped the context */
    _Atomic(int64_t) options[STUB_CONTEXT_OPTIONS];
    atomic_bool option_is_set[STUB_CONTEXT_OPTIONS];
};

stub_context *stub_context_new(int device, bool primary);

/* Destroys a context that nobody can find any more (or that is marked closing). */
void stub_context_tear_down(stub_context *context, bool force);

/* Makes a context (NULL: none) current for the calling thread. */
void stub_context_use(stub_context *context);

/* Room for one more stream or event on a device: false (and nothing taken) when there is none. */
bool stub_device_take_stream(int device);
void stub_device_give_stream(int device);
bool stub_device_take_event(int device);
void stub_device_give_event(int device);
int stub_device_stream_limit(void);
int stub_device_event_limit(void);

#endif
