/* How a rank introduces itself to the root and gets to know the others. */
#ifndef ASCEND_STUB_COMM_INTRODUCTION_H
#define ASCEND_STUB_COMM_INTRODUCTION_H

#include <stdbool.h>

#include "comm/creation.h"

/* Who wants to be what. */
typedef struct {
    uint32_t count, rank;
    int device;
    const char *name; /* NULL: the root's identifier */
    uint64_t deadline_ns;
} stub_join_request;

/* Joins over a connection to the root, which it takes. `met` tells whether the root has answered; if not, the result is
 * HCCL_E_TCP_CONNECT without a text. */
HcclResult stub_introduce(int socket, const stub_join_request *wanted, HcclComm *comm, bool *met);

HcclResult stub_fail_join_lost(const stub_join_request *wanted);
HcclResult stub_fail_join_timeout(const stub_join_request *wanted);

#endif
