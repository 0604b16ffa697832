/* Events: points in streams that other streams and the host wait for, with or without time stamps.
 *
 * A wait captures the event's latest record at the time of the call; recording the event again does not move it. */
#ifndef ASCEND_STUB_CORE_EVENT_H
#define ASCEND_STUB_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/stream.h"

typedef struct stub_event stub_event;

/* aclrtCreateEvent, aclrtCreateEventWithFlag, aclrtCreateEventExWithFlag. */
typedef enum { STUB_EVENT_CLASSIC, STUB_EVENT_FLAGGED, STUB_EVENT_EXTENDED } stub_event_style;

typedef enum {
    STUB_EVENT_NEVER_RECORDED,
    STUB_EVENT_PENDING,
    STUB_EVENT_COMPLETE,
    STUB_EVENT_FAILED /* the record was dropped: its stream was aborted, destroyed by force or stopped on failure */
} stub_event_state;

/* 107002 without a context, 107000 for flags that the style does not allow, 207007 when the device has none left. */
STUB_EXPORT int stub_event_create(stub_event_style style, uint32_t flags, stub_event **event);

/* 107017 for a dead handle; before CANN 9.1, which does not look, an event that is complete (event_stale.c). */
STUB_EXPORT int stub_event_resolve(void *handle, const char *function, stub_event **event);

/* Does not wait: records and waits that are queued keep what they need. */
STUB_EXPORT void stub_event_destroy(stub_event *event);

STUB_EXPORT int stub_event_record(stub_event *event, stub_stream *stream);

/* Later waits are for the next record. */
STUB_EXPORT int stub_event_reset(stub_event *event, stub_stream *stream);

/* timeout_s: 107020 becomes the stream's error when the wait takes longer; 0 waits for ever. */
STUB_EXPORT int stub_event_wait(stub_event *event, stub_stream *stream, uint32_t timeout_s);

/* Waits on the host; 507047 when timeout_ms (-1: for ever) expires. 0 for an event that was never recorded. */
STUB_EXPORT int stub_event_synchronize(stub_event *event, int timeout_ms);

/* `status` is why a STUB_EVENT_FAILED record was dropped. */
STUB_EXPORT stub_event_state stub_event_query(stub_event *event, int *status);

/* Whether every queued wait for the event is over. */
STUB_EXPORT bool stub_event_waits_are_over(stub_event *event);

/* When the latest record completed. 507000 when there is none, 107006 when it has no time stamp (yet). */
STUB_EXPORT int stub_event_time_ns(stub_event *event, uint64_t *ns);

/* 507000 for events that have no id: those made without ACL_EVENT_SYNC, and the others (unless made by
 * aclrtCreateEventWithFlag) before their first record. */
STUB_EXPORT int stub_event_id(stub_event *event, uint32_t *id);

STUB_EXPORT stub_event_style stub_event_get_style(const stub_event *event);
STUB_EXPORT uint32_t stub_event_flags(const stub_event *event);

#endif
