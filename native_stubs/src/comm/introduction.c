/* See introduction.h. */
#include "comm/introduction.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "comm/environment.h"
#include "comm/state.h"
#include "comm/wire.h"
#include "core/clock.h"
#include "core/device_space.h"
#include "core/error.h"
#include "core/settings.h"

/* The root counts from the first rank that came and knows who is missing: its answer is worth a moment. */
#define PATIENCE_NS UINT64_C(1000000000)

/* Tells whether two ranks are of one process, even where processes do not see each other's ids. */
static uint64_t process_token(void) {
    static _Atomic(uint64_t) token;
    uint64_t expected = 0, fresh = 0;
    if (getrandom(&fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh || fresh == 0) {
        fresh = stub_now_ns() ^ (uint64_t)getpid() << 32;
    }
    return atomic_compare_exchange_strong(&token, &expected, fresh) ? fresh : expected;
}

typedef struct {
    stub_wire_layout layout;
    int files[STUB_WIRE_FILES];
    unsigned file_count;
} introduction;

HcclResult stub_fail_join_lost(const stub_join_request *wanted) {
    return (HcclResult)stub_fail(HCCL_E_TCP_CONNECT,
                                 "rank %u: the process with the root info has ended before all ranks had joined.",
                                 wanted->rank);
}

HcclResult stub_fail_join_timeout(const stub_join_request *wanted) {
    return (HcclResult)stub_fail(HCCL_E_TIMEOUT,
                                 "rank %u: the root has not gathered all ranks within %.6g s (HCCL_CONNECT_TIMEOUT, "
                                 "ASCEND_STUB_CONNECT_TIMEOUT).",
                                 wanted->rank, stub_comm_connect_timeout_s());
}

static HcclResult fail_as_told(const stub_join_request *wanted, int32_t result, char text[STUB_WIRE_TEXT]) {
    text[STUB_WIRE_TEXT - 1] = '\0';
    return (HcclResult)stub_fail(result, "rank %u cannot join the communicator: %s", wanted->rank, text);
}

/* When the root has hung up already, its answer tells why. */
static HcclResult say_hello(int socket, const stub_join_request *wanted) {
    const int memory = stub_space_file(wanted->device);
    if (memory < 0) {
        return (HcclResult)stub_fail(HCCL_E_INTERNAL,
                                     "rank %u: the file of device %d's memory, which the other ranks need, was closed "
                                     "by the program. Create communicators before closing descriptors by number.",
                                     wanted->rank, wanted->device);
    }
    const stub_wire_join join = {.magic = STUB_WIRE_MAGIC,
                                 .version = STUB_WIRE_VERSION,
                                 .count = wanted->count,
                                 .rank = wanted->rank,
                                 .device = stub_get_settings()->visible[wanted->device],
                                 .process = (int32_t)getpid(),
                                 .token = process_token(),
                                 .bytes = stub_space_bytes()};
    (void)stub_wire_send(socket, &join, sizeof join, &memory, 1);
    return HCCL_SUCCESS;
}

static HcclResult fail_files(const stub_join_request *wanted) {
    return (HcclResult)stub_fail(HCCL_E_SYSCALL,
                                 "rank %u: the process has no descriptors left for the memory of %u ranks (ulimit -n).",
                                 wanted->rank, wanted->count);
}

/* HCCL_E_TCP_CONNECT without a text when there is no root that would answer. */
static HcclResult hear_layout(int socket, const stub_join_request *wanted, introduction *heard) {
    if (!stub_wire_wait(socket, wanted->deadline_ns + PATIENCE_NS)) {
        return stub_fail_join_timeout(wanted);
    }
    if (!stub_wire_receive(socket, &heard->layout, sizeof heard->layout, heard->files, &heard->file_count)) {
        return errno == EMFILE ? fail_files(wanted) : HCCL_E_TCP_CONNECT;
    }
    if (heard->layout.result != HCCL_SUCCESS) {
        return fail_as_told(wanted, heard->layout.result, heard->layout.text);
    }
    return heard->file_count == wanted->count + 1 ? HCCL_SUCCESS : HCCL_E_TCP_CONNECT;
}

/* Ranks of this process reach each other's memory without more ado. */
static HcclResult map_others(stub_segment *segment, const introduction *heard) {
    HcclResult result = HCCL_SUCCESS;
    for (uint32_t rank = 0; rank < heard->layout.size && result == HCCL_SUCCESS; rank++) {
        if (heard->layout.ranks[rank].token != process_token()) {
            result = stub_segment_reach(segment, rank, heard->files[1 + rank], heard->layout.ranks[rank].bytes);
        }
    }
    return result;
}

static HcclResult take_part(stub_segment *segment, const stub_join_request *wanted, const introduction *heard) {
    const HcclResult result = map_others(segment, heard);
    return result == HCCL_SUCCESS ? stub_segment_join(segment, wanted->rank, wanted->device) : result;
}

/* Tells the root how it went here and hears how it went everywhere. */
static HcclResult agree(int socket, const stub_join_request *wanted, HcclResult own) {
    stub_wire_ready packet = {.result = (int32_t)own};
    const char *texts = own == HCCL_SUCCESS ? NULL : stub_error_take();
    snprintf(packet.text, sizeof packet.text, "%.1000s", texts == NULL ? "" : texts);
    (void)stub_wire_send(socket, &packet, sizeof packet, NULL, 0); /* the root may have said why it hung up */
    if (!stub_wire_wait(socket, wanted->deadline_ns + PATIENCE_NS)) {
        return stub_fail_join_timeout(wanted);
    }
    if (!stub_wire_receive(socket, &packet, sizeof packet, NULL, NULL)) {
        return stub_fail_join_lost(wanted);
    }
    return packet.result == HCCL_SUCCESS ? HCCL_SUCCESS : fail_as_told(wanted, packet.result, packet.text);
}

static HcclResult settle_in(int socket, const stub_join_request *wanted, stub_segment *segment,
                            const introduction *heard, HcclComm *comm) {
    const HcclResult own = segment == NULL ? HCCL_E_MEMORY : take_part(segment, wanted, heard);
    const HcclResult result = agree(socket, wanted, own);
    if (result != HCCL_SUCCESS) {
        if (segment != NULL) {
            stub_segment_leave(segment, wanted->rank);
            stub_segment_release(segment);
        }
        return result;
    }
    const char *name = wanted->name == NULL ? heard->layout.identifier : wanted->name;
    return stub_comm_publish(segment, wanted->rank, wanted->count, wanted->device, name, comm);
}

HcclResult stub_introduce(int socket, const stub_join_request *wanted, HcclComm *comm, bool *met) {
    introduction heard = {.file_count = 0};
    HcclResult result = say_hello(socket, wanted);
    if (result == HCCL_SUCCESS) {
        result = hear_layout(socket, wanted, &heard);
    }
    *met = result != HCCL_E_TCP_CONNECT;
    if (result == HCCL_SUCCESS) {
        stub_segment *segment = stub_segment_adopt(heard.layout.size, heard.files[0]);
        result = settle_in(socket, wanted, segment, &heard, comm);
        stub_wire_close_files(heard.files + 1, heard.file_count - 1);
    } else {
        stub_wire_close_files(heard.files, heard.file_count);
    }
    close(socket);
    return result;
}
