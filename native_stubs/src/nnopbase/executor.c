/* The slots of executors: a table that grows by chunks and never shrinks, and a lock-free list of the free ones. */
#include "nnopbase/executor.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"

#define NUMBER_BITS 20
#define USES_BITS 28
#define CHUNK_SLOTS 256u
#define CHUNKS ((1u << NUMBER_BITS) / CHUNK_SLOTS)

/* The bits above number and uses. No address of a process has them, so that a handle which is followed faults. */
#define HANDLE_MARK ((uint64_t)0xec << (NUMBER_BITS + USES_BITS))

_Static_assert(sizeof(void *) == sizeof(uint64_t), "handles need 64 bits");

/* State of a slot: uses << 1, plus 1 while its handle is valid. */
#define PUBLISHED ((uint64_t)1)

static _Atomic(stub_executor *) chunks[CHUNKS];
static _Atomic(uint32_t) first_unused;

/* Number plus one of the first free slot, and above it a count of changes: without it a slot that left the list and
 * came back while another thread was looking would go unnoticed. */
static _Atomic(uint64_t) free_list;

static stub_executor *slot_at(uint32_t number) {
    stub_executor *chunk = atomic_load_explicit(&chunks[number / CHUNK_SLOTS], memory_order_acquire);
    return chunk != NULL ? &chunk[number % CHUNK_SLOTS] : NULL;
}

static stub_executor *pop_free(void) {
    uint64_t head = atomic_load_explicit(&free_list, memory_order_acquire);
    while ((uint32_t)head != 0) {
        stub_executor *slot = slot_at((uint32_t)head - 1);
        const uint32_t next = atomic_load_explicit(&slot->next_free, memory_order_relaxed);
        const uint64_t changed = ((head >> 32) + 1) << 32 | next;
        if (atomic_compare_exchange_weak_explicit(&free_list, &head, changed, memory_order_acquire,
                                                  memory_order_acquire)) {
            return slot;
        }
    }
    return NULL;
}

static void push_free(stub_executor *slot) {
    uint64_t head = atomic_load_explicit(&free_list, memory_order_relaxed);
    uint64_t changed;
    do {
        atomic_store_explicit(&slot->next_free, (uint32_t)head, memory_order_relaxed);
        changed = ((head >> 32) + 1) << 32 | (slot->number + 1);
    } while (
        !atomic_compare_exchange_weak_explicit(&free_list, &head, changed, memory_order_release, memory_order_relaxed));
}

/* Several threads may get here at once; the first one's chunk stays. */
static bool ensure_chunk(uint32_t index) {
    if (atomic_load_explicit(&chunks[index], memory_order_acquire) != NULL) {
        return true;
    }
    stub_executor *chunk = calloc(CHUNK_SLOTS, sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < CHUNK_SLOTS; i++) {
        chunk[i].number = index * CHUNK_SLOTS + i;
    }
    stub_executor *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&chunks[index], &none, chunk, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        free(chunk);
    }
    return true;
}

static stub_executor *take_unused(void) {
    uint32_t number = atomic_load_explicit(&first_unused, memory_order_relaxed);
    do {
        if (number / CHUNK_SLOTS >= CHUNKS || !ensure_chunk(number / CHUNK_SLOTS)) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&first_unused, &number, number + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return slot_at(number);
}

stub_executor *stub_executor_new(void) {
    stub_executor *slot = pop_free();
    if (slot == NULL) {
        slot = take_unused();
    }
    if (slot == NULL) {
        stub_fail(ACLNN_ERR_INNER_CREATE_EXECUTOR,
                  "no room for another executor, %u exist: finish each phase one with its phase two or with "
                  "aclDestroyAclOpExecutor",
                  atomic_load_explicit(&first_unused, memory_order_relaxed));
        return NULL;
    }
    slot->repeatable = slot->ran = false;
    slot->kernel = NULL;
    slot->registration = NULL;
    slot->plan = (stub_plan){0};
    slot->call = (stub_call){0};
    stub_arena_start(&slot->arena, slot->memory, sizeof slot->memory);
    return slot;
}

static uint64_t uses_of(uint64_t state) {
    return state >> 1 & ((1u << USES_BITS) - 1);
}

static void leave_communicator(stub_executor *executor) {
    if (executor->call.ticket != 0 && !executor->ran) {
        stub_comm_drop(executor->plan.comm, executor->call.ticket);
    }
    stub_comm_release(executor->plan.comm);
}

void stub_executor_release(stub_executor *executor) {
    if (executor->plan.comm != NULL) {
        leave_communicator(executor);
    }
    if (executor->registration != NULL) {
        stub_registration_release(executor->registration);
    }
    stub_arena_release(&executor->arena);
    /* The next use has another count even when this one was never published. */
    const uint64_t state = atomic_load_explicit(&executor->state, memory_order_relaxed);
    atomic_store_explicit(&executor->state, (state & ~PUBLISHED) + 2, memory_order_release);
    push_free(executor);
}

aclOpExecutor *stub_executor_publish(stub_executor *executor) {
    const uint64_t state = atomic_load_explicit(&executor->state, memory_order_relaxed);
    atomic_store_explicit(&executor->state, state | PUBLISHED, memory_order_release);
    const uint64_t handle = HANDLE_MARK | uses_of(state) << NUMBER_BITS | executor->number;
    return (aclOpExecutor *)(uintptr_t)handle;
}

/* The slot a handle names and the count of uses it was made with; NULL for what is no handle. */
static stub_executor *slot_of(const aclOpExecutor *handle, uint64_t *uses) {
    const uint64_t bits = (uint64_t)(uintptr_t)handle;
    if (bits >> (NUMBER_BITS + USES_BITS) != HANDLE_MARK >> (NUMBER_BITS + USES_BITS)) {
        return NULL;
    }
    *uses = bits >> NUMBER_BITS & ((1u << USES_BITS) - 1);
    return slot_at((uint32_t)(bits & ((1u << NUMBER_BITS) - 1)));
}

stub_executor *stub_executor_find(const aclOpExecutor *handle) {
    uint64_t uses = 0;
    stub_executor *slot = slot_of(handle, &uses);
    if (slot == NULL) {
        return NULL;
    }
    const uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
    return (state & PUBLISHED) != 0 && uses_of(state) == uses ? slot : NULL;
}

stub_executor *stub_executor_take(const aclOpExecutor *handle) {
    uint64_t uses = 0;
    stub_executor *slot = slot_of(handle, &uses);
    if (slot == NULL) {
        return NULL;
    }
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
    if ((state & PUBLISHED) == 0 || uses_of(state) != uses) {
        return NULL;
    }
    return atomic_compare_exchange_strong_explicit(&slot->state, &state, state & ~PUBLISHED, memory_order_acq_rel,
                                                   memory_order_relaxed)
               ? slot
               : NULL;
}

aclnnStatus stub_executor_refuse(aclnnStatus status, const char *function, const aclOpExecutor *handle) {
    uint64_t uses;
    if (slot_of(handle, &uses) == NULL) {
        return stub_fail(status, "%s: %p is not an executor: pass what phase one wrote, and only when it returned 0",
                         function, (const void *)handle);
    }
    return stub_fail(status,
                     "%s: the executor was already consumed by phase two or destroyed; it serves one phase two unless "
                     "aclSetAclOpExecutorRepeatable was called before that, so run phase one again",
                     function);
}
