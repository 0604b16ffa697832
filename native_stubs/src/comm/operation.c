/* The steps of an operation; see communicator.h. */
#include <string.h>

#include "acl/acl_base.h"
#include "check/order.h"
#include "comm/environment.h"
#include "comm/verdict.h"
#include "comm/wait.h"
#include "core/clock.h"
#include "core/device_space.h"
#include "core/error.h"
#include "core/release.h"
#include "watch/watch.h"

/* The first thing that goes wrong is what this rank tells the others. */
static int fail_running(stub_comm *comm, stub_verdict verdict, int status) {
    if (comm->running.verdict.kind == STUB_VERDICT_GOOD) {
        comm->running.verdict = verdict;
    }
    return status;
}

static int fail_own(stub_comm *comm, int status) {
    return fail_running(comm, (stub_verdict){.kind = STUB_VERDICT_FAILED, .rank = comm->rank, .status = status},
                        status);
}

/* Goes to the step and waits until all are there. */
static int go_to(stub_comm *comm, uint64_t ticket, uint32_t step) {
    const stub_position target = stub_position_of(ticket, step);
    stub_board_advance(comm->board, comm->rank, target);
    const stub_verdict verdict = stub_wait_for_ranks(comm, target);
    return verdict.kind == STUB_VERDICT_GOOD ? 0
                                             : fail_running(comm, verdict, stub_verdict_report(comm, &verdict, target));
}

static void name_operation(stub_comm *comm, const stub_comm_operation *operation) {
    comm->post = (stub_post){.data_type = operation->data_type,
                             .reduce_op = operation->reduce_op,
                             .root = operation->root,
                             .count = operation->count};
    strncpy(comm->post.name, operation->name, sizeof comm->post.name - 1);
    memcpy(comm->post.dims, operation->dims, sizeof comm->post.dims);
}

static int refuse_buffer(const stub_comm *comm, const char *which, const stub_comm_buffer *buffer, const char *why) {
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "%s: the %s buffer at %p (%zu bytes) of rank %u %s; give memory of device %d, the communicator's, "
                     "from aclrtMalloc.",
                     comm->post.name, which, buffer->address, buffer->bytes, comm->rank, why, comm->device);
}

static int locate_buffer(stub_comm *comm, int which, const stub_comm_buffer *buffer) {
    static const char *const names[] = {[STUB_COMM_SEND] = "send", [STUB_COMM_RECEIVE] = "receive"};
    int device = 0;
    size_t offset = 0;
    if (buffer->address == NULL) {
        return 0;
    }
    if (!stub_space_locate(buffer->address, &device, &offset)) {
        return refuse_buffer(comm, names[which], buffer, "is no device memory");
    }
    if (device != comm->device) {
        return refuse_buffer(comm, names[which], buffer, "is on another device");
    }
    if (buffer->bytes > stub_space_bytes() - offset) {
        return refuse_buffer(comm, names[which], buffer, "goes beyond the device's memory");
    }
    comm->post.buffers[which].offset = offset;
    comm->post.buffers[which].bytes = buffer->bytes;
    comm->post.buffers[which].present = 1;
    return 0;
}

static int locate_buffers(stub_comm *comm, const stub_comm_buffer buffers[STUB_COMM_BUFFERS]) {
    int status = 0;
    for (int which = 0; which < STUB_COMM_BUFFERS && status == 0; which++) {
        status = locate_buffer(comm, which, &buffers[which]);
    }
    return status;
}

static int lose_turn(stub_comm *comm, uint64_t ticket, const char *name, stub_turn_result why) {
    const stub_verdict interruption = stub_interruption(comm);
    if (why == STUB_TURN_TIMED_OUT) {
        stub_turns_give_up(&comm->turns, ticket, STUB_VERDICT_TIMED_OUT);
        return stub_fail(ACL_ERROR_RT_FFTS_PLUS_TIMEOUT,
                         "%s: rank %u of communicator \"%s\" has waited %.6g s (HCCL_EXEC_TIMEOUT) for an operation "
                         "that was queued earlier, on another stream of this rank.",
                         name, comm->rank, comm->name, stub_comm_exec_timeout_s());
    }
    stub_turns_give_up(&comm->turns, ticket, interruption.kind);
    return stub_fail(interruption.status,
                     "%s: rank %u of communicator \"%s\" was stopped while an earlier operation went on.", name,
                     comm->rank, comm->name);
}

static int take_turn(stub_comm *comm, uint64_t ticket, const char *name) {
    const uint64_t deadline = stub_comm_exec_deadline();
    const stub_turn_result result = stub_turns_take(&comm->turns, ticket, deadline);
    if (result != STUB_TURN_TAKEN) {
        return lose_turn(comm, ticket, name, result);
    }
    comm->running.deadline_ns = deadline;
    comm->running.verdict = (stub_verdict){.kind = STUB_VERDICT_GOOD};
    return 0;
}

static int refuse_destroyed(stub_comm *comm) {
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "%s: communicator \"%s\" of device %d was destroyed before the operation ran.", comm->post.name,
                     comm->name, comm->device);
}

/* What makes two posts the same operation; buffers may differ. */
static bool is_same_operation(const stub_post *left, const stub_post *right) {
    return strcmp(left->name, right->name) == 0 && left->data_type == right->data_type &&
           left->reduce_op == right->reduce_op && left->root == right->root && left->count == right->count &&
           memcmp(left->dims, right->dims, sizeof left->dims) == 0;
}

static int compare_with(stub_comm *comm, uint32_t rank, const stub_post *other) {
    if (is_same_operation(other, &comm->post)) {
        return 0;
    }
    const stub_verdict verdict = {
        .kind = STUB_VERDICT_MISMATCH, .rank = rank, .status = ACL_ERROR_RT_FFTS_PLUS_EXCEPTION};
    return fail_running(comm, verdict, stub_verdict_report_mismatch(comm, rank, other));
}

static void find_buffers(stub_comm *comm, uint32_t rank, const stub_post *post) {
    char *memory = stub_segment_memory(comm->segment, rank);
    for (int which = 0; which < STUB_COMM_BUFFERS; which++) {
        comm->running.peers[rank][which] =
            post->buffers[which].present != 0 ? memory + post->buffers[which].offset : NULL;
    }
}

static int meet_rank(stub_comm *comm, uint32_t rank, uint64_t ticket) {
    stub_post post;
    if (!stub_board_read_post(comm->board, rank, ticket, &post)) {
        const stub_verdict verdict = {
            .kind = STUB_VERDICT_GONE_ON, .rank = rank, .status = stub_release_remote_error()};
        return fail_running(comm, verdict, stub_verdict_report(comm, &verdict, 0));
    }
    find_buffers(comm, rank, &post);
    return compare_with(comm, rank, &post);
}

/* Every rank compares with every other, so that all come to the same conclusion. */
static int meet_all(stub_comm *comm, uint64_t ticket) {
    int status = 0;
    for (uint32_t rank = 0; rank < comm->size && status == 0; rank++) {
        status = meet_rank(comm, rank, ticket);
    }
    return status;
}

static int begin_in_turn(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                         const stub_comm_buffer buffers[STUB_COMM_BUFFERS]) {
    name_operation(comm, operation);
    int status = atomic_load(&comm->destroyed) ? refuse_destroyed(comm) : locate_buffers(comm, buffers);
    if (status != 0) {
        return fail_own(comm, status);
    }
    stub_board_write_post(comm->board, comm->rank, ticket, &comm->post);
    const bool checked = stub_is_watched_by(STUB_WATCH_CHECKS);
    if (checked) {
        stub_check_meeting(comm->name);
    }
    status = go_to(comm, ticket, STUB_STEP_BEGUN);
    if (checked && status == 0) {
        stub_check_met(comm->name);
    }
    return status == 0 ? meet_all(comm, ticket) : status;
}

int stub_comm_begin(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                    const stub_comm_buffer buffers[STUB_COMM_BUFFERS]) {
    const int status = take_turn(comm, ticket, operation->name);
    return status == 0 ? begin_in_turn(comm, ticket, operation, buffers) : status;
}

void *stub_comm_peer(stub_comm *comm, uint32_t rank, int which) {
    return comm->running.peers[rank][which];
}

/* How the others fared, now that all have said so. */
static int gather_outcomes(stub_comm *comm, uint64_t ticket) {
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        const stub_verdict verdict = stub_outcome_of(comm, rank, ticket);
        if (verdict.kind != STUB_VERDICT_GOOD) {
            return stub_verdict_report(comm, &verdict, 0);
        }
    }
    return 0;
}

static int end_in_turn(stub_comm *comm, uint64_t ticket, int status) {
    const stub_verdict verdict = comm->running.verdict;
    stub_board_write_outcome(comm->board, comm->rank, ticket, verdict);
    if (verdict.kind == STUB_VERDICT_GOOD) {
        status = go_to(comm, ticket, STUB_STEP_ENDED);
        return status == 0 ? gather_outcomes(comm, ticket) : status;
    }
    stub_board_advance(comm->board, comm->rank, stub_position_of(ticket, STUB_STEP_ENDED));
    stub_board_ring(comm->board);
    stub_wait_for_stragglers(comm, ticket);
    return status != 0 ? status : verdict.status;
}

int stub_comm_end(stub_comm *comm, uint64_t ticket, int status) {
    if (!stub_turns_has(&comm->turns, ticket)) {
        return status; /* begin has lost its turn */
    }
    if (status != 0) {
        fail_own(comm, status);
    }
    status = end_in_turn(comm, ticket, status);
    stub_turns_finish(&comm->turns, ticket);
    return status;
}

int stub_comm_fail(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, int status) {
    if (take_turn(comm, ticket, operation->name) == 0) {
        name_operation(comm, operation);
    }
    return stub_comm_end(comm, ticket, status);
}
