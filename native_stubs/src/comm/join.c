/* A rank's way into a communicator that lives in several processes, or in threads that know each other no better. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "comm/creation.h"
#include "comm/environment.h"
#include "comm/identifier.h"
#include "comm/introduction.h"
#include "comm/root.h"
#include "comm/state.h"
#include "comm/wire.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/fork.h"

#define RETRY_US 10000
#define ROOT_INFO_MAGIC UINT64_C(0x6f6f722d73747562)

/* What the opaque bytes of a root info are. */
typedef struct {
    uint64_t magic;
    uint32_t version;
    char identifier[STUB_IDENTIFIER_BYTES]; /* names the meeting place, too */
} root_info;

static HcclResult prepare(const stub_join_request *wanted) {
    if (stub_refuse_forked_child("joining a communicator") != 0) {
        return HCCL_E_RUNTIME;
    }
    if (wanted->count > STUB_COMM_RANKS) {
        return (HcclResult)stub_fail(HCCL_E_PARA,
                                     "nRanks %u: ranks need devices of their own, and the stand-in has at most %d.",
                                     wanted->count, STUB_COMM_RANKS);
    }
    const HcclResult result = wanted->name == NULL ? HCCL_SUCCESS : stub_registry_check(wanted->device, wanted->name);
    return result == HCCL_SUCCESS ? stub_comm_prepare_device(wanted->device) : result;
}

/* ---- with a root info ---- */

HcclResult stub_comm_open_root(int device, HcclRootInfo *info) {
    root_info made = {.magic = ROOT_INFO_MAGIC, .version = STUB_WIRE_VERSION};
    if (stub_refuse_forked_child("HcclGetRootInfo") != 0) {
        return HCCL_E_RUNTIME;
    }
    HcclResult result = HCCL_E_UNAVAIL;
    while (result == HCCL_E_UNAVAIL) { /* another process has had the same idea in the same microsecond */
        stub_make_identifier(device, made.identifier);
        result = stub_root_open(made.identifier, made.identifier);
    }
    memset(info, 0, sizeof *info);
    memcpy(info->internal, &made, sizeof made);
    return result;
}

static HcclResult read_root_info(const HcclRootInfo *info, root_info *read) {
    memcpy(read, info->internal, sizeof *read);
    if (read->magic == ROOT_INFO_MAGIC && read->version == STUB_WIRE_VERSION &&
        memchr(read->identifier, '\0', sizeof read->identifier) != NULL) {
        return HCCL_SUCCESS;
    }
    return (HcclResult)stub_fail(HCCL_E_PARA,
                                 "rootInfo does not hold what HcclGetRootInfo of this stand-in wrote. Hand all %zu "
                                 "bytes of rank 0's root info to every rank, unchanged.",
                                 sizeof *info);
}

static HcclResult fail_nobody(const stub_join_request *wanted, const char *identifier) {
    return (HcclResult)stub_fail(
        HCCL_E_TCP_CONNECT,
        "rank %u: nobody waits where rootInfo points to (%s): %s. A root info serves one communicator, while the "
        "process that made it lives, for HCCL_CONNECT_TIMEOUT (%.6g s).",
        wanted->rank, identifier, strerror(errno), stub_comm_connect_timeout_s());
}

HcclResult stub_comm_join(const HcclRootInfo *info, uint32_t count, uint32_t rank, int device, const char *name,
                          HcclComm *comm) {
    const stub_join_request wanted = {count, rank, device, name, stub_comm_connect_deadline()};
    root_info root;
    bool met = false;
    HcclResult result = prepare(&wanted);
    if (result == HCCL_SUCCESS) {
        result = read_root_info(info, &root);
    }
    if (result != HCCL_SUCCESS) {
        return result;
    }
    const int socket = stub_wire_connect(root.identifier);
    if (socket < 0) {
        return fail_nobody(&wanted, root.identifier);
    }
    result = stub_introduce(socket, &wanted, comm, &met);
    return met ? result : stub_fail_join_lost(&wanted);
}

/* ---- with a key ---- */

/* Whoever comes first opens the meeting place. */
static HcclResult open_by_key(const char *key, const stub_join_request *wanted) {
    char identifier[STUB_IDENTIFIER_BYTES];
    stub_make_identifier(wanted->device, identifier);
    const HcclResult result = stub_root_open(key, identifier);
    return result == HCCL_E_UNAVAIL ? HCCL_SUCCESS : result;
}

/* The place may just be closing, for a communicator that is complete or whose first rank has died. */
static HcclResult meet_by_key(const char *key, const stub_join_request *wanted, HcclComm *comm) {
    bool met = false;
    HcclResult result = HCCL_SUCCESS;
    while (!met && stub_now_ns() < wanted->deadline_ns) {
        result = open_by_key(key, wanted);
        if (result != HCCL_SUCCESS) {
            return result;
        }
        const int socket = stub_wire_connect(key);
        result = socket < 0 ? HCCL_SUCCESS : stub_introduce(socket, wanted, comm, &met);
        if (!met) {
            usleep(RETRY_US);
        }
    }
    return met ? result : stub_fail_join_timeout(wanted);
}

/* Jobs of the same user with the same key that start at the same time would mix: it is the caller who makes the key
 * tell them apart. */
HcclResult stub_comm_join_by_key(const char *key, uint32_t count, uint32_t rank, int device, const char *name,
                                 HcclComm *comm) {
    const stub_join_request wanted = {count, rank, device, name, stub_comm_connect_deadline()};
    const HcclResult result = prepare(&wanted);
    return result == HCCL_SUCCESS ? meet_by_key(key, &wanted, comm) : result;
}
