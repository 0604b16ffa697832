/* aclnnCat and aclnnStack: tensors one behind the other along an axis, or along a new one. */
#include "opapi/moves/arrange.h"
#include "opapi/promote.h"

enum { TENSORS, DIM, OUT };

typedef struct {
    stub_dtypes allowed;
    bool stacks; /* along a new axis */
} stub_joins;

static const aclTensor *const *items(const stub_call *call, uint64_t *count) {
    return stub_argument_items(call, TENSORS, count);
}

/* Tensors of shape (0,) are left out of an aclnnCat, whatever the others' axes are. */
static bool counts(const aclTensor *tensor, bool stacks) {
    return stacks || tensor->rank != 1 || tensor->shape[0] != 0;
}

/* The first tensor that counts; NULL: none. */
static const aclTensor *first_of(const stub_call *call, bool stacks) {
    uint64_t count;
    const aclTensor *const *tensors = items(call, &count);
    for (uint64_t i = 0; i < count; i++) {
        if (counts(tensors[i], stacks)) {
            return tensors[i];
        }
    }
    return NULL;
}

static aclnnStatus check_given(const stub_call *call) {
    const uint32_t out = OUT;
    uint64_t count = 0;
    const aclTensor *const *tensors = items(call, &count);
    if (call->args[TENSORS].tensors == NULL || count == 0) {
        return stub_fail(call->args[TENSORS].tensors == NULL ? ACLNN_ERR_PARAM_NULLPTR : ACLNN_ERR_PARAM_INVALID,
                         "%s: tensors is %s; at least one tensor is required", call->op->name,
                         count == 0 ? "empty" : "NULL");
    }
    for (uint64_t i = 0; i < count; i++) {
        if (tensors[i] == NULL) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors[%llu] is NULL", call->op->name,
                             (unsigned long long)i);
        }
    }
    return stub_check_given(call, &out, 1);
}

static bool allows(stub_dtypes set, aclDataType dtype) {
    return (int)dtype >= 0 && (int)dtype < 64 && (set >> (int)dtype & 1) != 0;
}

/* The type in which the tensors meet. */
static aclDataType common_type(const stub_call *call, bool stacks) {
    uint64_t count;
    const aclTensor *const *tensors = items(call, &count);
    aclDataType type = first_of(call, stacks)->dtype;
    for (uint64_t i = 0; i < count; i++) {
        type = counts(tensors[i], stacks) ? stub_promote(type, tensors[i]->dtype) : type;
    }
    return type;
}

static aclnnStatus check_types(const stub_call *call, stub_dtypes allowed, bool stacks) {
    uint64_t count;
    const aclTensor *const *tensors = items(call, &count);
    const aclTensor *out = stub_tensor_arg(call, OUT);
    for (uint64_t i = 0; i < count; i++) {
        if (counts(tensors[i], stacks) && !allows(allowed, tensors[i]->dtype)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the data type of tensors[%llu] (%s) is not supported",
                             call->op->name, (unsigned long long)i, stub_dtype_name(tensors[i]->dtype));
        }
    }
    const stub_dtype_rule rule = {OUT, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const aclDataType type = common_type(call, stacks);
    if (!stub_can_cast(type, out->dtype)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: tensors meet in %s, which cannot be stored in out, %s",
                         call->op->name, stub_dtype_name(type), stub_dtype_name(out->dtype));
    }
    return ACLNN_SUCCESS;
}

/* All as the first tensor, but for the size of the joining axis. */
static aclnnStatus check_shapes(const stub_call *call, bool stacks) {
    uint64_t count;
    const aclTensor *const *tensors = items(call, &count);
    const aclTensor *first = first_of(call, stacks);
    const uint32_t rank = first->rank + (stacks ? 1 : 0);
    const int axis = stub_axis(call->args[DIM].integer, rank);
    if (rank == 0 || rank > STUB_MAX_RANK || axis < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: dim is %lld; allowed are %d to %d for results of %u (1 to 8) axes", call->op->name,
                         (long long)call->args[DIM].integer, -(int)rank, (int)rank - 1, rank);
    }
    int64_t total = 0, shape[STUB_MAX_RANK];
    for (uint64_t i = 0; i < count; i++) {
        if (!counts(tensors[i], stacks)) {
            continue;
        }
        bool same = tensors[i]->rank == first->rank;
        for (uint32_t k = 0; same && k < first->rank; k++) {
            same = tensors[i]->shape[k] == first->shape[k] || (!stacks && (int)k == axis);
        }
        if (!same) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shape of tensors[%llu] does not fit that of the first",
                             call->op->name, (unsigned long long)i);
        }
        total += stacks ? 1 : tensors[i]->shape[axis];
    }
    for (uint32_t k = 0, from = 0; k < rank; k++) {
        from += (int)k == axis && stacks ? 0 : 1;
        shape[k] = (int)k == axis ? total : first->shape[from - 1];
    }
    return stub_check_shape(call, OUT, shape, rank, "the tensors, joined along dim");
}

static aclnnStatus stub_joins_check(const stub_call *call, stub_plan *plan, const stub_joins *data) {
    STUB_REQUIRE(check_given(call));
    if (!first_of(call, data->stacks)) {
        plan->nothing_to_run = true;
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_types(call, data->allowed, data->stacks));
    STUB_REQUIRE(check_shapes(call, data->stacks));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_joins_run(const stub_call *call, const stub_joins *data) {
    uint64_t count;
    const aclTensor *const *tensors = items(call, &count);
    const aclDataType as = common_type(call, data->stacks);
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    const uint32_t axis = (uint32_t)stub_axis(call->args[DIM].integer, out.rank);
    int64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!counts(tensors[i], data->stacks)) {
            continue;
        }
        stub_box from, to = out;
        STUB_REQUIRE(stub_box_open_item(call, TENSORS, tensors[i], &from));
        if (data->stacks) {
            stub_box_insert(&from, axis, 1, 0);
        }
        stub_box_take(&to, axis, at, from.shape[axis], 1);
        stub_copy_as(&to, &from, as);
        at += from.shape[axis];
    }
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnCat, stub_joins, {STUB_NUMBERS | STUB_DTYPE(ACL_COMPLEX64), false})
STUB_FAMILY_KERNEL(aclnnStack, stub_joins, {STUB_MOVABLE, true})
