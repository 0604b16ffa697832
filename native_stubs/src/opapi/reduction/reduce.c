/* Reductions: what a signature says, phase one, and the folding it comes to. */
#include "opapi/reduction/reduce.h"

#include <inttypes.h>
#include <string.h>

#include "opapi/lines.h"
#include "opapi/map.h"
#include "opapi/promote.h"

enum { SELF = 0, NONE = 0 }; /* no argument but self is number 0 */

/* Arguments by their part; NONE: the operator has no such argument. */
typedef struct {
    uint32_t dims, axis, keep, noop, dtype;
    uint32_t outputs, out[STUB_FOLD_RESULTS];
    uint32_t constants, constant[STUB_REDUCE_CONSTANTS];
} parts;

static uint32_t *part_of(parts *found, const stub_param *param) {
    if (strncmp(param->name, "keep", 4) == 0) {
        return &found->keep;
    }
    if (strncmp(param->name, "noop", 4) == 0) {
        return &found->noop;
    }
    if (strcmp(param->name, "dtype") == 0) {
        return &found->dtype;
    }
    return strcmp(param->name, "dim") == 0 || strcmp(param->name, "axes") == 0 ? &found->axis : NULL;
}

static parts parts_of(const stub_call *call) {
    parts found = {0};
    for (uint32_t i = 1; i < call->op->count; i++) {
        const stub_param *param = &call->op->params[i];
        if (param->kind == STUB_TENSOR) {
            found.out[found.outputs++] = i;
        } else if (param->kind == STUB_INT_ARRAY) {
            found.dims = i;
        } else if (part_of(&found, param)) {
            *part_of(&found, param) = i;
        } else {
            found.constant[found.constants++] = i;
        }
    }
    return found;
}

static bool is_set(const stub_call *call, uint32_t arg) {
    return arg != NONE && stub_number(call, arg) != 0;
}

static aclnnStatus check_given(const stub_call *call, const parts *part, const stub_reduce *reduce) {
    const uint32_t self = SELF;
    STUB_REQUIRE(stub_check_given(call, &self, 1));
    if (part->dims != NONE && !reduce->dims_optional && !call->args[part->dims].ints) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this array is required", call->op->name,
                         call->op->params[part->dims].name);
    }
    for (uint32_t i = 0; i < part->constants; i++) {
        if (call->op->params[part->constant[i]].kind == STUB_SCALAR && !call->args[part->constant[i]].scalar) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                             call->op->params[part->constant[i]].name);
        }
    }
    return stub_check_given(call, part->out, part->outputs);
}

static aclDataType loaded_type(const stub_call *call, const parts *part, const stub_reduce *reduce) {
    const aclDataType self = stub_tensor_arg(call, SELF)->dtype;
    switch (reduce->loads) {
    case STUB_LOADS_DTYPE: {
        const aclDataType dtype = (aclDataType)call->args[part->dtype].integer;
        return dtype == ACL_DT_UNDEFINED ? self : dtype;
    }
    case STUB_LOADS_FLOATING:
        return stub_dtype_is_integral(self) ? ACL_FLOAT : self;
    case STUB_LOADS_BOOL:
        return ACL_BOOL;
    default:
        return self;
    }
}

static aclDataType result_type(const stub_reduce *reduce, uint32_t k, aclDataType as) {
    return reduce->result[k] == STUB_RESULT_INDEX ? ACL_INT64 : as;
}

static bool in_set(stub_dtypes set, aclDataType dtype) {
    return (int)dtype >= 0 && (int)dtype < 64 && (set >> (int)dtype & 1);
}

static aclnnStatus check_types(const stub_call *call, const parts *part, const stub_reduce *reduce) {
    const stub_dtype_rule self = {SELF, STUB_ON_ALL(reduce->allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &self, 1));
    const aclDataType as = loaded_type(call, part, reduce);
    if (reduce->loads == STUB_LOADS_DTYPE && !in_set(reduce->allowed, as)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dtype is %s, a type that this operator does not compute in",
                         call->op->name, stub_dtype_name(as));
    }
    const aclDataType from = stub_tensor_arg(call, SELF)->dtype;
    if (reduce->casts && !stub_can_cast(from, as)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self is %s, which cannot be cast to dtype, %s", call->op->name,
                         stub_dtype_name(from), stub_dtype_name(as));
    }
    for (uint32_t k = 0; k < part->outputs; k++) {
        const aclDataType given = stub_tensor_arg(call, part->out[k])->dtype, own = result_type(reduce, k, as);
        const stub_dtype_rule rule = {part->out[k],
                                      STUB_ON_ALL(reduce->results[k] ? reduce->results[k] : STUB_DTYPE(own))};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        if (!reduce->any_output && as != ACL_BOOL && own != ACL_INT64 && !stub_can_cast(own, given)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in %s, which is %s",
                             call->op->name, stub_dtype_name(own), call->op->params[part->out[k]].name,
                             stub_dtype_name(given));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus add_axis(const stub_call *call, uint32_t arg, int64_t dim, uint32_t *axes) {
    const uint32_t rank = stub_tensor_arg(call, SELF)->rank;
    const int axis = stub_axis(dim, rank);
    const char *name = call->op->params[arg].name;
    if (axis < 0) {
        const int64_t bound = rank > 0 ? rank : 1;
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s names axis %" PRId64 "; allowed are %" PRId64 " to %" PRId64,
                         call->op->name, name, dim, -bound, bound - 1);
    }
    if (*axes >> axis & 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s names axis %d twice", call->op->name, name, axis);
    }
    *axes |= 1u << axis;
    return ACLNN_SUCCESS;
}

/* The axes that are reduced, as bits. */
static aclnnStatus find_axes(const stub_call *call, const parts *part, uint32_t *axes) {
    *axes = 0;
    if (part->axis != NONE) {
        return add_axis(call, part->axis, call->args[part->axis].integer, axes);
    }
    const aclIntArray *dims = part->dims != NONE ? call->args[part->dims].ints : NULL;
    if (!dims || dims->size == 0) {
        *axes = is_set(call, part->noop) ? 0 : stub_axes_from(0, stub_tensor_arg(call, SELF)->rank);
        return ACLNN_SUCCESS;
    }
    for (uint64_t i = 0; i < dims->size; i++) {
        STUB_REQUIRE(add_axis(call, part->dims, dims->values[i], axes));
    }
    return ACLNN_SUCCESS;
}

static bool names_axes(const stub_call *call, const parts *part) {
    const aclIntArray *dims = part->dims != NONE ? call->args[part->dims].ints : NULL;
    return part->axis != NONE || (dims && dims->size > 0);
}

static aclnnStatus check_no_empty_axis(const stub_call *call, uint32_t axes) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    for (uint32_t i = 0; i < self->rank; i++) {
        if (axes >> i & 1 && self->shape[i] == 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis %u of self is reduced and has no elements",
                             call->op->name, i);
        }
    }
    return ACLNN_SUCCESS;
}

/* Operators without an argument for axes may have outputs of shape () and (1,). */
static aclnnStatus check_shapes(const stub_call *call, const parts *part, uint32_t axes, bool one_is_one) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    int64_t shape[STUB_MAX_RANK] = {1}, count = 1;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < self->rank; i++) {
        const bool reduced = axes >> i & 1;
        count *= reduced ? 1 : self->shape[i];
        if (!reduced || is_set(call, part->keep)) {
            shape[rank++] = reduced ? 1 : self->shape[i];
        }
    }
    for (uint32_t k = 0; k < part->outputs; k++) {
        if (one_is_one && count == 1 && stub_tensor_numel(stub_tensor_arg(call, part->out[k])) == 1) {
            continue;
        }
        if (part->dims == NONE && part->axis == NONE && stub_tensor_arg(call, part->out[k])->rank == 1) {
            rank = 1;
        }
        STUB_REQUIRE(stub_check_shape(call, part->out[k], shape, rank, "that of self without the reduced axes"));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_reduce_check(const stub_call *call, stub_plan *plan, const stub_reduce *reduce) {
    const parts part = parts_of(call);
    uint32_t axes;
    STUB_REQUIRE(check_given(call, &part, reduce));
    STUB_REQUIRE(check_types(call, &part, reduce));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(find_axes(call, &part, &axes));
    if (reduce->empty == STUB_EMPTY_REFUSED || (reduce->empty == STUB_EMPTY_NAMED && names_axes(call, &part))) {
        STUB_REQUIRE(check_no_empty_axis(call, axes));
    }
    STUB_REQUIRE(check_shapes(call, &part, axes, reduce->one_is_one));
    const bool empty = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    if (empty && stub_dtype_is_complex(loaded_type(call, &part, reduce))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self is empty; results of no elements are not given as %s",
                         call->op->name, stub_dtype_name(loaded_type(call, &part, reduce)));
    }
    const bool leaves = reduce->empty == STUB_EMPTY_LEAVES || reduce->empty == STUB_EMPTY_NAMED;
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, part.out[0])) == 0 || (empty && leaves);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_reduce_run(const stub_call *call, const stub_reduce *reduce) {
    const parts part = parts_of(call);
    stub_view in, out[STUB_FOLD_RESULTS];
    double constants[STUB_REDUCE_CONSTANTS];
    const aclDataType as = loaded_type(call, &part, reduce);
    stub_folding folding = {.fold = reduce->folds[stub_class_of(as)],
                            .constants = constants,
                            .in = &in,
                            .as = as,
                            .keeps = is_set(call, part.keep),
                            .outputs = part.outputs};
    STUB_REQUIRE(find_axes(call, &part, &folding.axes));
    STUB_REQUIRE(stub_view_open(call, SELF, &in));
    for (uint32_t k = 0; k < part.outputs; k++) {
        STUB_REQUIRE(stub_view_open(call, part.out[k], &out[k]));
        folding.out[k] = &out[k];
        folding.gives[k] = result_type(reduce, k, as);
    }
    for (uint32_t i = 0; i < part.constants; i++) {
        constants[i] = stub_number(call, part.constant[i]);
    }
    return stub_fold_run(&folding)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for partial results", call->op->name);
}
