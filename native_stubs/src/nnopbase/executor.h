/* Executors: what phase one makes, phase two consumes, and a stream's worker runs.
 *
 * A run of a repeatable executor is an executor as well. It gets a copy of the snapshot when addresses have changed
 * since the last run, and borrows it when they have not. New addresses for a snapshot that is lent go to a copy of it;
 * the last user of the old one frees it.
 *
 * An aclOpExecutor * is not an address but a ticket: the number of a slot and how often the slot had been used. So a
 * handle that was consumed or destroyed is always recognised, whatever the slot is used for by then, and no client can
 * follow it by accident. */
#ifndef ASCEND_STUB_NNOPBASE_EXECUTOR_H
#define ASCEND_STUB_NNOPBASE_EXECUTOR_H

#include <stdatomic.h>

#include "core/stream.h"
#include "nnopbase/arena.h"
#include "nnopbase/call.h"
#include "nnopbase/kernels.h"

typedef struct stub_executor stub_executor;
typedef struct stub_slot_cache stub_slot_cache;
typedef struct stub_tensor_place stub_tensor_place;

struct stub_executor {
    _Alignas(64) stub_task task; /* first: the worker gives this back */
    _Atomic(uint64_t) state;     /* uses of the slot so far, and what it is now */
    stub_executor *next_free;
    stub_slot_cache *cache; /* where the slot goes when it is free */
    stub_executor *source;  /* whose snapshot this runs with, one reference; NULL: its own */
    uint32_t number;
    _Atomic(uint32_t) references; /* to the slot's snapshot: its own, and those of borrowers */
    bool repeatable;
    atomic_bool changed;             /* addresses were set since the last run; several threads may run it */
    bool ran;                        /* the kernel was called, so the ticket is spent */
    const stub_tensor_place *places; /* of the tensors, see places.h; NULL unless repeatable */
    uint32_t place_count;
    uint32_t input_count;            /* the first so many places are inputs */
    const stub_kernel *kernel;       /* what this call runs with */
    stub_registration *registration; /* retained, of a kernel registered at run time; else NULL */
    stub_plan plan;
    stub_call call;
    stub_arena arena;
    _Alignas(STUB_ARENA_ALIGNMENT) char memory[1792]; /* first part of the arena, enough for a dozen tensors */
};

/* A slot that belongs to the caller until it is released; NULL with a text when a million executors are in use. */
stub_executor *stub_executor_new(void);

/* Ends the snapshot unless others borrow it, frees the slot when nobody does, makes every handle to it stale. */
void stub_executor_release(stub_executor *executor);

/* Gives `run`, a new executor, the snapshot of a repeatable one, or a copy. 561101 with a text when there is no memory
 * for a copy. */
aclnnStatus stub_executor_lend(stub_executor *executor, stub_executor *run);

/* Makes sure that no queued run sees what is changed in the executor's snapshot from now on. 561101 with a text when
 * there is no room for a copy. */
aclnnStatus stub_executor_unshare(stub_executor *executor);

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
