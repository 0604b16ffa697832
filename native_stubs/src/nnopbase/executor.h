/* Executors: what phase one makes, phase two consumes, and a stream's worker runs.
 *
 * An aclOpExecutor * is not an address but a ticket: the number of a slot and how often the slot had been used. So a
 * handle that was consumed or destroyed is always recognised, whatever the slot is used for by then, and no client can
 * follow it by accident. */
#ifndef ASCEND_STUB_NNOPBASE_EXECUTOR_H
#define ASCEND_STUB_NNOPBASE_EXECUTOR_H

#include "core/stream.h"
#include "nnopbase/arena.h"
#include "nnopbase/call.h"
#include "nnopbase/kernels.h"

typedef struct {
    stub_task task;              /* first: the worker gives this back */
    _Atomic(uint64_t) state;     /* uses of the slot so far, and what it is now */
    _Atomic(uint32_t) next_free; /* number of the next free slot, plus one */
    uint32_t number;
    bool repeatable;
    bool ran;                        /* the kernel was called, so the ticket is spent */
    const stub_kernel *kernel;       /* what this call runs with */
    stub_registration *registration; /* retained, of a kernel registered at run time; else NULL */
    stub_plan plan;
    stub_call call;
    stub_arena arena;
    _Alignas(STUB_ARENA_ALIGNMENT) char memory[1792]; /* first part of the arena, enough for a dozen tensors */
} stub_executor;

/* A slot that belongs to the caller until it is released; NULL with a text when a million executors are in use. */
stub_executor *stub_executor_new(void);

/* Ends the snapshot, frees the slot, makes every handle to it stale. */
void stub_executor_release(stub_executor *executor);

/* Hands the executor out. */
aclOpExecutor *stub_executor_publish(stub_executor *executor);

/* The executor behind a handle; NULL for a stale handle and for anything that never was one. */
stub_executor *stub_executor_find(const aclOpExecutor *handle);

/* Takes a published executor back: afterwards its handle is stale and the slot belongs to the caller. NULL as above,
 * also when another thread was faster. */
stub_executor *stub_executor_take(const aclOpExecutor *handle);

/* `status` with a text that says what is wrong with a handle that was not found. */
aclnnStatus stub_executor_refuse(aclnnStatus status, const char *function, const aclOpExecutor *handle);

#endif
