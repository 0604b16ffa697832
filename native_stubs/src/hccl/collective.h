/* What the functions of hccl.h have in common: checks in CANN's order, then a task of the stream. */
#ifndef ASCEND_STUB_HCCL_COLLECTIVE_H
#define ASCEND_STUB_HCCL_COLLECTIVE_H

#include <stdbool.h>

#include "acl/acl_base.h"
#include "comm/communicator.h"

typedef int collective_run(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                           void *receive);

/* The sort of an operation. */
typedef struct {
    const char *send, *receive; /* what the function calls its buffers; NULL: it has none */
    bool sends_all;             /* the send buffer holds `count` elements for each rank */
    bool receives_all;          /* the receive buffer does */
    bool reduces, has_root;
    collective_run *run; /* on the stream's worker */
} collective_kind;

/* One call of it. */
typedef struct {
    const collective_kind *kind;
    stub_comm_operation operation;
    const void *send;
    void *receive;
    HcclComm comm;
    aclrtStream stream;
} collective;

/* Checks the call and queues it. */
HcclResult submit_collective(const collective *asked);

/* The parts of it, for collective_submit.c. `comm` is the call's communicator. */
HcclResult check_collective_elements(const collective *asked, const stub_comm *comm);
HcclResult check_collective_buffers(const collective *asked, const stub_comm *comm);

#endif
