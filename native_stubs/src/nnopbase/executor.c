/* The life of an executor: its slot, the snapshot in there, and the handles to it. */
#include "nnopbase/executor.h"

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/slots.h"
#include "nnopbase/snapshot.h"

#define NUMBER_BITS STUB_SLOT_NUMBER_BITS
#define USES_BITS 28

/* The bits above number and uses. No address of a process has them, so that a handle which is followed faults. */
#define HANDLE_MARK ((uint64_t)0xec << (NUMBER_BITS + USES_BITS))

_Static_assert(sizeof(void *) == sizeof(uint64_t), "handles need 64 bits");

/* State of a slot: uses << 1, plus 1 while its handle is valid. */
#define PUBLISHED ((uint64_t)1)

stub_executor *stub_executor_new(void) {
    stub_executor *slot = stub_slot_take();
    if (slot == NULL) {
        stub_fail(ACLNN_ERR_INNER_CREATE_EXECUTOR,
                  "no room for another executor, %u exist: finish each phase one with its phase two or with "
                  "aclDestroyAclOpExecutor",
                  stub_slot_count());
        return NULL;
    }
    slot->repeatable = slot->ran = false;
    atomic_store_explicit(&slot->changed, false, memory_order_relaxed);
    slot->kernel = NULL;
    slot->registration = NULL;
    slot->source = NULL;
    slot->places = NULL;
    slot->plan = (stub_plan){0};
    slot->call = (stub_call){0};
    atomic_store_explicit(&slot->references, 1, memory_order_relaxed);
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

/* One reference less; the last one frees the slot. */
static void drop_reference(stub_executor *slot) {
    /* Only who has a reference makes new ones, so the last one needs no further care. */
    if (atomic_load_explicit(&slot->references, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&slot->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    stub_arena_release(&slot->arena);
    /* The next use has another count even when this one was never published. */
    const uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    atomic_store_explicit(&slot->state, (state & ~PUBLISHED) + 2, memory_order_release);
    stub_slot_give(slot);
}

void stub_executor_release(stub_executor *executor) {
    if (executor->plan.comm != NULL) {
        leave_communicator(executor);
    }
    if (executor->registration != NULL) {
        stub_registration_release(executor->registration);
    }
    if (executor->source != NULL) {
        drop_reference(executor->source);
    }
    drop_reference(executor);
}

static stub_executor *snapshot_owner(stub_executor *executor) {
    return executor->source != NULL ? executor->source : executor;
}

static aclnnStatus copy_snapshot(const stub_executor *executor, stub_executor *copy) {
    const aclnnStatus status = stub_snapshot_again(&copy->arena, &executor->call, &copy->call);
    copy->call.user = executor->call.user;
    return status;
}

/* Who changes addresses before every run is better off with copies for the runs: the executor's own snapshot stays
 * unshared, and is changed in place. */
aclnnStatus stub_executor_lend(stub_executor *executor, stub_executor *run) {
    if (atomic_load_explicit(&executor->changed, memory_order_relaxed)) {
        atomic_store_explicit(&executor->changed, false, memory_order_relaxed);
        return copy_snapshot(executor, run);
    }
    run->source = snapshot_owner(executor);
    atomic_fetch_add_explicit(&run->source->references, 1, memory_order_relaxed);
    run->call = executor->call;
    return ACLNN_SUCCESS;
}

/* The executor uses `copy`, which nobody else has, from now on. */
static void move_to(stub_executor *executor, stub_executor *copy) {
    if (executor->source != NULL) {
        drop_reference(executor->source);
    }
    executor->source = copy;
    executor->call.args = copy->call.args;
}

aclnnStatus stub_executor_unshare(stub_executor *executor) {
    if (atomic_load_explicit(&snapshot_owner(executor)->references, memory_order_acquire) == 1) {
        return ACLNN_SUCCESS;
    }
    stub_executor *copy = stub_executor_new();
    if (copy == NULL) {
        return ACLNN_ERR_INNER_CREATE_EXECUTOR;
    }
    const aclnnStatus status = copy_snapshot(executor, copy);
    if (status != ACLNN_SUCCESS) {
        stub_executor_release(copy);
        return status;
    }
    move_to(executor, copy);
    return ACLNN_SUCCESS;
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
    return stub_slot_at((uint32_t)(bits & ((1u << NUMBER_BITS) - 1)));
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
