/* Texts and statuses of failed operations.
 *
 * A task that waited in vain ends with 507048, the time-out of the tasks collectives consist of on the device; one that
 * cannot be carried out because ranks disagree with 507049, their exception; a rank that is not there any more is
 * 507057, the suspected error of a remote device. */
#include "comm/verdict.h"

#include <stdio.h>
#include <string.h>

#include "acl/acl_base.h"
#include "comm/environment.h"
#include "core/error.h"

typedef struct {
    char text[512];
    size_t used;
} rank_list;

static int32_t process_of(stub_comm *comm, uint32_t rank) {
    return atomic_load(&comm->board->slots[rank].process);
}

static void list_rank(rank_list *list, uint32_t rank) {
    if (list->used < sizeof list->text) {
        list->used += (size_t)snprintf(list->text + list->used, sizeof list->text - list->used, "%s%u",
                                       list->used == 0 ? "" : ", ", rank);
    }
}

static void list_missing(stub_comm *comm, stub_position target, rank_list *list) {
    for (uint32_t rank = 0; rank < comm->size; rank++) {
        if (stub_board_position(comm->board, rank) < target) {
            list_rank(list, rank);
        }
    }
}

static int report_own_timeout(stub_comm *comm, const stub_verdict *verdict, stub_position target) {
    rank_list missing = {.used = 0};
    list_missing(comm, target, &missing);
    return stub_fail(verdict->status,
                     "%s: rank %u of communicator \"%s\" has waited %.6g s for rank(s) %s, which did not take part in "
                     "operation %llu. All ranks must call the same collectives in the same order; HCCL_EXEC_TIMEOUT "
                     "sets the time (seconds, 0: for ever).",
                     comm->post.name, comm->rank, comm->name, stub_comm_exec_timeout_s(),
                     missing.used == 0 ? "(all have come by now)" : missing.text,
                     (unsigned long long)stub_position_ticket(target));
}

static const char *describe(stub_verdict_kind kind) {
    switch (kind) {
    case STUB_VERDICT_DROPPED:
        return "has dropped its part of the operation before it ran (its stream was aborted or destroyed, or the "
               "launch failed)";
    case STUB_VERDICT_ABORTED:
        return "has left the operation because its stream was aborted or destroyed by force";
    case STUB_VERDICT_EXITING:
        return "has left the operation because its process is exiting";
    case STUB_VERDICT_GONE_ON:
        return "has given this operation up and gone on to later ones";
    case STUB_VERDICT_TIMED_OUT:
        return "has left the operation: it had waited its HCCL_EXEC_TIMEOUT in vain";
    case STUB_VERDICT_DIED:
        return "has ended; a communicator does not survive that. Find out what ended it, destroy the communicator on "
               "all ranks and create a new one";
    case STUB_VERDICT_LEFT:
        return "has destroyed its communicator; all ranks must issue the same operations before they do";
    case STUB_VERDICT_MISMATCH:
        return "has found that the ranks disagree about the operation";
    default:
        return "has failed";
    }
}

static int report_other(stub_comm *comm, const stub_verdict *verdict) {
    return stub_fail(verdict->status, "%s: rank %u of communicator \"%s\" cannot go on: rank %u (process %d) %s.",
                     comm->post.name, comm->rank, comm->name, verdict->rank, process_of(comm, verdict->rank),
                     describe(verdict->kind));
}

static int report_failed_rank(stub_comm *comm, const stub_verdict *verdict) {
    return stub_fail(verdict->status,
                     "%s: rank %u of communicator \"%s\" cannot go on: rank %u (process %d) has failed with status %d; "
                     "its own error text says why.",
                     comm->post.name, comm->rank, comm->name, verdict->rank, process_of(comm, verdict->rank),
                     verdict->status);
}

static int report_own_interruption(stub_comm *comm, const stub_verdict *verdict) {
    return stub_fail(verdict->status, "%s: rank %u of communicator \"%s\" stops waiting for the others: %s.",
                     comm->post.name, comm->rank, comm->name,
                     verdict->kind == STUB_VERDICT_EXITING ? "the process is exiting"
                                                           : "the stream was aborted or destroyed by force");
}

int stub_verdict_report(stub_comm *comm, const stub_verdict *verdict, stub_position target) {
    if (verdict->kind == STUB_VERDICT_TIMED_OUT && verdict->rank == comm->rank) {
        return report_own_timeout(comm, verdict, target);
    }
    if (verdict->rank == comm->rank) {
        return report_own_interruption(comm, verdict);
    }
    return verdict->kind == STUB_VERDICT_FAILED ? report_failed_rank(comm, verdict) : report_other(comm, verdict);
}

int stub_verdict_report_mismatch(stub_comm *comm, uint32_t rank, const stub_post *other) {
    char theirs[256], ours[256];
    stub_describe_post(other, theirs, sizeof theirs);
    stub_describe_post(&comm->post, ours, sizeof ours);
    return stub_fail(ACL_ERROR_RT_FFTS_PLUS_EXCEPTION,
                     "the ranks of communicator \"%s\" disagree: rank %u (process %d) calls %s, this rank %u calls %s. "
                     "All ranks must call the same collectives in the same order, with the same arguments.",
                     comm->name, rank, process_of(comm, rank), theirs, comm->rank, ours);
}
