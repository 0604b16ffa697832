/* Waiting for the other ranks of a communicator, never without an end. */
#ifndef ASCEND_STUB_COMM_WAIT_H
#define ASCEND_STUB_COMM_WAIT_H

#include "comm/state.h"

/* Until all ranks have come to `target`, where this rank is itself; otherwise what is in the way. */
stub_verdict stub_wait_for_ranks(stub_comm *comm, stub_position target);

/* After a failure: until the ranks that are at work on that operation have left it too, or have had enough time. */
void stub_wait_for_stragglers(stub_comm *comm, uint64_t ticket);

/* How a rank's part in an operation that it has ended went, with the status that follows for the others. */
stub_verdict stub_outcome_of(stub_comm *comm, uint32_t rank, uint64_t ticket);

/* The interruption of the calling worker. */
stub_verdict stub_interruption(const stub_comm *comm);

#endif
