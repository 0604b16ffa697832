/* The inside of a communicator, for the files of this room only. */
#ifndef ASCEND_STUB_COMM_STATE_H
#define ASCEND_STUB_COMM_STATE_H

#include "comm/board.h"
#include "comm/segment.h"
#include "comm/turns.h"
#include "core/handle.h"

/* The operation whose turn it is; only the worker that runs it touches this. */
typedef struct {
    uint64_t deadline_ns; /* stub_now_ns; UINT64_MAX: never */
    stub_verdict verdict; /* the first thing that went wrong; its text is given */
    char *peers[STUB_COMM_RANKS][STUB_COMM_BUFFERS];
} stub_running;

struct stub_comm {
    stub_handle handle;
    stub_comm *next; /* the registry's */
    _Atomic(uint32_t) references;
    atomic_bool destroyed;
    uint32_t rank, size;
    int device;
    char name[COMM_NAME_MAX_LENGTH];
    stub_segment *segment;
    stub_board *board;          /* the segment's */
    pthread_mutex_t submitting; /* from a ticket to its place in a stream */
    stub_turns turns;
    stub_post post; /* what this rank is doing, or did last */
    stub_running running;
};

/* A rank of the segment (whose reference it takes) with its first reference; NULL with a text. Not yet registered. */
stub_comm *stub_comm_new(stub_segment *segment, uint32_t rank, uint32_t size, int device, const char *name);

/* ---- creation ---- */

/* The device's memory exists, for others to reach; HCCL_E_MEMORY with a text. */
HcclResult stub_comm_prepare_device(int device);

/* A rank that has joined the segment (whose reference it takes) becomes a communicator that can be found. */
HcclResult stub_comm_publish(stub_segment *segment, uint32_t rank, uint32_t size, int device, const char *name,
                             HcclComm *handle);

/* ---- registry ---- */

/* HCCL_E_PARA with a text when the device has a communicator of that name. */
HcclResult stub_registry_check(int device, const char *name);

/* Makes the communicator known (its first reference becomes the registry's), or fails as stub_registry_check does. */
HcclResult stub_registry_add(stub_comm *comm);

/* Forgets a communicator, whose first reference is the caller's then; false when another thread was faster. */
bool stub_registry_remove(stub_comm *comm);

#endif
