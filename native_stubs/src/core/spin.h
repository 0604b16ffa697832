/* Looking a few times before going to sleep: most waits between a stream and its callers are over in a microsecond,
 * and sleeping and being woken costs several on both sides. */
#ifndef ASCEND_STUB_CORE_SPIN_H
#define ASCEND_STUB_CORE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Starts as {0}. */
typedef struct {
    uint64_t until_ns;
    unsigned looks;
} stub_spin;

/* Pauses for a moment; false when the wait has gone on for as long as sleeping would cost, and very soon in a process
 * that has only one core. */
bool stub_spin_on(stub_spin *spin);

#endif
