/* Operators along one axis: phase one, and their lines. */
#include "opapi/ordering/along.h"

#include "opapi/map.h"

enum { SELF };

static aclnnStatus check_tensors(const stub_call *call, const stub_along *along) {
    const uint32_t tensors[] = {SELF, along->values, along->indices};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(along->allowed)},
                                     {along->indices, STUB_ON_ALL(along->index_types)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, along->indices != 0 ? 2 : 1));
    const stub_dtype_rule values = {along->values, STUB_ON_ALL(along->value_types)};
    if (along->value_types != 0) {
        STUB_REQUIRE(stub_check_dtypes(call, &values, 1));
    } else if (along->values != 0) {
        STUB_REQUIRE(stub_check_same_dtype(call, along->values, SELF));
    }
    return stub_check_rank(call, SELF, 0, STUB_MAX_RANK);
}

static uint32_t axis_of(const stub_call *call, const stub_along *along) {
    return (uint32_t)stub_axis(call->args[along->dim].integer, stub_tensor_arg(call, SELF)->rank);
}

/* Elements of a line of self. */
static int64_t line_length(const stub_call *call, const stub_along *along) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (along->dim == 0) {
        return stub_tensor_numel(self);
    }
    return self->rank > 0 ? self->shape[axis_of(call, along)] : 1;
}

static aclnnStatus check_line(const stub_call *call, const stub_along *along) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (along->dim != 0) {
        STUB_REQUIRE(stub_check_axis(call, along->dim, self->rank));
    }
    const int64_t n = line_length(call, along);
    if (along->pairs_only && along->dim != 0 && self->dtype == ACL_BF16 && n == 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self is BF16 and has one element along %s; %s needs two or more",
                         call->op->name, call->op->params[along->dim].name, stub_product_name());
    }
    if (along->k != 0) {
        const int64_t k = call->args[along->k].integer, least = along->length == STUB_ALONG_ONE;
        if (k < least || k > n) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are %lld to %lld, the size of the axis",
                             call->op->name, call->op->params[along->k].name, (long long)k, (long long)least,
                             (long long)n);
        }
    }
    return ACLNN_SUCCESS;
}

static bool drops_axis(const stub_call *call, const stub_along *along) {
    return along->length == STUB_ALONG_ONE && (along->dim == 0 || stub_number(call, along->keep) == 0);
}

static uint32_t result_shape(const stub_call *call, const stub_along *along, int64_t *shape) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    uint32_t rank = 0;
    for (uint32_t i = 0; along->dim != 0 && i < self->rank; i++) {
        if (i != axis_of(call, along) || along->length == STUB_ALONG_SAME) {
            shape[rank++] = self->shape[i];
        } else if (along->length == STUB_ALONG_K) {
            shape[rank++] = call->args[along->k].integer;
        } else if (!drops_axis(call, along)) {
            shape[rank++] = 1;
        }
    }
    return rank;
}

/* The result of a whole tensor may have shape () or (1,). */
static aclnnStatus check_shapes(const stub_call *call, const stub_along *along) {
    const uint32_t outs[] = {along->values, along->indices};
    for (uint32_t i = 0; i < 2; i++) {
        int64_t shape[STUB_MAX_RANK] = {1};
        uint32_t rank = result_shape(call, along, shape);
        if (outs[i] == 0) {
            continue;
        }
        rank = along->dim == 0 && stub_tensor_arg(call, outs[i])->rank == 1 ? 1 : rank;
        STUB_REQUIRE(stub_check_shape(call, outs[i], shape, rank, "that of self, along the axis that of the result"));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_along_check(const stub_call *call, stub_plan *plan, const stub_along *along) {
    STUB_REQUIRE(check_tensors(call, along));
    STUB_REQUIRE(check_line(call, along));
    STUB_REQUIRE(check_shapes(call, along));
    const uint32_t out = along->values != 0 ? along->values : along->indices;
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, out)) == 0 ||
                           (stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0 && !along->empty_runs);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_along_run(const stub_call *call, const stub_along *along) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const stub_along_line line = {.class_ = stub_class_of(self->dtype),
                                  .k = along->k != 0 ? call->args[along->k].integer : 0,
                                  .flag = along->flag != 0 && stub_number(call, along->flag) != 0};
    const uint32_t args[] = {SELF, along->values, along->indices};
    const uint32_t axes = along->dim != 0 ? 1u << axis_of(call, along) : stub_axes_from(0, self->rank);
    stub_view views[3];
    stub_lines lines = {.inputs = 1,
                        .line = along->line,
                        .constants = &line,
                        .scratch = (size_t)line_length(call, along) * along->scratch};
    for (uint32_t i = 0; i < 3; i++) {
        if (i > 0 && args[i] == 0) {
            continue;
        }
        STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
        const bool whole = i > 0 && along->dim == 0;
        const uint32_t own = whole                              ? stub_axes_from(0, views[i].tensor->rank)
                             : i > 0 && drops_axis(call, along) ? 0
                                                                : axes;
        lines.operand[lines.inputs + lines.outputs - (i == 0)] =
            (stub_line_operand){&views[i], own, i == 2 ? ACL_INT64 : self->dtype};
        lines.outputs += i > 0;
    }
    return stub_lines_run(call, &lines);
}
