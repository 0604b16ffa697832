/* The ranks that have come to a meeting place. Only the listener's thread knows them. */
#ifndef ASCEND_STUB_COMM_GUESTS_H
#define ASCEND_STUB_COMM_GUESTS_H

#include "comm/wire.h"

typedef enum { STUB_GUEST_SILENT, STUB_GUEST_JOINED, STUB_GUEST_INTRODUCED, STUB_GUEST_READY } stub_guest_phase;

typedef struct {
    int socket;
    int memory; /* file of its device's memory; -1 before it has joined */
    stub_guest_phase phase;
    stub_wire_join join;
} stub_guest;

typedef struct {
    stub_guest list[STUB_COMM_RANKS];
    unsigned number;
    char identifier[STUB_IDENTIFIER_BYTES];
} stub_guests;

/* A new connection, which is closed when there are too many. */
void stub_guests_add(stub_guests *guests, int socket);
void stub_guests_remove(stub_guests *guests, unsigned index);

/* How many have come that far at least; and all of them have: as many as they say they are. */
unsigned stub_guests_at(const stub_guests *guests, stub_guest_phase phase);
bool stub_guests_all_at(const stub_guests *guests, stub_guest_phase phase);

/* Takes a guest's word. HCCL_E_PARA with the answer's text when it contradicts the others'. */
HcclResult stub_guests_admit(const stub_guests *guests, const stub_wire_join *join, char text[STUB_WIRE_TEXT]);

/* "1, 3": the ranks that have not joined. */
void stub_guests_list_missing(const stub_guests *guests, char *text, size_t size);

/* Tells everybody how it went and closes the connections. */
void stub_guests_dismiss(stub_guests *guests, HcclResult result, const char *text);

/* Hands the segment to everybody, with everybody's memory. */
HcclResult stub_guests_introduce(stub_guests *guests, const stub_segment *segment, char text[STUB_WIRE_TEXT]);

#endif
