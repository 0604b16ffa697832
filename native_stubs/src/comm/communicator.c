/* Communicators as objects: what they are made of, references, tickets. */
#include "comm/communicator.h"

#include <stdio.h>
#include <stdlib.h>

#include "check/place.h"
#include "comm/state.h"
#include "core/context.h"
#include "core/error.h"

/* In turn: the others learn that this rank does not take part. */
static void skip(void *owner, uint64_t ticket, int kind) {
    stub_comm *comm = owner;
    const stub_verdict verdict = {.kind = (stub_verdict_kind)kind, .rank = comm->rank};
    stub_board_write_outcome(comm->board, comm->rank, ticket, verdict);
    stub_board_advance(comm->board, comm->rank, stub_position_of(ticket, STUB_STEP_ENDED));
    stub_board_ring(comm->board);
}

stub_comm *stub_comm_new(stub_segment *segment, uint32_t rank, uint32_t size, int device, const char *name) {
    stub_comm *comm = stub_handle_new(STUB_HANDLE_COMMUNICATOR, sizeof *comm);
    if (comm == NULL) {
        stub_segment_release(segment);
        stub_fail(HCCL_E_MEMORY, "the host has no memory for a communicator.");
        return NULL;
    }
    atomic_init(&comm->references, 1);
    comm->rank = rank;
    comm->size = size;
    comm->device = device;
    snprintf(comm->name, sizeof comm->name, "%s", name);
    comm->segment = segment;
    comm->board = stub_segment_board(segment);
    pthread_mutex_init(&comm->submitting, NULL);
    stub_turns_init(&comm->turns, skip, comm);
    return comm;
}

stub_comm *stub_comm_retain(stub_comm *comm) {
    atomic_fetch_add_explicit(&comm->references, 1, memory_order_relaxed);
    return comm;
}

/* A forked child only has copies of the parent's objects and must not touch what is shared. */
void stub_comm_release(stub_comm *comm) {
    if (comm == NULL || stub_is_forked_child() ||
        atomic_fetch_sub_explicit(&comm->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    stub_turns_free(&comm->turns);
    pthread_mutex_destroy(&comm->submitting);
    stub_segment_release(comm->segment);
    stub_handle_release(comm, STUB_HANDLE_COMMUNICATOR);
}

uint32_t stub_comm_rank(const stub_comm *comm) {
    return comm->rank;
}

uint32_t stub_comm_size(const stub_comm *comm) {
    return comm->size;
}

int stub_comm_device(const stub_comm *comm) {
    return comm->device;
}

const char *stub_comm_name(const stub_comm *comm) {
    return comm->name;
}

/* The reference is for the unlocking: a refused task gives back its own while the lock is held. */
uint64_t stub_comm_begin_submit(stub_comm *comm) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_place_to_keep(); /* the queueing asks for it, under the lock, where it may not be taken any more */
    }
    stub_comm_retain(comm);
    pthread_mutex_lock(&comm->submitting);
    return stub_turns_give(&comm->turns);
}

void stub_comm_end_submit(stub_comm *comm) {
    pthread_mutex_unlock(&comm->submitting);
    stub_comm_release(comm);
}

void stub_comm_drop(stub_comm *comm, uint64_t ticket) {
    if (!stub_is_forked_child()) {
        stub_turns_give_up(&comm->turns, ticket, STUB_VERDICT_DROPPED);
    }
}
