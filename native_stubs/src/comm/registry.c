/* The communicators of this process, by device and name and by handle. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "comm/state.h"
#include "core/error.h"
#include "core/fork.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_comm *communicators; /* under the lock */

/* Under the lock; `device` -1: any. */
static stub_comm *find(int device, const char *name) {
    for (stub_comm *comm = communicators; comm != NULL; comm = comm->next) {
        if ((device < 0 || comm->device == device) && strcmp(comm->name, name) == 0) {
            return comm;
        }
    }
    return NULL;
}

static HcclResult refuse_second(int device, const char *name) {
    return (HcclResult)stub_fail(HCCL_E_PARA,
                                 "device %d of this process has a communicator named \"%s\" already. Destroy that one "
                                 "first, or choose another name.",
                                 device, name);
}

HcclResult stub_registry_check(int device, const char *name) {
    pthread_mutex_lock(&lock);
    const bool exists = find(device, name) != NULL;
    pthread_mutex_unlock(&lock);
    return exists ? refuse_second(device, name) : HCCL_SUCCESS;
}

HcclResult stub_registry_add(stub_comm *comm) {
    pthread_mutex_lock(&lock);
    const bool exists = find(comm->device, comm->name) != NULL;
    if (!exists) {
        comm->next = communicators;
        communicators = comm;
    }
    pthread_mutex_unlock(&lock);
    return exists ? refuse_second(comm->device, comm->name) : HCCL_SUCCESS;
}

/* Under the lock. */
static stub_comm **find_link(const void *handle) {
    stub_comm **link = &communicators;
    while (*link != NULL && *link != handle) {
        link = &(*link)->next;
    }
    return link;
}

bool stub_registry_remove(stub_comm *comm) {
    pthread_mutex_lock(&lock);
    stub_comm **link = find_link(comm);
    const bool found = *link != NULL;
    if (found) {
        *link = comm->next;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* Under the lock: "a", "b"; or none. */
static void list_names(int device, char *text, size_t size) {
    size_t used = 0;
    snprintf(text, size, "none");
    for (const stub_comm *comm = communicators; comm != NULL && used < size; comm = comm->next) {
        if (comm->device == device) {
            used += (size_t)snprintf(text + used, size - used, "%s\"%s\"", used == 0 ? "" : ", ", comm->name);
        }
    }
}

/* Under the lock. */
static void explain_unknown(int device, const char *name) {
    const stub_comm *elsewhere = find(-1, name);
    if (elsewhere != NULL) {
        stub_fail(HCCL_E_NOT_FOUND,
                  "this thread's current device is %d; the communicator named \"%s\" is on device %d. Make a context "
                  "of that device current (aclrtSetDevice) before the call.",
                  device, name, elsewhere->device);
        return;
    }
    char names[1024];
    list_names(device, names, sizeof names);
    stub_fail(HCCL_E_NOT_FOUND,
              "device %d has no communicator named \"%s\"; it has: %s. Pass the name that HcclGetCommName gives for a "
              "communicator that has not been destroyed.",
              device, name, names);
}

stub_comm *stub_comm_find(int device, const char *name) {
    if (stub_refuse_forked_child("looking for a communicator") != 0) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    stub_comm *comm = find(device, name);
    if (comm != NULL) {
        stub_comm_retain(comm);
    } else {
        explain_unknown(device, name);
    }
    pthread_mutex_unlock(&lock);
    return comm;
}

stub_comm *stub_comm_from_handle(HcclComm handle, const char *function) {
    if (stub_refuse_forked_child(function) != 0) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    stub_comm *comm = *find_link(handle);
    if (comm != NULL) {
        stub_comm_retain(comm);
    }
    pthread_mutex_unlock(&lock);
    if (comm == NULL) {
        stub_fail(HCCL_E_PARA, "%s: comm %p is no communicator of this process, or it has been destroyed.", function,
                  handle);
    }
    return comm;
}
