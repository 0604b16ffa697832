/* Copies a call's arguments, kind by kind. */
#include "nnopbase/snapshot.h"

#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/objects.h"

/* No device holds more bytes than fit into 48 bits; beyond that offsets in kernels could overflow. */
#define MAX_ELEMENTS ((int64_t)1 << 48)

typedef struct {
    stub_arena *arena;
    const stub_operator *op;
    const stub_param *param; /* the one being copied, for texts */
    bool again;              /* from a snapshot, which is sound */
    aclnnStatus status;      /* the first failure */
} copying;

static void *fail_memory(copying *state) {
    if (state->status == ACLNN_SUCCESS) {
        state->status =
            stub_fail(ACLNN_ERR_INNER_CREATE_EXECUTOR, "%sGetWorkspaceSize: no host memory for a copy of %s",
                      state->op->name, state->param->name);
    }
    return NULL;
}

static inline void *take(copying *state, size_t size) {
    void *memory = stub_arena_take(state->arena, size);
    return memory != NULL ? memory : fail_memory(state);
}

static void *take_copy(copying *state, const void *from, size_t size) {
    void *memory = take(state, size);
    if (memory != NULL && size > 0) {
        memcpy(memory, from, size);
    }
    return memory;
}

static bool refuse_dead(copying *state, stub_magic magic) {
    state->status = stub_fail(ACLNN_ERR_PARAM_INVALID,
                              "%sGetWorkspaceSize: %s is not a live %s, but a destroyed one or another kind of handle",
                              state->op->name, state->param->name, stub_magic_name(magic));
    return false;
}

/* Whether there is a descriptor to copy: NULL is an absent optional argument. */
static inline bool present(copying *state, const void *object, stub_magic magic) {
    if (object == NULL || state->status != ACLNN_SUCCESS) {
        return false;
    }
    return stub_is_alive(object, magic) || refuse_dead(state, magic);
}

static bool has_negative_dimension(const aclTensor *tensor) {
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] < 0) {
            return true;
        }
    }
    return false;
}

static bool refuse_impossible(copying *state, const aclTensor *tensor, bool negative) {
    char text[160];
    state->status = stub_fail(ACLNN_ERR_PARAM_INVALID, "%sGetWorkspaceSize: the shape of %s is impossible: %s %s",
                              state->op->name, state->param->name, stub_describe(tensor, text, sizeof text),
                              negative ? "has a negative dimension" : "is larger than any device memory");
    return false;
}

/* aclCreateTensor takes any numbers; kernels may rely on what this lets through. */
static bool is_possible(copying *state, const aclTensor *tensor) {
    uint64_t count = 1;
    uint64_t bits = 0; /* a factor or a product that is negative or large has bits up there */
    for (uint32_t i = 0; i < tensor->rank; i++) {
        count *= (uint64_t)tensor->shape[i];
        bits |= (uint64_t)tensor->shape[i] | count;
        count &= UINT32_MAX;
    }
    if (bits <= UINT32_MAX) {
        return true;
    }
    const bool negative = has_negative_dimension(tensor);
    return (!negative && stub_tensor_numel(tensor) <= MAX_ELEMENTS) || refuse_impossible(state, tensor, negative);
}

static aclTensor *copy_tensor(copying *state, const aclTensor *from) {
    if (!present(state, from, STUB_MAGIC_TENSOR) || !(state->again || is_possible(state, from))) {
        return NULL;
    }
    /* The three arrays are one block, in the order shape, strides, storage. */
    const size_t arrays = (2 * (size_t)from->rank + from->storage_rank) * sizeof *from->shape;
    aclTensor *to = take(state, sizeof *to + arrays);
    if (to != NULL) {
        *to = *from;
        to->moved = NULL;
        to->origin = state->again ? from->origin : from;
        to->shape = (int64_t *)(to + 1);
        to->strides = to->shape + to->rank;
        to->storage = to->strides + to->rank;
        memcpy(to->shape, from->shape, arrays);
    }
    return to;
}

static aclScalar *copy_scalar(copying *state, const aclScalar *from) {
    return present(state, from, STUB_MAGIC_SCALAR) ? take_copy(state, from, sizeof *from) : NULL;
}

static stub_value of_tensor(copying *state, stub_value value) {
    return (stub_value){.tensor = copy_tensor(state, value.tensor)};
}

static stub_value of_scalar(copying *state, stub_value value) {
    return (stub_value){.scalar = copy_scalar(state, value.scalar)};
}

static stub_value of_tensors(copying *state, stub_value value) {
    const aclTensorList *from = value.tensors;
    aclTensorList *to = present(state, from, STUB_MAGIC_TENSOR_LIST) ? take_copy(state, from, sizeof *from) : NULL;
    if (to != NULL) {
        to->items = take(state, from->size * sizeof *to->items);
        for (uint64_t i = 0; i < from->size && state->status == ACLNN_SUCCESS; i++) {
            to->items[i] = copy_tensor(state, from->items[i]);
        }
    }
    return (stub_value){.tensors = to};
}

static stub_value of_scalars(copying *state, stub_value value) {
    const aclScalarList *from = value.scalars;
    aclScalarList *to = present(state, from, STUB_MAGIC_SCALAR_LIST) ? take_copy(state, from, sizeof *from) : NULL;
    if (to != NULL) {
        to->items = take(state, from->size * sizeof *to->items);
        for (uint64_t i = 0; i < from->size && state->status == ACLNN_SUCCESS; i++) {
            to->items[i] = copy_scalar(state, from->items[i]);
        }
    }
    return (stub_value){.scalars = to};
}

static stub_value of_ints(copying *state, stub_value value) {
    const aclIntArray *from = value.ints;
    aclIntArray *to = present(state, from, STUB_MAGIC_INT_ARRAY) ? take_copy(state, from, sizeof *from) : NULL;
    if (to != NULL) {
        to->values = take_copy(state, from->values, from->size * sizeof *from->values);
    }
    return (stub_value){.ints = to};
}

static stub_value of_floats(copying *state, stub_value value) {
    const aclFloatArray *from = value.floats;
    aclFloatArray *to = present(state, from, STUB_MAGIC_FLOAT_ARRAY) ? take_copy(state, from, sizeof *from) : NULL;
    if (to != NULL) {
        to->values = take_copy(state, from->values, from->size * sizeof *from->values);
    }
    return (stub_value){.floats = to};
}

static stub_value of_bools(copying *state, stub_value value) {
    const aclBoolArray *from = value.bools;
    aclBoolArray *to = present(state, from, STUB_MAGIC_BOOL_ARRAY) ? take_copy(state, from, sizeof *from) : NULL;
    if (to != NULL) {
        to->values = take_copy(state, from->values, from->size * sizeof *from->values);
    }
    return (stub_value){.bools = to};
}

static stub_value of_text(copying *state, stub_value value) {
    return (stub_value){.text = value.text != NULL ? take_copy(state, value.text, strlen(value.text) + 1) : NULL};
}

static stub_value of_number(copying *state, stub_value value) {
    (void)state;
    return value;
}

static stub_value (*const copiers[])(copying *, stub_value) = {
    [STUB_TENSOR] = of_tensor,       [STUB_TENSOR_LIST] = of_tensors, [STUB_SCALAR] = of_scalar,
    [STUB_SCALAR_LIST] = of_scalars, [STUB_INT_ARRAY] = of_ints,      [STUB_FLOAT_ARRAY] = of_floats,
    [STUB_BOOL_ARRAY] = of_bools,    [STUB_INT] = of_number,          [STUB_REAL] = of_number,
    [STUB_FLAG] = of_number,         [STUB_TEXT] = of_text,
};

static aclnnStatus copy_all(copying *state, const stub_value *values, stub_call *call) {
    const stub_operator *op = state->op;
    stub_value *args = take(state, op->count * sizeof *args);
    for (uint32_t i = 0; i < op->count && state->status == ACLNN_SUCCESS; i++) {
        state->param = &op->params[i];
        /* The usual kind without the detour. */
        args[i] = op->params[i].kind == STUB_TENSOR ? of_tensor(state, values[i])
                                                    : copiers[op->params[i].kind](state, values[i]);
    }
    *call = (stub_call){.op = op, .args = args};
    return state->status;
}

aclnnStatus stub_snapshot(stub_arena *arena, const stub_operator *op, const stub_value *values, stub_call *call) {
    copying state = {.arena = arena, .op = op, .param = op->params};
    return copy_all(&state, values, call);
}

aclnnStatus stub_snapshot_again(stub_arena *arena, const stub_call *from, stub_call *call) {
    copying state = {.arena = arena, .op = from->op, .param = from->op->params, .again = true};
    return copy_all(&state, from->args, call);
}
