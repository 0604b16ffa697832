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

typedef enum { INPUTS = 1, OUTPUTS = 2, ALL = INPUTS | OUTPUTS } side;

/* Goes through the tensor and list arguments: inputs first, then outputs. What is both comes twice. */
typedef struct {
    const stub_call *call;
    unsigned which;
    unsigned pass;
    uint32_t next;
    const stub_param *param; /* the current argument */
    const stub_value *value;
} walk;

static walk walk_over(const stub_call *call, side which) {
    return (walk){.call = call, .which = which, .pass = INPUTS};
}

static bool is_member(const walk *at, const stub_param *param) {
    const bool tensors = param->kind == STUB_TENSOR || param->kind == STUB_TENSOR_LIST;
    const bool on_side = at->pass == INPUTS ? param->role != STUB_OUT : param->role != STUB_IN;
    return tensors && on_side && (at->which & at->pass) != 0;
}

static bool step(walk *at) {
    for (; at->pass <= OUTPUTS; at->pass <<= 1, at->next = 0) {
        while (at->next < at->call->op->count) {
            const uint32_t i = at->next++;
            if (is_member(at, &at->call->op->params[i])) {
                at->param = &at->call->op->params[i];
                at->value = &at->call->args[i];
                return true;
            }
        }
    }
    return false;
}

static uint64_t count_of(const walk *at) {
    if (at->param->kind == STUB_TENSOR) {
        return 1;
    }
    return at->value->tensors != NULL ? at->value->tensors->size : 0;
}

/* Snapshots belong to the executor: they are const for kernels only. */
static aclTensor *element(const walk *at, uint64_t i) {
    const aclTensor *tensor = at->param->kind == STUB_TENSOR ? at->value->tensor : at->value->tensors->items[i];
    return (aclTensor *)(uintptr_t)tensor;
}

/* The place an index names. `tensor` is NULL for an argument that was absent in phase one. */
typedef struct {
    bool found;
    aclTensor *tensor;
} place;

static place place_of(const stub_call *call, side which, size_t index) {
    for (walk at = walk_over(call, which); step(&at); index -= count_of(&at)) {
        if (index < count_of(&at)) {
            return (place){true, element(&at, index)};
        }
    }
    return (place){false, NULL};
}

static place place_in_argument(const stub_call *call, side which, size_t argument, size_t index) {
    for (walk at = walk_over(call, which); step(&at); argument--) {
        if (argument == 0) {
            const bool found = index < count_of(&at);
            return (place){found, found ? element(&at, index) : NULL};
        }
    }
    return (place){false, NULL};
}

static uint64_t count_all(const stub_call *call, side which) {
    uint64_t count = 0;
    for (walk at = walk_over(call, which); step(&at);) {
        count += count_of(&at);
    }
    return count;
}

static const char *side_name(side which) {
    return which == ALL ? "tensors" : which == INPUTS ? "input tensors" : "output tensors";
}

/* Whether a tensor of the call was made from this descriptor; every one that was gets the address. */
static bool set_by_descriptor(const stub_call *call, const aclTensor *descriptor, void *addr) {
    bool changed = false;
    for (walk at = walk_over(call, ALL); step(&at);) {
        for (uint64_t i = 0; i < count_of(&at); i++) {
            aclTensor *tensor = element(&at, i);
            if (tensor != NULL && tensor->origin == descriptor) {
                tensor->data = addr;
                changed = true;
            }
        }
    }
    return changed;
}

static aclnnStatus set_address(const stub_call *call, place where, aclTensor *descriptor, void *addr,
                               const char *function) {
    if (where.tensor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: this tensor of %s was NULL in phase one; run phase one again to pass one", function,
                         call->op->name);
    }
    if (!set_by_descriptor(call, descriptor, addr)) {
        where.tensor->data = addr;
    }
    descriptor->data = addr;
    return ACLNN_SUCCESS;
}

/* 561103 for a missing descriptor or executor, 161002 for dead ones. */
static aclnnStatus require_both(const aclOpExecutor *handle, const void *object, stub_magic magic,
                                const stub_call **call, const char *function) {
    if (object == NULL || handle == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: the %s is NULL", function,
                         object == NULL ? stub_magic_name(magic) : "executor");
    }
    const stub_executor *executor = stub_executor_find(handle);
    if (executor == NULL) {
        return stub_executor_refuse(ACLNN_ERR_PARAM_INVALID, function, handle);
    }
    *call = &executor->call;
    return stub_require(object, magic, function);
}

static aclnnStatus set_tensor(aclOpExecutor *executor, side which, size_t index, aclTensor *tensor, void *addr,
                              const char *function) {
    const stub_call *call;
    const aclnnStatus status = require_both(executor, tensor, STUB_MAGIC_TENSOR, &call, function);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    const place where = place_of(call, which, index);
    if (!where.found) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index is %zu, but %s has %llu %s", function, index,
                         call->op->name, (unsigned long long)count_all(call, which), side_name(which));
    }
    return set_address(call, where, tensor, addr, function);
}

static aclnnStatus set_element(aclOpExecutor *executor, side which, size_t argument, size_t index,
                               const aclTensorList *list, void *addr, const char *function) {
    const stub_call *call;
    const aclnnStatus status = require_both(executor, list, STUB_MAGIC_TENSOR_LIST, &call, function);
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
    const place where = place_in_argument(call, which, argument, index);
    if (!where.found) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: irIndex %zu and relativeIndex %zu name none of the %s of %s; irIndex counts its tensor and "
            "tensor list arguments",
            function, argument, index, side_name(which), call->op->name);
    }
    return set_address(call, where, list->items[index], addr, function);
}

aclnnStatus aclSetTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, ALL, index, tensor, addr, "aclSetTensorAddr");
}

aclnnStatus aclSetInputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, INPUTS, index, tensor, addr, "aclSetInputTensorAddr");
}

aclnnStatus aclSetOutputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
    return set_tensor(executor, OUTPUTS, index, tensor, addr, "aclSetOutputTensorAddr");
}

aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                    aclTensorList *tensors, void *addr) {
    return set_element(executor, ALL, irIndex, relativeIndex, tensors, addr, "aclSetDynamicTensorAddr");
}

aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                         aclTensorList *tensors, void *addr) {
    return set_element(executor, INPUTS, irIndex, relativeIndex, tensors, addr, "aclSetDynamicInputTensorAddr");
}

aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                          aclTensorList *tensors, void *addr) {
    return set_element(executor, OUTPUTS, irIndex, relativeIndex, tensors, addr, "aclSetDynamicOutputTensorAddr");
}
