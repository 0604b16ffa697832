/* Checks of a collective call that concern its elements and its memory. */
#include "comm/reduce.h"
#include "core/memory.h"
#include "core/release.h"
#include "hccl/arguments.h"
#include "hccl/collective.h"

#define LARGEST_COUNT UINT64_C(0x7FFFFFFF)

/* The 8-bit floats are declared since CANN 8.5 and usable since 9.0. */
static bool has_type(int32_t data_type) {
    return stub_hccl_type_bytes(data_type) != 0 && (data_type < HCCL_DATA_TYPE_HIF8 || stub_release() >= 900);
}

static HcclResult check_type(const stub_comm_operation *operation, bool reduces) {
    if (!has_type(operation->data_type)) {
        return stub_fail(HCCL_E_NOT_SUPPORT,
                         "%s: dataType is %d; allowed are the HcclDataTypes 0 to 11 and, since CANN 9.0, 14 to 17.",
                         operation->name, operation->data_type);
    }
    if (reduces && stub_find_reduction(operation->data_type, HCCL_REDUCE_SUM) == NULL) {
        return stub_fail(HCCL_E_NOT_SUPPORT,
                         "%s: dataType is %d; Atlas A2 reduces int8 (0), int16 (1), int32 (2), fp16 (3), fp32 (4), "
                         "int64 (5) and bfp16 (11).",
                         operation->name, operation->data_type);
    }
    return HCCL_SUCCESS;
}

static HcclResult check_operator(const stub_comm_operation *operation) {
    if (operation->reduce_op < HCCL_REDUCE_SUM || operation->reduce_op > HCCL_REDUCE_MIN) {
        return stub_fail(HCCL_E_NOT_SUPPORT, "%s: op is %d; allowed are sum (0), prod (1), max (2) and min (3).",
                         operation->name, operation->reduce_op);
    }
    if (stub_find_reduction(operation->data_type, operation->reduce_op) == NULL) {
        return stub_fail(HCCL_E_NOT_SUPPORT,
                         "%s: op prod (1) with dataType %d; Atlas A2 multiplies no int16 (1) and no bfp16 (11).",
                         operation->name, operation->data_type);
    }
    return HCCL_SUCCESS;
}

HcclResult check_collective_elements(const collective *asked, const stub_comm *comm) {
    const stub_comm_operation *operation = &asked->operation;
    if (operation->count > LARGEST_COUNT) {
        return stub_fail(HCCL_E_PARA, "%s: the count is %llu; allowed are up to %llu elements.", operation->name,
                         (unsigned long long)operation->count, (unsigned long long)LARGEST_COUNT);
    }
    HcclResult status = check_type(operation, asked->kind->reduces);
    if (status == HCCL_SUCCESS && asked->kind->reduces) {
        status = check_operator(operation);
    }
    if (status == HCCL_SUCCESS && asked->kind->has_root && operation->root >= stub_comm_size(comm)) {
        status = stub_fail(HCCL_E_PARA, "%s: root is %lld; the communicator has the ranks 0 to %u.", operation->name,
                           (long long)operation->root, stub_comm_size(comm) - 1);
    }
    return status;
}

static HcclResult check_memory(const char *function, const char *name, const void *address, size_t bytes,
                               const stub_comm *comm) {
    stub_allocation found;
    if (!stub_is_device_address(address) || !stub_find_allocation(address, &found)) {
        return stub_fail(HCCL_E_PARA, "%s: %s %p is no device memory%s; give memory from aclrtMalloc.", function, name,
                         address, stub_is_device_address(address) ? " that is allocated" : "");
    }
    if (found.device != stub_comm_device(comm)) {
        return stub_fail(
            HCCL_E_PARA, "%s: %s %p is memory of device %d, but rank %u of communicator \"%s\" is on device %d.",
            function, name, address, found.device, stub_comm_rank(comm), stub_comm_name(comm), stub_comm_device(comm));
    }
    if (bytes > stub_device_bytes_from(address)) {
        return stub_fail(HCCL_E_PARA,
                         "%s: the %zu bytes of %s %p reach beyond the end of the device's memory, which is %zu bytes "
                         "away.",
                         function, bytes, name, address, stub_device_bytes_from(address));
    }
    return HCCL_SUCCESS;
}

/* In place is where this rank's own part would be: anything else that overlaps would be read after it is written. */
static HcclResult check_overlap(const collective *asked, const stub_comm *comm, size_t send_bytes,
                                size_t receive_bytes) {
    const uintptr_t send = (uintptr_t)asked->send, receive = (uintptr_t)asked->receive;
    const size_t smaller = send_bytes < receive_bytes ? send_bytes : receive_bytes;
    const bool has_parts = asked->kind->sends_all || asked->kind->receives_all;
    const size_t own = has_parts ? stub_comm_rank(comm) * smaller : 0;
    const uintptr_t in_place = asked->kind->sends_all ? send + own : receive + own;
    if (send >= receive + receive_bytes || receive >= send + send_bytes ||
        in_place == (asked->kind->sends_all ? receive : send)) {
        return HCCL_SUCCESS;
    }
    return stub_fail(HCCL_E_PARA,
                     "%s: %s %p (%zu bytes) and %s %p (%zu bytes) overlap. Give buffers that do not, or work in place: "
                     "the smaller one then is this rank's own part of the other.",
                     asked->operation.name, asked->kind->send, asked->send, send_bytes, asked->kind->receive,
                     asked->receive, receive_bytes);
}

HcclResult check_collective_buffers(const collective *asked, const stub_comm *comm) {
    const collective_kind *kind = asked->kind;
    const char *function = asked->operation.name;
    const size_t bytes = asked->operation.count * stub_hccl_type_bytes(asked->operation.data_type);
    const size_t send_bytes = kind->sends_all ? stub_comm_size(comm) * bytes : bytes;
    const size_t receive_bytes = kind->receives_all ? stub_comm_size(comm) * bytes : bytes;
    HcclResult status = HCCL_SUCCESS;
    if (kind->send != NULL) {
        status = check_memory(function, kind->send, asked->send, send_bytes, comm);
    }
    if (status == HCCL_SUCCESS && kind->receive != NULL) {
        status = check_memory(function, kind->receive, asked->receive, receive_bytes, comm);
    }
    if (status == HCCL_SUCCESS && kind->send != NULL && kind->receive != NULL) {
        status = check_overlap(asked, comm, send_bytes, receive_bytes);
    }
    return status;
}
