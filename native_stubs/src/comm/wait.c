/* See wait.h. */
#include "comm/wait.h"

#include <sched.h>

#include "acl/acl_base.h"
#include "core/clock.h"
#include "core/release.h"
#include "core/stream_state.h"

/* Barriers are short where every rank has a core; where not, the others need this one. */
#define SPINS 4000 /* looks at a rank */
#define YIELDS 4
#define SLICE_MS 50u
#define SLICE_NS (SLICE_MS * UINT64_C(1000000))
#define STRAGGLERS_NS UINT64_C(1000000000)

static stub_verdict fault(stub_verdict_kind kind, uint32_t rank, int status) {
    return (stub_verdict){.kind = kind, .rank = rank, .status = status};
}

stub_verdict stub_interruption(const stub_comm *comm) {
    return stub_process_is_exiting() ? fault(STUB_VERDICT_EXITING, comm->rank, ACL_ERROR_RT_INTERNAL_ERROR)
                                     : fault(STUB_VERDICT_ABORTED, comm->rank, ACL_ERROR_RT_STREAM_ABORT);
}

/* A failure that the rank only passes on keeps its cause. */
stub_verdict stub_outcome_of(stub_comm *comm, uint32_t rank, uint64_t ticket) {
    stub_verdict verdict = stub_board_read_outcome(comm->board, rank, ticket);
    switch (verdict.kind) {
    case STUB_VERDICT_GOOD:
    case STUB_VERDICT_FAILED:
        return verdict;
    case STUB_VERDICT_TIMED_OUT:
        return fault(verdict.kind, verdict.rank, ACL_ERROR_RT_FFTS_PLUS_TIMEOUT);
    case STUB_VERDICT_MISMATCH:
        return fault(verdict.kind, rank, ACL_ERROR_RT_FFTS_PLUS_EXCEPTION);
    default:
        return fault(verdict.kind, verdict.rank, stub_release_remote_error());
    }
}

/* A rank that is further than this one, which has not come to the end of the operation yet: it may have failed. One
 * that has found a mismatch waits for nobody; this rank is going to find it too. */
static stub_verdict look_ahead(stub_comm *comm, uint32_t rank, stub_position position, uint64_t ticket) {
    const stub_verdict verdict = stub_outcome_of(comm, rank, ticket);
    const bool is_good = verdict.kind == STUB_VERDICT_GOOD || verdict.kind == STUB_VERDICT_MISMATCH;
    if (is_good && stub_position_ticket(position) > ticket) {
        return fault(STUB_VERDICT_GONE_ON, rank, stub_release_remote_error());
    }
    return is_good ? fault(STUB_VERDICT_GOOD, rank, 0) : verdict;
}

/* What a rank has to do with this wait: it has come, it may still come (GOOD), or it will not. */
static stub_verdict look_at(stub_comm *comm, uint32_t rank, stub_position target, bool *has_come) {
    const stub_position position = stub_board_position(comm->board, rank);
    const uint64_t ticket = stub_position_ticket(target);
    *has_come = position >= target;
    if (position > target && target != stub_position_of(ticket, STUB_STEP_ENDED)) {
        return look_ahead(comm, rank, position, ticket);
    }
    if (!*has_come && atomic_load(&comm->board->slots[rank].life) == STUB_RANK_LEFT) {
        return fault(STUB_VERDICT_LEFT, rank, stub_release_remote_error());
    }
    return fault(STUB_VERDICT_GOOD, rank, 0);
}

/* True when the wait is over, for good or bad. */
static bool is_over(stub_comm *comm, stub_position target, stub_verdict *verdict) {
    bool all = true;
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        bool has_come = false;
        *verdict = look_at(comm, rank, target, &has_come);
        if (verdict->kind != STUB_VERDICT_GOOD) {
            return true;
        }
        all = all && has_come;
    }
    return all;
}

static bool spin(stub_comm *comm, stub_position target, stub_verdict *verdict) {
    for (uint32_t i = 0; i < SPINS; i += comm->size) {
        if (stub_board_all_at(comm->board, target)) {
            break;
        }
    }
    for (int i = 0; i < YIELDS && !stub_board_all_at(comm->board, target); i++) {
        sched_yield();
    }
    return is_over(comm, target, verdict);
}

static bool has_died(stub_comm *comm, stub_position target, stub_verdict *verdict) {
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        if (stub_board_position(comm->board, rank) < target && !stub_segment_is_alive(comm->segment, rank)) {
            *verdict = fault(STUB_VERDICT_DIED, rank, stub_release_remote_error());
            return true;
        }
    }
    return false;
}

/* What can only be found out by asking the system, and is therefore asked once per slice. A rank that came and then
 * died has come, hence the second look at the others. */
static bool must_stop(stub_comm *comm, stub_position target, stub_verdict *verdict) {
    if (has_died(comm, target, verdict)) {
        return !is_over(comm, target, verdict) ? has_died(comm, target, verdict) : true;
    }
    if (stub_worker_interrupted()) {
        *verdict = stub_interruption(comm);
        return true;
    }
    if (stub_now_ns() >= comm->running.deadline_ns) {
        *verdict = fault(STUB_VERDICT_TIMED_OUT, comm->rank, ACL_ERROR_RT_FFTS_PLUS_TIMEOUT);
        return true;
    }
    return false;
}

static stub_verdict sleep_until_over(stub_comm *comm, stub_position target) {
    stub_verdict verdict;
    uint64_t asked = 0; /* at once: a dead rank is not waited for */
    for (;;) {
        const uint32_t bell = atomic_load(&comm->board->bell);
        if (is_over(comm, target, &verdict)) {
            return verdict;
        }
        const uint64_t now = stub_now_ns();
        if (now - asked >= SLICE_NS) {
            asked = now;
            if (must_stop(comm, target, &verdict)) {
                return verdict;
            }
        }
        stub_board_sleep(comm->board, bell, SLICE_MS);
    }
}

stub_verdict stub_wait_for_ranks(stub_comm *comm, stub_position target) {
    stub_verdict verdict;
    if (is_over(comm, target, &verdict)) {
        stub_board_ring(comm->board); /* the last to come, or the first to see a failure */
        return verdict;
    }
    return spin(comm, target, &verdict) ? verdict : sleep_until_over(comm, target);
}

static bool has_stragglers(stub_comm *comm, uint64_t ticket) {
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        const stub_position position = stub_board_position(comm->board, rank);
        if (position >= stub_position_of(ticket, STUB_STEP_BEGUN) &&
            position < stub_position_of(ticket, STUB_STEP_ENDED) && stub_segment_is_alive(comm->segment, rank)) {
            return true;
        }
    }
    return false;
}

void stub_wait_for_stragglers(stub_comm *comm, uint64_t ticket) {
    const uint64_t limit = stub_now_ns() + STRAGGLERS_NS;
    for (;;) {
        const uint32_t bell = atomic_load(&comm->board->bell);
        if (!has_stragglers(comm, ticket) || stub_now_ns() >= limit || stub_process_is_exiting()) {
            return;
        }
        stub_board_sleep(comm->board, bell, SLICE_MS);
    }
}
