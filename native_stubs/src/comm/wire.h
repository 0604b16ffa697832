/* What a rank and the root's listener say to each other while a communicator is made. Packets over a unix socket with
 * an abstract address (it leaves no file behind), which can carry descriptors. */
#ifndef ASCEND_STUB_COMM_WIRE_H
#define ASCEND_STUB_COMM_WIRE_H

#include "comm/board.h"
#include "comm/segment.h"

#define STUB_WIRE_MAGIC UINT64_C(0x68636c2d73747562)
#define STUB_WIRE_VERSION 1u
#define STUB_WIRE_TEXT 1024
#define STUB_WIRE_FILES (STUB_COMM_RANKS + 1)

/* First word of a rank; carries the file of its device's memory. */
typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t count, rank;
    int32_t device; /* physical */
    int32_t process;
    uint32_t pad;
    uint64_t token; /* the same for all ranks of a process, different for others */
    uint64_t bytes; /* of the device's memory */
} stub_wire_join;

/* The root's answer when all have come, or cannot. Carries the segment's file and those of all ranks' memory. */
typedef struct {
    int32_t result; /* HcclResult */
    uint32_t size;
    char text[STUB_WIRE_TEXT]; /* of a failure */
    char identifier[STUB_IDENTIFIER_BYTES];
    struct {
        uint64_t token;
        uint64_t bytes;
    } ranks[STUB_COMM_RANKS];
} stub_wire_layout;

/* The rank has mapped everything, or could not (`result`); then the root: so have all. */
typedef struct {
    int32_t result;
    char text[STUB_WIRE_TEXT];
} stub_wire_ready;

/* The socket of a meeting place, of which `text` is the name. -1 with errno. */
int stub_wire_listen(const char *text);
int stub_wire_connect(const char *text);

/* The next connection whose other side is the same user's; -1 when there is none. */
int stub_wire_accept(int listener);

bool stub_wire_send(int socket, const void *packet, size_t size, const int *files, unsigned count);

/* A packet of exactly that size that has arrived already, and its descriptors (capacity STUB_WIRE_FILES, NULL for
 * none). False when the other side has gone or talks nonsense (ECONNRESET), or the descriptors are too many for this
 * process (EMFILE). */
bool stub_wire_receive(int socket, void *packet, size_t size, int *files, unsigned *count);

/* Waits for a packet or for the other side's end; false when the time is up. */
bool stub_wire_wait(int socket, uint64_t deadline_ns);

void stub_wire_close_files(int *files, unsigned count);

#endif
