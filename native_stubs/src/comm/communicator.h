/* Communicators: the ranks that take part in collectives, wherever they are - threads of this process or processes of
 * this machine. HCCL's functions are a thin layer on this room; multi-card operators use it directly.
 *
 * The ranks of one communicator share a segment of memory (an anonymous file, so that nothing outlives them) in which
 * they post what they are about to do and wait for each other, and they map each other's device memory. */
#ifndef ASCEND_STUB_COMM_COMMUNICATOR_H
#define ASCEND_STUB_COMM_COMMUNICATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"
#include "hccl/hccl_types.h"

typedef struct stub_comm stub_comm;

/* The communicator of a device with that name, retained; NULL with a text that says which names the device has. */
STUB_EXPORT stub_comm *stub_comm_find(int device, const char *name);

/* The communicator behind an HcclComm, retained; NULL with a text for anything that is none (any more). */
STUB_EXPORT stub_comm *stub_comm_from_handle(HcclComm handle, const char *function);

STUB_EXPORT stub_comm *stub_comm_retain(stub_comm *comm);
STUB_EXPORT void stub_comm_release(stub_comm *comm); /* NULL is fine */

STUB_EXPORT uint32_t stub_comm_rank(const stub_comm *comm);
STUB_EXPORT uint32_t stub_comm_size(const stub_comm *comm);
STUB_EXPORT int stub_comm_device(const stub_comm *comm);
STUB_EXPORT const char *stub_comm_name(const stub_comm *comm);

/* Tickets. Every rank numbers its operations in the order in which they are submitted; equal numbers of the ranks meet.
 * The submitting thread takes one and queues the work between these two calls: other threads of the rank wait so long,
 * or numbers and the order in a stream could differ. Work that will never run gives its ticket back with
 * stub_comm_drop, which fails the operation on every rank. Tickets start at 1. */
STUB_EXPORT uint64_t stub_comm_begin_submit(stub_comm *comm);
STUB_EXPORT void stub_comm_end_submit(stub_comm *comm);
STUB_EXPORT void stub_comm_drop(stub_comm *comm, uint64_t ticket);

/* What a rank is about to do. All ranks must pass the same; a difference fails the operation on every rank with a text
 * that shows both sides. */
typedef struct {
    const char *name;  /* "HcclAllReduce", "aclnnQuantMatmulAllReduceV2"; at most 63 bytes count */
    int32_t data_type; /* HcclDataType */
    int32_t reduce_op; /* HcclReduceOp, -1: none */
    int64_t root;      /* -1: none */
    uint64_t count;    /* elements */
    int64_t dims[4];   /* what else has to agree, for instance m, n; zeros where there is nothing */
} stub_comm_operation;

enum { STUB_COMM_SEND, STUB_COMM_RECEIVE, STUB_COMM_BUFFERS };

typedef struct {
    const void *address; /* a device address, or NULL: this operation has no such buffer */
    size_t bytes;        /* what peers may touch behind it */
} stub_comm_buffer;

/* The steps of an operation, on the worker of the stream that runs it. A status other than 0 is the task's status
 * and has a text; every rank then gets one, and stub_comm_end must still be called after a failed stub_comm_begin.
 *
 * begin  waits until the rank's earlier tickets are done and all ranks have begun theirs; afterwards peers' buffers
 *        can be reached.
 * end    tells the others how it went (0 or a status) and waits until all have got there: afterwards nobody touches
 *        another rank's buffers. Returns `status`, or that of a rank that failed.
 *
 * Waits end with a status when a rank has died, when HCCL_EXEC_TIMEOUT has passed, when the stream is aborted. */
STUB_EXPORT int stub_comm_begin(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                                const stub_comm_buffer buffers[STUB_COMM_BUFFERS]);
STUB_EXPORT int stub_comm_end(stub_comm *comm, uint64_t ticket, int status);

/* Between begin and end: host address of a rank's buffer (`which` of the enum above), NULL where it has none. */
STUB_EXPORT void *stub_comm_peer(stub_comm *comm, uint32_t rank, int which);

/* Whole operations: begin, the work on all cores, end. Device addresses; `operation` names and counts; `count` is per
 * rank as HCCL counts it. */
STUB_EXPORT int stub_comm_all_reduce(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                                     const void *send, void *receive);
STUB_EXPORT int stub_comm_all_gather(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                                     const void *send, void *receive);
STUB_EXPORT int stub_comm_reduce_scatter(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                                         const void *send, void *receive);
STUB_EXPORT int stub_comm_broadcast(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                                    void *buffer);
STUB_EXPORT int stub_comm_barrier(stub_comm *comm, uint64_t ticket);

/* A rank whose work failed before its collective part (an address that is no device memory, say): takes part in the
 * operation as a rank that fails, so that the others do not wait. Returns `status`. */
STUB_EXPORT int stub_comm_fail(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, int status);

#endif
