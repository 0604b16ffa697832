/* The public collective operations. */
#include "acl/acl_base.h"
#include "hccl/collective.h"
#include "hccl/hccl.h"

static int run_broadcast(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                         void *receive) {
    (void)send;
    return stub_comm_broadcast(comm, ticket, operation, receive);
}

static int run_barrier(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                       void *receive) {
    (void)operation;
    (void)send;
    (void)receive;
    return stub_comm_barrier(comm, ticket);
}

HcclResult HcclAllReduce(void *sendBuf, void *recvBuf, uint64_t count, HcclDataType dataType, HcclReduceOp op,
                         HcclComm comm, aclrtStream stream) {
    static const collective_kind kind = {
        .send = "sendBuf", .receive = "recvBuf", .reduces = true, .run = stub_comm_all_reduce};
    return submit_collective(&(collective){
        &kind, {__func__, (int32_t)dataType, (int32_t)op, -1, count, {0}}, sendBuf, recvBuf, comm, stream});
}

HcclResult HcclAllGather(void *sendBuf, void *recvBuf, uint64_t sendCount, HcclDataType dataType, HcclComm comm,
                         aclrtStream stream) {
    static const collective_kind kind = {
        .send = "sendBuf", .receive = "recvBuf", .receives_all = true, .run = stub_comm_all_gather};
    return submit_collective(
        &(collective){&kind, {__func__, (int32_t)dataType, -1, -1, sendCount, {0}}, sendBuf, recvBuf, comm, stream});
}

HcclResult HcclReduceScatter(void *sendBuf, void *recvBuf, uint64_t recvCount, HcclDataType dataType, HcclReduceOp op,
                             HcclComm comm, aclrtStream stream) {
    static const collective_kind kind = {
        .send = "sendBuf", .receive = "recvBuf", .sends_all = true, .reduces = true, .run = stub_comm_reduce_scatter};
    return submit_collective(&(collective){
        &kind, {__func__, (int32_t)dataType, (int32_t)op, -1, recvCount, {0}}, sendBuf, recvBuf, comm, stream});
}

HcclResult HcclBroadcast(void *buf, uint64_t count, HcclDataType dataType, uint32_t root, HcclComm comm,
                         aclrtStream stream) {
    static const collective_kind kind = {.receive = "buf", .has_root = true, .run = run_broadcast};
    return submit_collective(
        &(collective){&kind, {__func__, (int32_t)dataType, -1, root, count, {0}}, NULL, buf, comm, stream});
}

/* Holds up the streams, not the calling thread. */
HcclResult HcclBarrier(HcclComm comm, aclrtStream stream) {
    static const collective_kind kind = {.run = run_barrier};
    return submit_collective(&(collective){&kind, {__func__, -1, -1, -1, 0, {0}}, NULL, NULL, comm, stream});
}
