/* All cores for one piece of work: how kernels and collectives use more than the thread they run on. */
#ifndef ASCEND_STUB_CORE_PARALLEL_H
#define ASCEND_STUB_CORE_PARALLEL_H

#include <stddef.h>

#include "core/export.h"

/* Threads that work at once, the caller's included: ASCEND_STUB_THREADS, else the cores the process may use. */
STUB_EXPORT unsigned stub_parallel_threads(void);

/* Calls piece(state, 0) ... piece(state, count - 1), each once, in any order and on any thread, the caller's among
 * them; returns when all have returned. Any number of threads may call at once. A piece should be worth some 20 us and
 * must not wait for another piece; errors travel through `state`. */
STUB_EXPORT void stub_parallel(size_t count, void (*piece)(void *state, size_t index), void *state);

#endif
