/* HcclCommInitClusterInfo and its form with a config: communicators from a rank table. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "comm/creation.h"
#include "core/settings.h"
#include "hccl/arguments.h"
#include "hccl/comm_config.h"
#include "hccl/hccl_comm.h"
#include "hccl/rank_table.h"

#define WORLD_GROUP "hccl_world_group"

typedef struct {
    const char *function;
    const char *path;
    uint32_t rank;
    int device;
    const char *name;
} request;

static HcclResult check_rank(const request *asked, const rank_table *table) {
    const stub_settings *settings = stub_get_settings();
    if (asked->rank >= table->size) {
        return stub_fail(HCCL_E_PARA, "%s: rank is %u; the rank table %s has %u ranks.", asked->function, asked->rank,
                         asked->path, table->size);
    }
    const int physical = settings->visible_count > 0 ? settings->visible[asked->device] : asked->device;
    if (table->ranks[asked->rank].device != (uint32_t)physical) {
        return stub_fail(HCCL_E_UNAVAIL,
                         "%s: rank %u has device %u in the rank table %s, but the thread's current device is %d. Call "
                         "aclrtSetDevice first.",
                         asked->function, asked->rank, table->ranks[asked->rank].device, asked->path, physical);
    }
    return HCCL_SUCCESS;
}

/* What all ranks of a job have in common and those of no other: jobs at the same time have files of their own, even if
 * they say the same. */
static void write_key(const char *path, const rank_table *table, char *key, size_t size) {
    char *real = realpath(path, NULL);
    size_t length = (size_t)snprintf(key, size, "rank table %s", real != NULL ? real : path);
    free(real);
    for (uint32_t rank = 0; rank < table->size && length < size; rank++) {
        length += (size_t)snprintf(key + length, size - length, " %s/%u", table->ranks[rank].server,
                                   table->ranks[rank].device);
    }
}

/* The one status that tells a second communicator of this kind apart is 7, where others say 1. */
static HcclResult refuse_second(const request *asked, HcclResult status) {
    stub_comm *other = status == HCCL_E_PARA ? stub_comm_find(asked->device, asked->name) : NULL;
    if (other == NULL) {
        return status;
    }
    stub_comm_release(other);
    return stub_fail(HCCL_E_UNAVAIL, "%s: device %d has a communicator \"%s\" already. Destroy that one first.",
                     asked->function, asked->device, asked->name);
}

static HcclResult join(const request *asked, HcclComm *comm) {
    char key[PATH_MAX + STUB_MAX_DEVICES * (RANK_TABLE_SERVER_BYTES + 4) + 16];
    rank_table table;
    HcclResult status = read_rank_table(asked->function, asked->path, &table);
    if (status == HCCL_SUCCESS) {
        status = check_rank(asked, &table);
    }
    if (status != HCCL_SUCCESS) {
        return status;
    }
    write_key(asked->path, &table, key, sizeof key);
    status = stub_comm_join_by_key(key, table.size, asked->rank, asked->device, asked->name, comm);
    return refuse_second(asked, status);
}

static HcclResult check_arguments(const char *function, const char *clusterInfo, HcclComm *comm, int *device) {
    HcclResult status = current_device(function, device);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    if (clusterInfo == NULL || comm == NULL) {
        return refuse_null(function, clusterInfo == NULL ? "clusterInfo" : "comm");
    }
    return HCCL_SUCCESS;
}

HcclResult HcclCommInitClusterInfo(const char *clusterInfo, uint32_t rank, HcclComm *comm) {
    request asked = {__func__, clusterInfo, rank, 0, WORLD_GROUP};
    HcclResult status = check_arguments(__func__, clusterInfo, comm, &asked.device);
    if (status == HCCL_SUCCESS) {
        status = stub_comm_check_environment();
    }
    return status == HCCL_SUCCESS ? join(&asked, comm) : status;
}

HcclResult HcclCommInitClusterInfoConfig(const char *clusterInfo, uint32_t rank, HcclCommConfig *config,
                                         HcclComm *comm) {
    HcclCommConfig known;
    request asked = {__func__, clusterInfo, rank, 0, WORLD_GROUP};
    HcclResult status = check_arguments(__func__, clusterInfo, comm, &asked.device);
    if (status == HCCL_SUCCESS && config == NULL) {
        status = refuse_null(__func__, "config");
    }
    if (status == HCCL_SUCCESS) {
        status = stub_comm_check_environment();
    }
    if (status == HCCL_SUCCESS) {
        status = read_comm_config(__func__, config, &known);
    }
    if (status != HCCL_SUCCESS) {
        return status;
    }
    if (known.hcclCommName[0] != '\0') {
        asked.name = known.hcclCommName;
    }
    return join(&asked, comm);
}
