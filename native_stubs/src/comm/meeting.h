/* A meeting of ranks that make a communicator, as the listener's thread holds it. */
#ifndef ASCEND_STUB_COMM_MEETING_H
#define ASCEND_STUB_COMM_MEETING_H

#include "comm/guests.h"

typedef struct {
    int listener; /* -1 once all have come */
    uint64_t deadline_ns;
    stub_segment *segment; /* once all have come */
    stub_guests guests;
    HcclResult result; /* what ends the meeting early, and its text */
    char text[STUB_WIRE_TEXT];
} stub_meeting;

/* On a listening socket, which the meeting takes. */
void stub_meeting_open(stub_meeting *meeting, int listener, const char *identifier);

/* Returns when all ranks have a communicator, or have been told why not. */
void stub_meeting_hold(stub_meeting *meeting, bool (*is_exiting)(void));

#endif
