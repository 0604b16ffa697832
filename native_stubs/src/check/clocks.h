/* Vector clocks: for every stream, how many of its tasks are known to be over. Of a task and a clock it follows that
 * the task comes before whatever has that clock when its position is below the clock's entry.
 *
 * Streams have slots, small numbers that are used again; positions in a slot only grow, so an old clock says nothing
 * about a later stream. Slot 0 is the host's own accesses. All of this is under the checks' lock but for references. */
#ifndef ASCEND_STUB_CHECK_CLOCKS_H
#define ASCEND_STUB_CHECK_CLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "check/order.h"

/* What a clock showed: never changes, counted by reference. */
struct stub_clock {
    atomic_uint references;
    uint32_t count;
    uint64_t over[]; /* by slot; what is beyond is 0 */
};

/* A clock that goes on. */
typedef struct {
    uint64_t *over;
    uint32_t count;
    stub_clock *shown; /* what it shows now, if anybody asked; holds a reference */
} stub_ticking;

uint64_t stub_ticking_at(const stub_ticking *clock, uint32_t slot);
uint64_t stub_clock_at(const stub_clock *clock, uint32_t slot); /* NULL knows of nothing */

/* These never take anything back. False without memory: then the clock is as it was. */
bool stub_ticking_raise(stub_ticking *clock, uint32_t slot, uint64_t over);
bool stub_ticking_join(stub_ticking *clock, const stub_clock *other); /* NULL is fine */
bool stub_ticking_join_ticking(stub_ticking *clock, const stub_ticking *other);

/* With a reference; NULL without memory. */
stub_clock *stub_ticking_show(stub_ticking *clock);
void stub_ticking_free(stub_ticking *clock);

stub_clock *stub_clock_retain(stub_clock *clock);

#endif
