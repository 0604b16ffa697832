/* Communicators from device lists and from root infos. */
#include "comm/creation.h"

#include "hccl/arguments.h"
#include "hccl/comm_config.h"
#include "hccl/hccl_comm.h"

static HcclResult check_devices(uint32_t ndev, const int32_t *devices) {
    for (uint32_t i = 0; i < ndev; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (devices[i] == devices[j]) {
                return stub_fail(HCCL_E_PARA, "HcclCommInitAll: devices[%u] and devices[%u] are both %d.", j, i,
                                 devices[i]);
            }
        }
    }
    for (uint32_t i = 0; i < ndev; i++) {
        if (stub_device_check("HcclCommInitAll", devices[i]) != 0) {
            return stub_fail(HCCL_E_INTERNAL, "HcclCommInitAll: devices[%u], %d, is no device.", i, devices[i]);
        }
    }
    return HCCL_SUCCESS;
}

/* Ranks are threads, or become them: the communicators of all devices for one process. */
HcclResult HcclCommInitAll(uint32_t ndev, int32_t *devices, HcclComm *comms) {
    int current = 0;
    HcclResult status = current_device(__func__, &current);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    if (ndev == 0) {
        return stub_fail(HCCL_E_PARA, "%s: ndev is 0; it must be the length of devices.", __func__);
    }
    if (comms == NULL || devices == NULL) {
        return refuse_null(__func__, comms == NULL ? "comms" : "devices");
    }
    status = check_devices(ndev, devices);
    if (status == HCCL_SUCCESS) {
        status = stub_comm_check_environment();
    }
    for (uint32_t i = 0; i < ndev; i++) {
        comms[i] = NULL;
    }
    return status == HCCL_SUCCESS ? stub_comm_create_all(ndev, devices, comms) : status;
}

HcclResult HcclGetRootInfo(HcclRootInfo *rootInfo) {
    int device = 0;
    HcclResult status = current_device(__func__, &device);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    if (rootInfo == NULL) {
        return refuse_null(__func__, "rootInfo");
    }
    status = stub_comm_check_environment();
    return status == HCCL_SUCCESS ? stub_comm_open_root(device, rootInfo) : status;
}

static HcclResult check_root_info(const char *function, uint32_t nRanks, const HcclRootInfo *rootInfo, uint32_t rank,
                                  HcclComm *comm, int *device) {
    HcclResult status = current_device(function, device);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    if (nRanks == 0 || rank >= nRanks) {
        return stub_fail(HCCL_E_PARA, "%s: rank is %u and nRanks %u; nRanks must be 1 or more and rank below it.",
                         function, rank, nRanks);
    }
    if (comm == NULL || rootInfo == NULL) {
        return refuse_null(function, comm == NULL ? "comm" : "rootInfo");
    }
    return stub_comm_check_environment();
}

HcclResult HcclCommInitRootInfo(uint32_t nRanks, const HcclRootInfo *rootInfo, uint32_t rank, HcclComm *comm) {
    int device = 0;
    HcclResult status = check_root_info(__func__, nRanks, rootInfo, rank, comm, &device);
    return status == HCCL_SUCCESS ? stub_comm_join(rootInfo, nRanks, rank, device, NULL, comm) : status;
}

HcclResult HcclCommInitRootInfoConfig(uint32_t nRanks, const HcclRootInfo *rootInfo, uint32_t rank,
                                      const HcclCommConfig *config, HcclComm *comm) {
    int device = 0;
    HcclCommConfig known;
    HcclResult status = check_root_info(__func__, nRanks, rootInfo, rank, comm, &device);
    if (status == HCCL_SUCCESS) {
        status = read_comm_config(__func__, config, &known);
    }
    if (status != HCCL_SUCCESS) {
        return status;
    }
    const char *name = known.hcclCommName[0] != '\0' ? known.hcclCommName : NULL;
    return stub_comm_join(rootInfo, nRanks, rank, device, name, comm);
}
