/* Reading and writing the board; see board.h.
 *
 * Positions are sequentially consistent: of the ranks that arrive at a step, at least one sees that all are there, and
 * that one rings. */
#include "comm/board.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KIND_SHIFT 56
#define RANK_SHIFT 32

static _Atomic(uint64_t) *post_words(stub_board *board, uint32_t rank, uint64_t ticket) {
    return board->slots[rank].posts[ticket % 2];
}

void stub_board_write_post(stub_board *board, uint32_t rank, uint64_t ticket, const stub_post *post) {
    uint64_t words[STUB_POST_WORDS];
    memcpy(words, post, sizeof words);
    for (size_t i = 0; i < STUB_POST_WORDS; i++) {
        atomic_store_explicit(&post_words(board, rank, ticket)[i], words[i], memory_order_release);
    }
}

/* A rank that gives operations up may overwrite the post of one that others still look at, but it has moved on to the
 * ticket in between before it does. */
bool stub_board_read_post(stub_board *board, uint32_t rank, uint64_t ticket, stub_post *post) {
    uint64_t words[STUB_POST_WORDS];
    for (size_t i = 0; i < STUB_POST_WORDS; i++) {
        words[i] = atomic_load_explicit(&post_words(board, rank, ticket)[i], memory_order_acquire);
    }
    memcpy(post, words, sizeof words);
    return stub_position_ticket(stub_board_position(board, rank)) == ticket;
}

void stub_board_write_outcome(stub_board *board, uint32_t rank, uint64_t ticket, stub_verdict verdict) {
    stub_outcome *outcome = &board->slots[rank].outcomes[ticket % STUB_OUTCOMES];
    const uint64_t packed =
        (uint64_t)verdict.kind << KIND_SHIFT | (uint64_t)verdict.rank << RANK_SHIFT | (uint32_t)verdict.status;
    atomic_store_explicit(&outcome->verdict, packed, memory_order_release);
    atomic_store_explicit(&outcome->ticket, ticket, memory_order_release);
}

stub_verdict stub_board_read_outcome(stub_board *board, uint32_t rank, uint64_t ticket) {
    stub_outcome *outcome = &board->slots[rank].outcomes[ticket % STUB_OUTCOMES];
    const uint64_t latest = atomic_load_explicit(&outcome->ticket, memory_order_acquire);
    const uint64_t packed = atomic_load_explicit(&outcome->verdict, memory_order_acquire);
    stub_verdict verdict = {.kind = latest > ticket ? STUB_VERDICT_GONE_ON : STUB_VERDICT_GOOD, .rank = rank};
    if (latest == ticket) {
        verdict.kind = (stub_verdict_kind)(packed >> KIND_SHIFT);
        verdict.rank = (uint32_t)(packed >> RANK_SHIFT & 0xffffff);
        verdict.status = (int32_t)(uint32_t)packed;
    }
    return verdict;
}

void stub_board_advance(stub_board *board, uint32_t rank, stub_position position) {
    atomic_store(&board->slots[rank].position, position);
}

stub_position stub_board_position(stub_board *board, uint32_t rank) {
    return atomic_load(&board->slots[rank].position);
}

bool stub_board_all_at(stub_board *board, stub_position position) {
    for (uint32_t rank = 0; rank < board->size; rank++) {
        if (stub_board_position(board, rank) < position) {
            return false;
        }
    }
    return true;
}

/* Sleepers of other processes: no FUTEX_PRIVATE_FLAG. */
void stub_board_ring(stub_board *board) {
    atomic_fetch_add(&board->bell, 1);
    if (atomic_load(&board->sleepers) != 0) {
        syscall(SYS_futex, &board->bell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    }
}

void stub_board_sleep(stub_board *board, uint32_t bell, uint32_t milliseconds) {
    const struct timespec limit = {.tv_nsec = (long)milliseconds * 1000000};
    atomic_fetch_add(&board->sleepers, 1);
    syscall(SYS_futex, &board->bell, FUTEX_WAIT, bell, &limit, NULL, 0);
    atomic_fetch_sub(&board->sleepers, 1);
}
