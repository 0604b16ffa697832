/* Devices, contexts and the current context of each thread. */
#ifndef ASCEND_STUB_CORE_CONTEXT_H
#define ASCEND_STUB_CORE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/export.h"

typedef struct stub_context stub_context;
typedef struct stub_stream stub_stream;

/* The calling thread's context, or ACL_ERROR_RT_CONTEXT_NULL (107002) with a text when it has none (or the one it had
 * was torn down by another thread's aclrtResetDevice). */
STUB_EXPORT int stub_context_current(stub_context **context);

STUB_EXPORT int stub_context_device(const stub_context *context);

/* The device of the calling thread's context, -1 without one; leaves no text. */
int stub_context_device_of_thread(void);

/* The context's default stream (made on first use). */
STUB_EXPORT int stub_context_default_stream(stub_context *context, stub_stream **stream);

/* An explicit context on a device; it becomes the thread's current one. */
STUB_EXPORT int stub_context_create(int device, stub_context **context);

/* Waits for the work of the context's streams, then destroys them and the context. 107002 for a dead handle and for a
 * primary context. */
STUB_EXPORT int stub_context_destroy(void *handle);

/* 107000 for a handle that is not a live context (before CANN 9.1: that never was one). */
STUB_EXPORT int stub_context_set_current(void *handle);

/* Waits for all streams of the context; the first stream's error, or 507046 when timeout_ms (-1: for ever) expires. */
STUB_EXPORT int stub_context_synchronize(stub_context *context, int timeout_ms);

/* Values of aclrtCtxSetSysParamOpt; option is 0..STUB_CONTEXT_OPTIONS - 1. get is false while never set. */
#define STUB_CONTEXT_OPTIONS 4
STUB_EXPORT void stub_context_set_option(stub_context *context, int option, int64_t value);
STUB_EXPORT bool stub_context_get_option(stub_context *context, int option, int64_t *value);

/* 107001 with a text unless `device` is the id of a visible device. */
STUB_EXPORT int stub_device_check(const char *function, int device);

/* aclrtSetDevice: one more reference to the device's primary context, which becomes the thread's current one. */
STUB_EXPORT int stub_device_set(int device);

/* aclrtResetDevice and aclrtResetDeviceForce. The last reference (force: all of them) destroys the primary context and
 * its streams, waiting for their work unless forced. 507007 without references. */
STUB_EXPORT int stub_device_reset(int device, bool force);

STUB_EXPORT bool stub_device_is_active(int device);

/* How many more streams and counted events a device has room for. */
STUB_EXPORT int stub_device_free_streams(int device);
STUB_EXPORT int stub_device_free_events(int device);

/* One-way access of a device's kernels and copies to another device's memory. */
STUB_EXPORT void stub_device_set_peer(int device, int peer, bool enabled);
STUB_EXPORT bool stub_device_has_peer(int device, int peer);

/* Whether the process was forked after the stand-in started work: threads are gone, so every call that would wait is
 * refused with 507000 and a text ("use spawn"). */
STUB_EXPORT bool stub_is_forked_child(void);

#endif
