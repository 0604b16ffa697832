/* See meeting.h. The thread looks around every 50 ms, for the time and for exit(); the rest wakes it. */
#include "comm/meeting.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "comm/environment.h"
#include "core/clock.h"
#include "core/error.h"

#define SLICE_MS 50

static void lose_guest(stub_meeting *meeting, const stub_guest *guest) {
    if (guest->phase == STUB_GUEST_SILENT) {
        return;
    }
    meeting->result = HCCL_E_REMOTE;
    snprintf(meeting->text, sizeof meeting->text,
             "rank %u (process %d) ended or stopped waiting while the communicator was being made.", guest->join.rank,
             guest->join.process);
}

/* False when the connection is of no use. */
static bool hear_join(stub_meeting *meeting, stub_guest *guest) {
    stub_wire_join join;
    int files[STUB_WIRE_FILES];
    unsigned count = 0;
    if (!stub_wire_receive(guest->socket, &join, sizeof join, files, &count)) {
        return false;
    }
    if (join.magic != STUB_WIRE_MAGIC || join.version != STUB_WIRE_VERSION || count != 1 ||
        join.count > STUB_COMM_RANKS || join.rank >= join.count) {
        stub_wire_close_files(files, count);
        return false;
    }
    if (stub_guests_at(&meeting->guests, STUB_GUEST_JOINED) == 0) {
        meeting->deadline_ns = stub_comm_connect_deadline();
    }
    meeting->result = stub_guests_admit(&meeting->guests, &join, meeting->text);
    guest->join = join;
    guest->memory = files[0];
    guest->phase = STUB_GUEST_JOINED;
    return true;
}

static bool hear_ready(stub_meeting *meeting, stub_guest *guest) {
    stub_wire_ready ready;
    if (!stub_wire_receive(guest->socket, &ready, sizeof ready, NULL, NULL)) {
        return false;
    }
    guest->phase = STUB_GUEST_READY;
    if (ready.result != HCCL_SUCCESS) {
        meeting->result = (HcclResult)ready.result;
        snprintf(meeting->text, sizeof meeting->text, "rank %u (process %d): %.900s", guest->join.rank,
                 guest->join.process, ready.text);
    }
    return true;
}

/* From a rank that has joined, only what it was asked for counts; anything else means that it is gone. */
static bool hear(stub_meeting *meeting, stub_guest *guest) {
    switch (guest->phase) {
    case STUB_GUEST_SILENT:
        return hear_join(meeting, guest);
    case STUB_GUEST_INTRODUCED:
        return hear_ready(meeting, guest);
    default:
        return false;
    }
}

static void accept_guests(stub_meeting *meeting) {
    for (int socket; meeting->listener >= 0 && (socket = stub_wire_accept(meeting->listener)) >= 0;) {
        stub_guests_add(&meeting->guests, socket);
    }
}

static void hear_guests(stub_meeting *meeting, const struct pollfd *polled, unsigned count) {
    for (unsigned i = count; i-- > 0 && meeting->result == HCCL_SUCCESS;) {
        if (polled[i].revents != 0 && !hear(meeting, &meeting->guests.list[i])) {
            lose_guest(meeting, &meeting->guests.list[i]);
            stub_guests_remove(&meeting->guests, i);
        }
    }
}

static void look_around(stub_meeting *meeting) {
    struct pollfd polled[STUB_COMM_RANKS + 1];
    const unsigned count = meeting->guests.number;
    for (unsigned i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = meeting->guests.list[i].socket, .events = POLLIN};
    }
    polled[count] = (struct pollfd){.fd = meeting->listener, .events = POLLIN}; /* -1 is skipped */
    if (poll(polled, count + 1, SLICE_MS) > 0) {
        hear_guests(meeting, polled, count);
        accept_guests(meeting);
    }
}

static void time_out(stub_meeting *meeting) {
    char missing[512];
    stub_guests_list_missing(&meeting->guests, missing, sizeof missing);
    meeting->result = HCCL_E_TIMEOUT;
    snprintf(meeting->text, sizeof meeting->text,
             "rank(s) %s did not join within %.6g s. Check that they have been started and are not stuck before; "
             "HCCL_CONNECT_TIMEOUT sets the time (seconds, 120 to 7200), ASCEND_STUB_CONNECT_TIMEOUT that of the "
             "stand-in (seconds, at least 1).",
             missing[0] == '\0' ? "(all have come, but one does not answer)" : missing, stub_comm_connect_timeout_s());
}

/* The texts of this thread are the ranks' business. */
static void take_texts(stub_meeting *meeting, HcclResult result) {
    const char *text = stub_error_take();
    meeting->result = result;
    snprintf(meeting->text, sizeof meeting->text, "%.1000s", text == NULL ? "" : text);
}

/* Nobody else may come once all are here: this place can be opened for another communicator. */
static void introduce(stub_meeting *meeting) {
    close(meeting->listener);
    meeting->listener = -1;
    meeting->segment = stub_segment_create(stub_guests_at(&meeting->guests, STUB_GUEST_JOINED));
    if (meeting->segment == NULL) {
        take_texts(meeting, HCCL_E_MEMORY);
        return;
    }
    meeting->result = stub_guests_introduce(&meeting->guests, meeting->segment, meeting->text);
}

/* True when the meeting is over. */
static bool go_on(stub_meeting *meeting) {
    if (stub_guests_all_at(&meeting->guests, STUB_GUEST_READY)) {
        return true;
    }
    if (meeting->segment == NULL && stub_guests_all_at(&meeting->guests, STUB_GUEST_JOINED)) {
        introduce(meeting);
    }
    if (meeting->result == HCCL_SUCCESS && stub_now_ns() >= meeting->deadline_ns) {
        time_out(meeting);
    }
    return meeting->result != HCCL_SUCCESS;
}

static bool is_leaving(stub_meeting *meeting, bool (*is_exiting)(void)) {
    if (is_exiting()) {
        meeting->result = HCCL_E_REMOTE;
        snprintf(meeting->text, sizeof meeting->text, "the process with the root info (%d) is exiting.", (int)getpid());
    }
    return meeting->result != HCCL_SUCCESS;
}

void stub_meeting_open(stub_meeting *meeting, int listener, const char *identifier) {
    meeting->listener = listener;
    meeting->deadline_ns = stub_comm_connect_deadline();
    snprintf(meeting->guests.identifier, sizeof meeting->guests.identifier, "%s", identifier);
}

void stub_meeting_hold(stub_meeting *meeting, bool (*is_exiting)(void)) {
    bool over = false;
    while (!over && !is_leaving(meeting, is_exiting)) {
        look_around(meeting);
        over = meeting->result != HCCL_SUCCESS || go_on(meeting);
    }
    accept_guests(meeting); /* the last to come shall hear what is wrong, too */
    if (meeting->listener >= 0) {
        close(meeting->listener);
    }
    stub_guests_dismiss(&meeting->guests, meeting->result, meeting->text);
    if (meeting->segment != NULL) {
        stub_segment_release(meeting->segment);
    }
}
