/* Collective operations as work of a stream. Every rank takes one slice of the result, reads that slice of all ranks'
 * sources and writes it to every rank that shall have it: each byte crosses memory once each way, nothing is staged,
 * and the meetings at the start and at the end are all the waiting there is.
 *
 * Operations in place are safe because a slice of a source is read by one rank only, which writes no block of it before
 * it has read that block of every source. */
#include <stdbool.h>
#include <string.h>

#include "acl/acl_base.h"
#include "comm/board.h"
#include "comm/communicator.h"
#include "comm/reduce.h"
#include "core/error.h"
#include "core/parallel.h"

enum {
    LINE = 64,         /* bytes: slices of two ranks share no cache line of an aligned buffer */
    BLOCK = 16 << 10,  /* bytes: the reduced block is still in the first level cache when it is copied on */
    PIECE = 128 << 10, /* bytes: what a thread takes at a time */
    SHARED = 256 << 10 /* bytes: less is not worth waking a thread for */
};

/* One rank's part of an operation: elements first .. first + count of the sources go to the same place of the targets,
 * combined by `reduce` (NULL: there is one source). */
typedef struct {
    stub_reduction reduce;
    size_t size; /* bytes of an element */
    size_t first, count;
    uint32_t source_count, target_count;
    unsigned char **sources, **targets;
} transfer;

static void move_block(const transfer *part, size_t first, size_t count) {
    const size_t offset = first * part->size, bytes = count * part->size;
    const unsigned char *result = part->sources[0] + offset;
    if (part->reduce != NULL) {
        part->reduce(part->targets[0] + offset, part->sources, part->source_count, first, count);
        result = part->targets[0] + offset;
    }
    for (uint32_t i = 0; i < part->target_count; i++) {
        if (part->targets[i] + offset != result) {
            memcpy(part->targets[i] + offset, result, bytes);
        }
    }
}

static void move_piece(void *state, size_t index) {
    const transfer *part = state;
    const size_t piece = PIECE / part->size, block = BLOCK / part->size;
    const size_t start = index * piece;
    const size_t end = part->count - start < piece ? part->count : start + piece;
    for (size_t done = start; done < end; done += block) {
        move_block(part, part->first + done, end - done < block ? end - done : block);
    }
}

/* The other ranks' workers are busy with their own slices: helpers pay only where there are more threads than ranks. */
static void move_all(stub_comm *comm, transfer *part) {
    const size_t bytes = part->count * part->size;
    const size_t pieces = (bytes + PIECE - 1) / PIECE;
    if (bytes >= SHARED && stub_parallel_threads() > stub_comm_size(comm)) {
        stub_parallel(pieces, move_piece, part);
        return;
    }
    for (size_t i = 0; i < pieces; i++) {
        move_piece(part, i);
    }
}

/* This rank's share of the elements. */
static void take_slice(stub_comm *comm, size_t elements, transfer *part) {
    const size_t ranks = stub_comm_size(comm), line = LINE / part->size;
    const size_t share = ((elements + ranks - 1) / ranks + line - 1) / line * line;
    const size_t start = stub_comm_rank(comm) * share;
    part->first = start < elements ? start : elements;
    part->count = elements - part->first < share ? elements - part->first : share;
}

typedef struct {
    uint32_t first, count; /* ranks */
    int which;
    size_t offset; /* bytes behind the start of the rank's buffer */
} buffer_set;

static int find_buffers(stub_comm *comm, const buffer_set *set, unsigned char **found) {
    for (uint32_t i = 0; i < set->count; i++) {
        const uint32_t rank = set->first + i;
        unsigned char *buffer = stub_comm_peer(comm, rank, set->which);
        if (buffer == NULL) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "rank %u gave no %s buffer to %s.", rank,
                             set->which == STUB_COMM_SEND ? "send" : "receive", stub_comm_name(comm));
        }
        found[i] = buffer + set->offset;
    }
    return 0;
}

/* Between begin and end. Sources and targets are consecutive ranks' buffers. */
static int run_transfer(stub_comm *comm, transfer *part, const buffer_set *from, const buffer_set *to) {
    unsigned char *buffers[2 * STUB_COMM_RANKS];
    int status = find_buffers(comm, from, buffers);
    if (status == 0) {
        status = find_buffers(comm, to, buffers + from->count);
    }
    if (status == 0 && part->count > 0) {
        part->sources = buffers;
        part->source_count = from->count;
        part->targets = buffers + from->count;
        part->target_count = to->count;
        move_all(comm, part);
    }
    return status;
}

static int begin_transfer(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation,
                          const stub_comm_buffer *send, const stub_comm_buffer *receive) {
    const stub_comm_buffer buffers[STUB_COMM_BUFFERS] = {[STUB_COMM_SEND] = *send, [STUB_COMM_RECEIVE] = *receive};
    return stub_comm_begin(comm, ticket, operation, buffers);
}

/* 0, or what the ranks get that cannot know the elements or their arithmetic. */
static int describe(const stub_comm_operation *operation, bool reduces, transfer *part) {
    *part = (transfer){.size = stub_hccl_type_bytes(operation->data_type)};
    if (reduces && part->size != 0) {
        part->reduce = stub_find_reduction(operation->data_type, operation->reduce_op);
    }
    if (part->size == 0 || (reduces && part->reduce == NULL)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: data type %d with operator %d is not implemented.",
                         operation->name, operation->data_type, operation->reduce_op);
    }
    return 0;
}

int stub_comm_all_reduce(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                         void *receive) {
    transfer part;
    int status = describe(operation, true, &part);
    if (status != 0) {
        return stub_comm_fail(comm, ticket, operation, status);
    }
    const size_t bytes = operation->count * part.size;
    status =
        begin_transfer(comm, ticket, operation, &(stub_comm_buffer){send, bytes}, &(stub_comm_buffer){receive, bytes});
    if (status == 0) {
        const uint32_t ranks = stub_comm_size(comm);
        take_slice(comm, operation->count, &part);
        status = run_transfer(comm, &part, &(buffer_set){0, ranks, STUB_COMM_SEND, 0},
                              &(buffer_set){0, ranks, STUB_COMM_RECEIVE, 0});
    }
    return stub_comm_end(comm, ticket, status);
}

int stub_comm_all_gather(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                         void *receive) {
    transfer part;
    int status = describe(operation, false, &part);
    if (status != 0) {
        return stub_comm_fail(comm, ticket, operation, status);
    }
    const uint32_t ranks = stub_comm_size(comm), rank = stub_comm_rank(comm);
    const size_t bytes = operation->count * part.size;
    status = begin_transfer(comm, ticket, operation, &(stub_comm_buffer){send, bytes},
                            &(stub_comm_buffer){receive, ranks * bytes});
    if (status == 0) {
        part.count = operation->count;
        status = run_transfer(comm, &part, &(buffer_set){rank, 1, STUB_COMM_SEND, 0},
                              &(buffer_set){0, ranks, STUB_COMM_RECEIVE, rank * bytes});
    }
    return stub_comm_end(comm, ticket, status);
}

int stub_comm_reduce_scatter(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, const void *send,
                             void *receive) {
    transfer part;
    int status = describe(operation, true, &part);
    if (status != 0) {
        return stub_comm_fail(comm, ticket, operation, status);
    }
    const uint32_t ranks = stub_comm_size(comm), rank = stub_comm_rank(comm);
    const size_t bytes = operation->count * part.size;
    status = begin_transfer(comm, ticket, operation, &(stub_comm_buffer){send, ranks * bytes},
                            &(stub_comm_buffer){receive, bytes});
    if (status == 0) {
        part.count = operation->count;
        status = run_transfer(comm, &part, &(buffer_set){0, ranks, STUB_COMM_SEND, rank * bytes},
                              &(buffer_set){rank, 1, STUB_COMM_RECEIVE, 0});
    }
    return stub_comm_end(comm, ticket, status);
}

int stub_comm_broadcast(stub_comm *comm, uint64_t ticket, const stub_comm_operation *operation, void *buffer) {
    transfer part;
    int status = describe(operation, false, &part);
    if (status != 0) {
        return stub_comm_fail(comm, ticket, operation, status);
    }
    status = begin_transfer(comm, ticket, operation, &(stub_comm_buffer){NULL, 0},
                            &(stub_comm_buffer){buffer, operation->count * part.size});
    if (status == 0) {
        take_slice(comm, operation->count, &part);
        status = run_transfer(comm, &part, &(buffer_set){(uint32_t)operation->root, 1, STUB_COMM_RECEIVE, 0},
                              &(buffer_set){0, stub_comm_size(comm), STUB_COMM_RECEIVE, 0});
    }
    return stub_comm_end(comm, ticket, status);
}

int stub_comm_barrier(stub_comm *comm, uint64_t ticket) {
    const stub_comm_operation operation = {.name = "HcclBarrier", .data_type = -1, .reduce_op = -1, .root = -1};
    const stub_comm_buffer none = {NULL, 0};
    return stub_comm_end(comm, ticket, begin_transfer(comm, ticket, &operation, &none, &none));
}
