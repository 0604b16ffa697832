/* Questions to a communicator, and its end. */
#include "comm/communicator.h"

#include <string.h>

#include "comm/creation.h"
#include "hccl/arguments.h"
#include "hccl/hccl_comm.h"

/* The communicator behind a handle, retained; `result`, called `name`, is where the caller wants the answer. */
static HcclResult open_comm(const char *function, HcclComm handle, const void *result, const char *name,
                            stub_comm **comm) {
    if (handle == NULL || result == NULL) {
        return refuse_null(function, handle == NULL ? "comm" : name);
    }
    *comm = stub_comm_from_handle(handle, function);
    return *comm != NULL ? HCCL_SUCCESS : HCCL_E_PARA;
}

/* commName has room for COMM_NAME_MAX_LENGTH bytes; only the name and its end are written. */
HcclResult HcclGetCommName(HcclComm comm, char *commName) {
    stub_comm *found = NULL;
    HcclResult status = open_comm(__func__, comm, commName, "commName", &found);
    if (status == HCCL_SUCCESS) {
        strcpy(commName, stub_comm_name(found));
    }
    stub_comm_release(found);
    return status;
}

HcclResult HcclGetRankSize(HcclComm comm, uint32_t *rankSize) {
    stub_comm *found = NULL;
    HcclResult status = open_comm(__func__, comm, rankSize, "rankSize", &found);
    if (status == HCCL_SUCCESS) {
        *rankSize = stub_comm_size(found);
    }
    stub_comm_release(found);
    return status;
}

HcclResult HcclGetRankId(HcclComm comm, uint32_t *rank) {
    stub_comm *found = NULL;
    HcclResult status = open_comm(__func__, comm, rank, "rank", &found);
    if (status == HCCL_SUCCESS) {
        *rank = stub_comm_rank(found);
    }
    stub_comm_release(found);
    return status;
}

HcclResult HcclGetCommAsyncError(HcclComm comm, HcclResult *asyncError) {
    stub_comm *found = NULL;
    HcclResult status = open_comm(__func__, comm, asyncError, "asyncError", &found);
    if (status == HCCL_SUCCESS) {
        *asyncError = stub_comm_async_error(found);
    }
    stub_comm_release(found);
    return status;
}

/* Of the current device's communicators. */
HcclResult HcclCommGetHandleWithName(const char *commName, HcclComm *comm) {
    int device = 0;
    if (commName == NULL || comm == NULL) {
        return refuse_null(__func__, commName == NULL ? "commName" : "comm");
    }
    HcclResult status = current_device(__func__, &device);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    stub_comm *found = stub_comm_find(device, commName);
    if (found == NULL) {
        return stub_fail(HCCL_E_PARA, "%s: commName \"%s\" is the name of no communicator here.", __func__, commName);
    }
    *comm = found;
    stub_comm_release(found);
    return HCCL_SUCCESS;
}

HcclResult HcclCommDestroy(HcclComm comm) {
    int device = 0;
    HcclResult status = current_device(__func__, &device);
    return status != HCCL_SUCCESS || comm == NULL ? status : stub_comm_destroy(comm);
}
