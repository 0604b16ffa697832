/* New device addresses for an executor's tensors.
 *
 * The indices are the documented ones: inputs count in argument order, then outputs; lists count by their elements, or
 * by their position among the tensor arguments in the "Dynamic" functions. In CANN only operators of one kernel go by
 * the index. Operators composed of several go by the descriptor, so clients exist whose index is off: a descriptor that
 * phase one has seen therefore decides, and the index only where phase one has not seen it. */
#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/executor.h"
#include "nnopbase/objects.h"
#include "nnopbase/places.h"

/* The place an index names. */
typedef struct {
    bool found;
    uint32_t arg;
    uint64_t element;
    uint32_t number; /* in the executor's table, if it has one */
} place;

static const place nowhere = {0};

/* The first of a side's places in an executor's table, and the one behind the last. */
static uint32_t first_place(const stub_executor *executor, stub_side which) {
    return which == STUB_SIDE_OUT ? executor->input_count : 0;
}

static uint32_t end_place(const stub_executor *executor, stub_side which) {
    return which == STUB_SIDE_IN ? executor->input_count : executor->place_count;
}

static place place_in_table(const stub_executor *executor, stub_side which, size_t index) {
    const uint32_t first = first_place(executor, which);
    if (index >= end_place(executor, which) - first) {
        return nowhere;
    }
    const uint32_t number = first + (uint32_t)index;
    return (place){true, executor->places[number].arg, executor->places[number].element, number};
}

static place place_of(const stub_executor *executor, stub_side which, size_t index) {
    if (executor->places != NULL) {
        return place_in_table(executor, which, index);
    }
    for (stub_walk walk = stub_walk_over(&executor->call, which); stub_walk_step(&walk); index -= walk.count) {
        if (index < walk.count) {
            return (place){true, walk.arg, index, 0};
        }
    }
    return nowhere;
}

static place place_in_argument(const stub_executor *executor, stub_side which, size_t argument, size_t index) {
    uint64_t earlier = first_place(executor, which);
    for (stub_walk walk = stub_walk_over(&executor->call, which); stub_walk_step(&walk); argument--) {
        if (argument == 0) {
            return index < walk.count ? (place){true, walk.arg, index, (uint32_t)(earlier + index)} : nowhere;
        }
        earlier += walk.count;
    }
    return nowhere;
}

static const char *side_name(stub_side which) {
    return which == STUB_SIDE_ALL ? "tensors" : which == STUB_SIDE_IN ? "input tensors" : "output tensors";
}

/* Whether a tensor of the call was made from this descriptor; every one that was gets the address. */
static bool set_by_descriptor(const stub_call *call, const aclTensor *descriptor, void *addr) {
    bool changed = false;
    for (stub_walk walk = stub_walk_over(call, STUB_SIDE_ALL); stub_walk_step(&walk);) {
        for (uint64_t i = 0; i < walk.count; i++) {
            aclTensor *tensor = stub_tensor_at(call, walk.arg, i);
            if (tensor != NULL && tensor->origin == descriptor) {
                tensor->data = addr;
                changed = true;
            }
        }
    }
    return changed;
}

/* All places of the descriptor that is in this one. */
static void set_ring(const stub_executor *executor, uint32_t number, void *addr) {
    uint32_t i = number;
    do {
        const stub_tensor_place *at = &executor->places[i];
        stub_tensor_at(&executor->call, at->arg, at->element)->data = addr;
        i = at->twin;
    } while (i != number);
}

static void change(const stub_executor *executor, place where, const aclTensor *descriptor, void *addr) {
    aclTensor *tensor = stub_tensor_at(&executor->call, where.arg, where.element);
    if (executor->places != NULL && tensor->origin == descriptor) {
        set_ring(executor, where.number, addr);
    } else if (!set_by_descriptor(&executor->call, descriptor, addr)) {
        tensor->data = addr;
    }
}

static bool is_alone(const stub_executor *executor, place where) {
    return executor->places != NULL && executor->places[where.number].twin == where.number;
}

static aclnnStatus set_address(stub_executor *executor, place where, aclTensor *descriptor, void *addr,
                               const char *function) {
    const aclTensor *tensor = stub_tensor_at(&executor->call, where.arg, where.element);
    if (tensor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: this tensor of %s was NULL in phase one; run phase one again to pass one", function,
                         executor->call.op->name);
    }
    /* Runs go on sharing the snapshot when nothing changes. */
    if (tensor->origin != descriptor || tensor->data != addr || !is_alone(executor, where)) {
        const aclnnStatus status = stub_executor_unshare(executor);
        if (status != ACLNN_SUCCESS) {
            return status;
        }
        change(executor, where, descriptor, addr);
        atomic_store_explicit(&executor->changed, true, memory_order_relaxed);
    }
    descriptor->data = addr;
    return ACLNN_SUCCESS;
}

/* 561103 for a missing descriptor or executor, 161002 for dead ones. */
static aclnnStatus require_both(const aclOpExecutor *handle, const void *object, stub_magic magic,
                                stub_executor **executor, const char *function) {
    if (object == NULL || handle == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: the %s is NULL", function,
                         object == NULL ? stub_magic_name(magic) : "executor");
    }
    *executor = stub_executor_find(handle);
    if (*executor == NULL) {
        return stub_executor_refuse(ACLNN_ERR_PARAM_INVALID, function, handle);
    }
    return stub_require(object, magic, function);
}

static aclnnStatus set_tensor(aclOpExecutor *handle, stub_side which, size_t index, aclTensor *tensor, void *addr,
                              const char *function) {
    stub_executor *executor;
    const aclnnStatus status = require_both(handle, tensor, STUB_MAGIC_TENSOR, &executor, function);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    const place where = place_of(executor, which, index);
    if (!where.found) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index is %zu, but %s has %llu %s", function, index,
                         executor->call.op->name, (unsigned long long)stub_count_places(&executor->call, which),
                         side_name(which));
    }
    return set_address(executor, where, tensor, addr, function);
}

static aclnnStatus set_element(aclOpExecutor *handle, stub_side which, size_t argument, size_t index,
                               const aclTensorList *list, void *addr, const char *function) {
    stub_executor *executor;
    const aclnnStatus status = require_both(handle, list, STUB_MAGIC_TENSOR_LIST, &executor, function);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    if (index >= list->size) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: relativeIndex is %zu, the list has %llu tensors", function,
                         index, (unsigned long long)list->size);
    }
    if (list->items[index] == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: tensor %zu of the list is NULL", function, index);
    }
    const place where = place_in_argument(executor, which, argument, index);
    if (!where.found) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: irIndex %zu and relativeIndex %zu name none of the %s of %s; irIndex counts its tensor and "
            "tensor list arguments",
            function, argument, index, side_name(which), executor->call.op->name);
    }
    return set_address(executor, where, list->items[index], addr, function);
}

aclnnStatus aclSetTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, STUB_SIDE_ALL, index, tensor, addr, "aclSetTensorAddr");
}

aclnnStatus aclSetInputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, STUB_SIDE_IN, index, tensor, addr, "aclSetInputTensorAddr");
}

aclnnStatus aclSetOutputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, STUB_SIDE_OUT, index, tensor, addr, "aclSetOutputTensorAddr");
}

aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                    aclTensorList *tensors, void *addr) {
    return set_element(executor, STUB_SIDE_ALL, irIndex, relativeIndex, tensors, addr, "aclSetDynamicTensorAddr");
}

aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                         aclTensorList *tensors, void *addr) {
    return set_element(executor, STUB_SIDE_IN, irIndex, relativeIndex, tensors, addr, "aclSetDynamicInputTensorAddr");
}

aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                          aclTensorList *tensors, void *addr) {
    return set_element(executor, STUB_SIDE_OUT, irIndex, relativeIndex, tensors, addr, "aclSetDynamicOutputTensorAddr");
}
