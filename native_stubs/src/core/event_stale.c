/* What the handle of a destroyed event stands for where the played release does not look (before CANN 9.1).
 *
 * That release goes on with freed memory, mostly unharmed. Here the handle then means an event of nobody's, whose
 * record is complete: whoever waits for it or asks it goes on, and recording it changes nothing. */
#include <pthread.h>

#include "acl/acl_rt.h"
#include "core/event_state.h"
#include "core/release.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static stub_event *nobodys;

static void make_nobodys(void) {
    const uint32_t flags = ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE;
    stub_record *record = stub_record_new();
    stub_event *made = record == NULL ? NULL : stub_event_new(0, STUB_EVENT_CLASSIC, flags);
    if (made == NULL) {
        stub_record_release(record);
        return;
    }
    record->claimed = true;
    record->timed = true;
    stub_record_complete(record);
    made->latest = record;
    made->gate = stub_record_retain(record);
    nobodys = made;
}

stub_event *stub_event_in_place_of(const void *handle) {
    if (stub_release_checks_handles() || !stub_handle_was(handle, STUB_HANDLE_EVENT)) {
        return NULL;
    }
    pthread_once(&once, make_nobodys);
    return nobodys;
}

bool stub_event_is_nobodys(const stub_event *event) {
    return event == nobodys;
}
