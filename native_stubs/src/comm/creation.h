/* How communicators come to be and end. All statuses are HcclResult values with a text. */
#ifndef ASCEND_STUB_COMM_CREATION_H
#define ASCEND_STUB_COMM_CREATION_H

#include "comm/communicator.h"

/* Ranks 0 .. count - 1 on the given devices of this process, which the caller has checked. comms gets count handles. */
STUB_EXPORT HcclResult stub_comm_create_all(uint32_t count, const int32_t *devices, HcclComm *comms);

/* Opens the meeting point of a communicator in this process and writes where it is. */
STUB_EXPORT HcclResult stub_comm_open_root(int device, HcclRootInfo *info);

/* Joins as `rank` of `count` on `device`; returns when all ranks have joined, or HCCL_E_TIMEOUT. `name` may be NULL:
 * the root's identifier. */
STUB_EXPORT HcclResult stub_comm_join(const HcclRootInfo *info, uint32_t count, uint32_t rank, int device,
                                      const char *name, HcclComm *comm);

/* The same for ranks that share no root info but know a common text (the rank table) and who they are: all who pass
 * the same `key` meet. */
STUB_EXPORT HcclResult stub_comm_join_by_key(const char *key, uint32_t count, uint32_t rank, int device,
                                             const char *name, HcclComm *comm);

/* HCCL_E_AGAIN while operations are in flight, HCCL_E_PARA for a handle that is none. */
STUB_EXPORT HcclResult stub_comm_destroy(HcclComm comm);

/* HCCL_SUCCESS, or HCCL_E_REMOTE once a rank is known to be dead. */
STUB_EXPORT HcclResult stub_comm_async_error(stub_comm *comm);

/* The variables of HCCL, read at the first initialisation. 0, or HCCL_E_PARA with a text for a malformed value. */
STUB_EXPORT HcclResult stub_comm_check_environment(void);

#endif
