/* The inside of an event, for the files of this room only. Queued work refers to records (record.h), never to the
 * event, which may go away at any time. */
#ifndef ASCEND_STUB_CORE_EVENT_STATE_H
#define ASCEND_STUB_CORE_EVENT_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/event.h"
#include "core/handle.h"
#include "core/record.h"

/* How many of an event's waits are queued or running; outlives the event. */
typedef struct {
    atomic_uint references;
    atomic_uint pending;
} stub_wait_count;

struct stub_event {
    stub_handle handle;
    int device;
    uint32_t flags;
    stub_event_style style;
    bool counted; /* takes one of the device's events */
    pthread_mutex_t lock;
    stub_record *latest; /* under lock: what the host asks about; NULL: never recorded */
    stub_record *gate;   /* under lock: what a wait captures, the latest record or after a reset the next one */
    stub_wait_count *waits;
};

/* NULL when memory is exhausted. Whoever makes a counted one has taken the device's event before. */
stub_event *stub_event_new(int device, stub_event_style style, uint32_t flags);

/* The event that a destroyed one's handle stands for, NULL where that is to be refused; see event_stale.c. */
stub_event *stub_event_in_place_of(const void *handle);
bool stub_event_is_nobodys(const stub_event *event);

void stub_wait_count_release(stub_wait_count *waits);

/* 207001 with a text. */
int stub_event_out_of_memory(const char *function);

#endif
