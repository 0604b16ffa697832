/* All ranks in this process, and the end of communicators. */
#include "comm/creation.h"

#include <stdlib.h>

#include "comm/identifier.h"
#include "comm/state.h"
#include "core/device_space.h"
#include "core/error.h"
#include "core/fork.h"

HcclResult stub_comm_prepare_device(int device) {
    const bool ready = stub_space_open() == 0 && stub_space_map(device) == 0;
    return ready ? HCCL_SUCCESS : HCCL_E_MEMORY;
}

/* The others are told, for they may wait for an operation that is not going to come. */
static void leave(stub_comm *comm) {
    atomic_store(&comm->destroyed, true);
    stub_segment_leave(comm->segment, comm->rank);
    stub_comm_release(comm);
}

/* Takes the reference to the segment. */
HcclResult stub_comm_publish(stub_segment *segment, uint32_t rank, uint32_t size, int device, const char *name,
                             HcclComm *handle) {
    stub_comm *comm = stub_comm_new(segment, rank, size, device, name);
    if (comm == NULL) {
        return HCCL_E_MEMORY;
    }
    const HcclResult result = stub_registry_add(comm);
    if (result != HCCL_SUCCESS) {
        leave(comm);
        return result;
    }
    *handle = comm;
    return HCCL_SUCCESS;
}

/* One rank of way A. */
static HcclResult create_rank(stub_segment *segment, uint32_t rank, uint32_t count, int device, const char *name,
                              HcclComm *handle) {
    HcclResult result = stub_comm_prepare_device(device);
    if (result == HCCL_SUCCESS) {
        result = stub_segment_join(segment, rank, device);
    }
    if (result != HCCL_SUCCESS) {
        return result;
    }
    return stub_comm_publish(stub_segment_retain(segment), rank, count, device, name, handle);
}

static HcclResult create_ranks(stub_segment *segment, uint32_t count, const int32_t *devices, const char *name,
                               HcclComm *comms) {
    for (uint32_t rank = 0; rank < count; rank++) {
        const HcclResult result = create_rank(segment, rank, count, devices[rank], name, &comms[rank]);
        if (result != HCCL_SUCCESS) {
            while (rank-- > 0) {
                (void)stub_comm_destroy(comms[rank]);
                comms[rank] = NULL;
            }
            return result;
        }
    }
    return HCCL_SUCCESS;
}

HcclResult stub_comm_create_all(uint32_t count, const int32_t *devices, HcclComm *comms) {
    char name[STUB_IDENTIFIER_BYTES];
    if (stub_refuse_forked_child("HcclCommInitAll") != 0) {
        return HCCL_E_RUNTIME;
    }
    stub_make_identifier(devices[0], name);
    stub_segment *segment = stub_segment_create(count);
    if (segment == NULL) {
        return HCCL_E_MEMORY;
    }
    const HcclResult result = create_ranks(segment, count, devices, name, comms);
    stub_segment_release(segment);
    return result;
}

static HcclResult refuse_busy(const stub_comm *comm) {
    return (HcclResult)stub_fail(HCCL_E_AGAIN,
                                 "communicator \"%s\" of device %d has operations in flight. Synchronize the streams "
                                 "they are on, then destroy it.",
                                 comm->name, comm->device);
}

HcclResult stub_comm_destroy(HcclComm handle) {
    stub_comm *comm = stub_comm_from_handle(handle, "HcclCommDestroy");
    if (comm == NULL) {
        return HCCL_E_PARA;
    }
    HcclResult result = HCCL_SUCCESS;
    if (!stub_turns_all_over(&comm->turns)) {
        result = refuse_busy(comm);
    } else if (stub_registry_remove(comm)) {
        leave(comm);
    }
    stub_comm_release(comm);
    return result;
}

HcclResult stub_comm_async_error(stub_comm *comm) {
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        const bool here = atomic_load(&comm->board->slots[rank].life) == STUB_RANK_JOINED;
        if (here && !stub_segment_is_alive(comm->segment, rank)) {
            return HCCL_E_REMOTE;
        }
    }
    return HCCL_SUCCESS;
}
