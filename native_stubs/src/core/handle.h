/* Tagged objects behind the opaque handles (streams, events, contexts, communicators).
 *
 * Memory of a released handle is never returned to the system and is reused as late as possible, so that a stale
 * handle can be recognised (its tag is gone) instead of crashing; CANN 9.1 and later do the same (107017). */
#ifndef ASCEND_STUB_CORE_HANDLE_H
#define ASCEND_STUB_CORE_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

typedef enum {
    STUB_HANDLE_CONTEXT = 1,
    STUB_HANDLE_STREAM,
    STUB_HANDLE_EVENT,
    STUB_HANDLE_COMMUNICATOR,
    STUB_HANDLE_KIND_COUNT
} stub_handle_kind;

/* First member of every object that is handed out as a handle. */
typedef struct {
    _Atomic(uint32_t) tag; /* magic xor kind while alive, 0 when released */
    uint32_t id;           /* small number unique per kind, for texts and aclrtStreamGetId */
} stub_handle;

/* Zeroed object of `size` bytes (the same size for every object of a kind), or NULL when memory is exhausted. */
STUB_EXPORT void *stub_handle_new(stub_handle_kind kind, size_t size);

/* True when `object` is a live handle of that kind. Any pointer may be asked about: unknown pointers are looked up in
 * the pool's slabs, not dereferenced. */
STUB_EXPORT bool stub_handle_is(const void *object, stub_handle_kind kind);

/* The same for what was such a handle at some time, which needs no look-up. */
bool stub_handle_is_still(const stub_handle *handle, stub_handle_kind kind);

/* True when `object` is, or was at some time, a handle of that kind. */
bool stub_handle_was(const void *object, stub_handle_kind kind);

/* Releases the object. The caller makes sure nobody uses it any more. */
STUB_EXPORT void stub_handle_release(void *object, stub_handle_kind kind);

#endif
