/* What the ranks of a communicator share: one board in shared memory, a slot on it for each rank.
 *
 * Only a rank itself writes its slot (the root prepares all of them before anybody has joined). Everything that changes
 * is atomic, for the writers and readers are processes that nothing else synchronises. */
#ifndef ASCEND_STUB_COMM_BOARD_H
#define ASCEND_STUB_COMM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "comm/communicator.h"
#include "core/settings.h"

/* Two ranks never share a device, so that there are never more ranks than devices. */
#define STUB_COMM_RANKS STUB_MAX_DEVICES

/* How far a rank has come: its ticket, and the step within that operation. Only ever grows. */
typedef uint64_t stub_position;
enum { STUB_STEP_BEGUN = 1, STUB_STEP_ENDED = 0xffff };

static inline stub_position stub_position_of(uint64_t ticket, uint32_t step) {
    return ticket << 16 | step;
}

static inline uint64_t stub_position_ticket(stub_position position) {
    return position >> 16;
}

typedef enum { STUB_RANK_EXPECTED, STUB_RANK_JOINED, STUB_RANK_LEFT } stub_rank_life;

/* How an operation went for a rank. */
typedef enum {
    STUB_VERDICT_GOOD,
    STUB_VERDICT_FAILED,    /* its own work failed, with `status` */
    STUB_VERDICT_DROPPED,   /* its task never ran */
    STUB_VERDICT_ABORTED,   /* its stream was aborted while it waited */
    STUB_VERDICT_EXITING,   /* its process is in exit() */
    STUB_VERDICT_GONE_ON,   /* it has given this operation up and is with a later one */
    STUB_VERDICT_TIMED_OUT, /* it never came */
    STUB_VERDICT_DIED,      /* its process has ended */
    STUB_VERDICT_LEFT,      /* it has destroyed its communicator */
    STUB_VERDICT_MISMATCH   /* it does another operation */
} stub_verdict_kind;

typedef struct {
    stub_verdict_kind kind;
    uint32_t rank; /* whose fault it is */
    int32_t status;
} stub_verdict;

typedef struct {
    _Atomic(uint64_t) ticket; /* written last */
    _Atomic(uint64_t) verdict;
} stub_outcome;

/* What a rank posts when it begins: its operation, and where its buffers are. */
typedef struct {
    char name[64];
    int32_t data_type;
    int32_t reduce_op;
    int64_t root;
    uint64_t count;
    int64_t dims[4];
    struct {
        uint64_t offset; /* in the device's memory */
        uint64_t bytes;
        uint64_t present;
    } buffers[STUB_COMM_BUFFERS];
} stub_post;

#define STUB_POST_WORDS (sizeof(stub_post) / sizeof(uint64_t))

/* A rank that drops operations does not wait for the others, who may still look at how earlier ones went. */
#define STUB_OUTCOMES 16u

typedef struct {
    _Alignas(64) _Atomic(stub_position) position;
    _Atomic(uint32_t) life;               /* stub_rank_life */
    _Atomic(int32_t) process;             /* for texts */
    stub_outcome outcomes[STUB_OUTCOMES]; /* by ticket, as are the posts */
    _Atomic(uint64_t) posts[2][STUB_POST_WORDS];
} stub_slot;

typedef struct {
    _Alignas(64) _Atomic(uint32_t) bell; /* changes whenever a sleeper should look */
    _Atomic(uint32_t) sleepers;
    uint32_t size;
    stub_slot slots[];
} stub_board;

static inline size_t stub_board_bytes(uint32_t size) {
    return sizeof(stub_board) + size * sizeof(stub_slot);
}

/* Posts and outcomes. stub_board_read_post is false when the rank has gone on to later operations. */
void stub_board_write_post(stub_board *board, uint32_t rank, uint64_t ticket, const stub_post *post);
bool stub_board_read_post(stub_board *board, uint32_t rank, uint64_t ticket, stub_post *post);
void stub_board_write_outcome(stub_board *board, uint32_t rank, uint64_t ticket, stub_verdict verdict);
stub_verdict stub_board_read_outcome(stub_board *board, uint32_t rank, uint64_t ticket);

/* Moves a rank on. */
void stub_board_advance(stub_board *board, uint32_t rank, stub_position position);
stub_position stub_board_position(stub_board *board, uint32_t rank);
bool stub_board_all_at(stub_board *board, stub_position position);

/* Wakes all sleepers; sleeps until the bell is no longer at `bell` or the time is up. */
void stub_board_ring(stub_board *board);
void stub_board_sleep(stub_board *board, uint32_t bell, uint32_t milliseconds);

#endif
