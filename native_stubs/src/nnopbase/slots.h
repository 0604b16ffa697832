/* The slots that executors live in. Each thread has a cache of free ones: what a thread takes comes back to its cache
 * from the worker that ran it, so that threads with streams of their own share nothing. */
#ifndef ASCEND_STUB_NNOPBASE_SLOTS_H
#define ASCEND_STUB_NNOPBASE_SLOTS_H

#include "nnopbase/executor.h"

/* Handles have this many bits for a slot's number. */
#define STUB_SLOT_NUMBER_BITS 20

/* NULL when all slots are in use (or lie in the caches of other threads) or the host is out of memory. */
stub_executor *stub_slot_take(void);
void stub_slot_give(stub_executor *slot);

/* NULL for a number that no slot has had. */
stub_executor *stub_slot_at(uint32_t number);

/* How many there are, free or not. */
uint32_t stub_slot_count(void);

#endif
