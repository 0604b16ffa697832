/* See guests.h. */
#include "comm/guests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void stub_guests_add(stub_guests *guests, int socket) {
    if (guests->number == STUB_COMM_RANKS) {
        close(socket);
        return;
    }
    guests->list[guests->number++] = (stub_guest){.socket = socket, .memory = -1};
}

static void close_guest(const stub_guest *guest) {
    close(guest->socket);
    if (guest->memory >= 0) {
        close(guest->memory);
    }
}

void stub_guests_remove(stub_guests *guests, unsigned index) {
    close_guest(&guests->list[index]);
    guests->list[index] = guests->list[--guests->number];
}

unsigned stub_guests_at(const stub_guests *guests, stub_guest_phase phase) {
    unsigned found = 0;
    for (unsigned i = 0; i < guests->number; i++) {
        found += guests->list[i].phase >= phase;
    }
    return found;
}

/* The first to join, whose word on the number of ranks counts. */
static const stub_guest *first_joined(const stub_guests *guests) {
    for (unsigned i = 0; i < guests->number; i++) {
        if (guests->list[i].phase >= STUB_GUEST_JOINED) {
            return &guests->list[i];
        }
    }
    return NULL;
}

bool stub_guests_all_at(const stub_guests *guests, stub_guest_phase phase) {
    const stub_guest *first = first_joined(guests);
    return first != NULL && stub_guests_at(guests, phase) == first->join.count;
}

static HcclResult refuse(char text[STUB_WIRE_TEXT], const stub_wire_join *one, const stub_wire_join *other,
                         const char *what) {
    snprintf(text, STUB_WIRE_TEXT, "rank %u of process %d and rank %u of process %d contradict each other: %s.",
             one->rank, one->process, other->rank, other->process, what);
    return HCCL_E_PARA;
}

static HcclResult compare(const stub_wire_join *one, const stub_wire_join *other, char text[STUB_WIRE_TEXT]) {
    char what[256];
    if (one->count != other->count) {
        snprintf(what, sizeof what,
                 "the one says there are %u ranks, the other says there are %u. Pass the same nRanks", one->count,
                 other->count);
        return refuse(text, one, other, what);
    }
    if (one->rank == other->rank) {
        snprintf(what, sizeof what, "both say they are rank %u. Give every rank its own number, 0 to %u", one->rank,
                 one->count - 1);
        return refuse(text, one, other, what);
    }
    if (one->device == other->device) {
        snprintf(what, sizeof what,
                 "both are on device %d. Give every rank a device of its own, usually its local rank (aclrtSetDevice)",
                 one->device);
        return refuse(text, one, other, what);
    }
    return HCCL_SUCCESS;
}

HcclResult stub_guests_admit(const stub_guests *guests, const stub_wire_join *join, char text[STUB_WIRE_TEXT]) {
    for (unsigned i = 0; i < guests->number; i++) {
        const stub_guest *guest = &guests->list[i];
        const HcclResult result = guest->phase >= STUB_GUEST_JOINED ? compare(&guest->join, join, text) : HCCL_SUCCESS;
        if (result != HCCL_SUCCESS) {
            return result;
        }
    }
    return HCCL_SUCCESS;
}

static bool has_rank(const stub_guests *guests, uint32_t rank) {
    for (unsigned i = 0; i < guests->number; i++) {
        if (guests->list[i].phase >= STUB_GUEST_JOINED && guests->list[i].join.rank == rank) {
            return true;
        }
    }
    return false;
}

void stub_guests_list_missing(const stub_guests *guests, char *text, size_t size) {
    const stub_guest *first = first_joined(guests);
    size_t used = 0;
    *text = '\0';
    for (uint32_t rank = 0; first != NULL && rank < first->join.count && used < size; rank++) {
        if (!has_rank(guests, rank)) {
            used += (size_t)snprintf(text + used, size - used, "%s%u", used == 0 ? "" : ", ", rank);
        }
    }
}

/* Those who wait for the layout expect another packet than those who have it. */
static void tell(const stub_guest *guest, HcclResult result, const char *text) {
    if (guest->phase >= STUB_GUEST_INTRODUCED) {
        stub_wire_ready answer = {.result = (int32_t)result};
        snprintf(answer.text, sizeof answer.text, "%s", text);
        stub_wire_send(guest->socket, &answer, sizeof answer, NULL, 0);
    } else {
        stub_wire_layout answer = {.result = (int32_t)result};
        snprintf(answer.text, sizeof answer.text, "%s", text);
        stub_wire_send(guest->socket, &answer, sizeof answer, NULL, 0);
    }
}

void stub_guests_dismiss(stub_guests *guests, HcclResult result, const char *text) {
    for (unsigned i = 0; i < guests->number; i++) {
        tell(&guests->list[i], result, text);
        close_guest(&guests->list[i]);
    }
    guests->number = 0;
}

static void describe_guests(const stub_guests *guests, stub_wire_layout *layout, int *files) {
    for (unsigned i = 0; i < guests->number; i++) {
        const stub_guest *guest = &guests->list[i];
        if (guest->phase >= STUB_GUEST_JOINED) {
            layout->ranks[guest->join.rank].token = guest->join.token;
            layout->ranks[guest->join.rank].bytes = guest->join.bytes;
            files[1 + guest->join.rank] = guest->memory;
        }
    }
}

HcclResult stub_guests_introduce(stub_guests *guests, const stub_segment *segment, char text[STUB_WIRE_TEXT]) {
    const uint32_t size = first_joined(guests)->join.count;
    stub_wire_layout layout = {.result = HCCL_SUCCESS, .size = size};
    int files[STUB_WIRE_FILES] = {stub_segment_file(segment)};
    memcpy(layout.identifier, guests->identifier, sizeof layout.identifier);
    describe_guests(guests, &layout, files);
    for (unsigned i = 0; i < guests->number; i++) {
        stub_guest *guest = &guests->list[i];
        if (guest->phase == STUB_GUEST_JOINED &&
            !stub_wire_send(guest->socket, &layout, sizeof layout, files, size + 1)) {
            snprintf(text, STUB_WIRE_TEXT, "rank %u (process %d) cannot be told about the others: %s.",
                     guest->join.rank, guest->join.process, strerror(errno));
            return HCCL_E_SYSCALL;
        }
        guest->phase = guest->phase == STUB_GUEST_JOINED ? STUB_GUEST_INTRODUCED : guest->phase;
    }
    return HCCL_SUCCESS;
}
