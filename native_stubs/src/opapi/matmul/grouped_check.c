/* Phase one of the grouped matrix products. */
#include "opapi/matmul/grouped.h"

enum { TEXT = 160, LAST_ACTIVATION = 5, GELU_ERF = 3 };

static aclnnStatus refuse(const stub_call *call, const char *what) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s", call->op->name, what);
}

static stub_list list_of(const stub_call *call, uint32_t number) {
    stub_list list = {.arg = number - 1};
    const aclTensorList *given = number == 0 ? NULL : call->args[number - 1].tensors;
    if (given && given->size > 0) {
        list.count = given->size;
        list.items = given->items;
    }
    return list;
}

static aclnnStatus check_item(const stub_call *call, const stub_list *list, uint64_t i, uint32_t low, uint32_t high) {
    const aclTensor *tensor = list->items[i];
    char text[TEXT];
    if (!tensor) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s[%llu] is NULL", call->op->name,
                         call->op->params[list->arg].name, (unsigned long long)i);
    }
    if (tensor->rank < low || tensor->rank > high) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%llu] (%s) has %u dimensions; allowed are %u to %u",
                         call->op->name, call->op->params[list->arg].name, (unsigned long long)i,
                         stub_describe(tensor, text, sizeof text), tensor->rank, low, high);
    }
    if (tensor->dtype != list->items[0]->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%llu] has data type %s, %s[0] has %s; all must have one",
                         call->op->name, call->op->params[list->arg].name, (unsigned long long)i,
                         stub_dtype_name(tensor->dtype), call->op->params[list->arg].name,
                         stub_dtype_name(list->items[0]->dtype));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_items(const stub_call *call, const stub_list *list, uint32_t low, uint32_t high) {
    for (uint64_t i = 0; i < list->count; i++) {
        STUB_REQUIRE(check_item(call, list, i, low, high));
    }
    return ACLNN_SUCCESS;
}

/* ---- what is not there ---- */

static aclnnStatus check_required(const stub_call *call, const stub_list *list) {
    return list->count > 0 ? ACLNN_SUCCESS
                           : stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL or empty; this list is required",
                                       call->op->name, call->op->params[list->arg].name);
}

static aclnnStatus check_reserved(const stub_call *call, const stub_grouped *op) {
    for (size_t i = 0; i < sizeof op->reserved / sizeof *op->reserved; i++) {
        if (list_of(call, op->reserved[i]).count > 0) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for %s; it must be NULL", call->op->name,
                             call->op->params[op->reserved[i] - 1].name);
        }
    }
    if (list_of(call, op->offset).count > 0) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for offsetOptional (asymmetric int4 weights); it must be NULL",
                         call->op->name);
    }
    if (op->group_size != 0 && call->args[op->group_size - 1].integer != 0) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for quantisation in groups (quantGroupSize %lld)",
                         call->op->name, (long long)call->args[op->group_size - 1].integer);
    }
    return ACLNN_SUCCESS;
}

/* ---- types ---- */

static bool one_of(const aclTensor *tensor, stub_dtypes set) {
    return (int)tensor->dtype >= 0 && (int)tensor->dtype < 64 && (set >> (int)tensor->dtype & 1);
}

static aclnnStatus find_kind(const stub_call *call, stub_grouped_plan *plan) {
    const aclTensor *x = plan->x.items[0], *weight = plan->weight.items[0];
    const stub_dtypes packed = STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32);
    if (one_of(x, STUB_FLOATS) && x->dtype == weight->dtype) {
        plan->kind = STUB_GROUPED_FLOATS;
    } else if (x->dtype == ACL_INT8 && weight->dtype == ACL_INT8) {
        plan->kind = STUB_GROUPED_INT8;
    } else if (one_of(x, STUB_HALVES) && one_of(weight, packed | STUB_DTYPE(ACL_INT8))) {
        plan->kind = STUB_GROUPED_WEIGHTS;
    } else {
        const bool int4 = (x->dtype == ACL_INT8 || one_of(x, packed)) && one_of(weight, packed);
        return stub_fail(int4 ? ACLNN_ERR_INNER_FIND_KERNEL_ERROR : ACLNN_ERR_PARAM_INVALID,
                         int4 ? "%s: the stand-in has no kernel for x of type %s with int4 weights (%s)"
                              : "%s: x of type %s and weight of type %s do not go together",
                         call->op->name, stub_dtype_name(x->dtype), stub_dtype_name(weight->dtype));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_result_type(const stub_call *call, const stub_grouped_plan *plan) {
    const aclTensor *y = plan->y.items[0], *x = plan->x.items[0];
    if (plan->kind != STUB_GROUPED_INT8) {
        return y->dtype == x->dtype ? ACLNN_SUCCESS : refuse(call, "y must have the data type of x");
    }
    if (!one_of(y, STUB_HALVES | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32))) {
        return refuse(call, "y of int8 products must be ACL_FLOAT16, ACL_BF16, ACL_INT8 or ACL_INT32");
    }
    if (y->dtype == ACL_INT32) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_required(call, &plan->scale));
    const aclDataType scale = plan->scale.items[0]->dtype;
    const bool packed = scale == ACL_INT64 || scale == ACL_UINT64;
    const bool fits = y->dtype == ACL_INT8   ? packed && plan->token.count == 0
                      : y->dtype == ACL_BF16 ? scale == ACL_BF16
                                             : scale == ACL_FLOAT;
    return fits
               ? ACLNN_SUCCESS
               : refuse(call, "scaleOptional must be ACL_INT64 or ACL_UINT64 for ACL_INT8 results (without a scale per "
                              "token), ACL_BF16 for ACL_BF16 and ACL_FLOAT for ACL_FLOAT16");
}

static aclnnStatus check_bias_type(const stub_call *call, const stub_grouped_plan *plan) {
    if (plan->bias.count == 0) {
        return ACLNN_SUCCESS;
    }
    const aclDataType bias = plan->bias.items[0]->dtype, x = plan->x.items[0]->dtype;
    if (plan->kind == STUB_GROUPED_INT8) {
        return bias == ACL_INT32 || bias == ACL_BF16 ? ACLNN_SUCCESS
                                                     : refuse(call, "biasOptional must be ACL_INT32 or ACL_BF16");
    }
    return bias == (x == ACL_BF16 ? ACL_FLOAT : x)
               ? ACLNN_SUCCESS
               : refuse(call, "biasOptional must have the data type of x, ACL_FLOAT for ACL_BF16");
}

static aclnnStatus check_types(const stub_call *call, stub_grouped_plan *plan) {
    STUB_REQUIRE(find_kind(call, plan));
    const bool scaled = plan->scale.count + plan->token.count > 0;
    const bool antiquantised = plan->antiquant_scale.count + plan->antiquant_offset.count > 0;
    if ((plan->kind != STUB_GROUPED_INT8 && scaled) || (plan->kind != STUB_GROUPED_WEIGHTS && antiquantised)) {
        return refuse(call, "there are scales that x and weight of these data types have no use for");
    }
    if (plan->kind == STUB_GROUPED_WEIGHTS) {
        STUB_REQUIRE(check_required(call, &plan->antiquant_scale));
        STUB_REQUIRE(check_required(call, &plan->antiquant_offset));
        if (plan->antiquant_scale.items[0]->dtype != plan->x.items[0]->dtype ||
            plan->antiquant_offset.items[0]->dtype != plan->x.items[0]->dtype) {
            return refuse(call, "antiquantScaleOptional and antiquantOffsetOptional must have the data type of x");
        }
    }
    if (plan->token.count > 0 && plan->token.items[0]->dtype != ACL_FLOAT) {
        return refuse(call, "perTokenScaleOptional must be ACL_FLOAT");
    }
    STUB_REQUIRE(check_result_type(call, plan));
    return check_bias_type(call, plan);
}

/* ---- shapes ---- */

static int64_t integer(const stub_call *call, uint32_t number, int64_t otherwise) {
    return number == 0 ? otherwise : call->args[number - 1].integer;
}

/* Version 1 tells the kind of groups from the lengths of the lists. */
static aclnnStatus find_groups(const stub_call *call, const stub_grouped *op, stub_grouped_plan *plan) {
    const uint64_t x = plan->x.count, weights = plan->weight.count, y = plan->y.count;
    const int64_t split = call->args[op->split_item - 1].integer;
    const bool apart = (x > 1 && y > 1) || (x == 1 && y == 1 && weights == 1);
    plan->type = integer(call, op->group_type, apart ? STUB_SPLIT_NONE : STUB_SPLIT_M);
    plan->list_type = integer(call, op->list_type, STUB_ENDS);
    if (plan->type != STUB_SPLIT_NONE && plan->type != STUB_SPLIT_M && plan->type != STUB_SPLIT_K) {
        return refuse(call, "groupType must be -1, 0 or 2");
    }
    if (split < 0 || split > 3 || (split >= 2 && plan->type == STUB_SPLIT_NONE)) {
        return refuse(call, "splitItem must be 0 to 3, and 0 or 1 when groupType is -1");
    }
    if ((split < 2) != (plan->type == STUB_SPLIT_NONE || y > 1)) {
        return refuse(call, "splitItem must be 0 or 1 for several y, 2 or 3 for one");
    }
    if (plan->list_type < STUB_ENDS || plan->list_type > STUB_SPARSE ||
        (plan->list_type == STUB_SPARSE && plan->type != STUB_SPLIT_M)) {
        return refuse(call, "groupListType must be 0, 1, or (with groupType 0) 2");
    }
    plan->one_weight = weights == 1 && plan->type == STUB_SPLIT_M && plan->weight.items[0]->rank > 2;
    return ACLNN_SUCCESS;
}

static int64_t listed_groups(const stub_call *call, const stub_grouped *op) {
    if (op->ends_array != 0) {
        const aclIntArray *array = call->args[op->ends_array - 1].ints;
        return array ? (int64_t)array->size : -1;
    }
    const aclTensor *tensor = stub_tensor_arg(call, op->ends_tensor - 1);
    return !tensor ? -1 : tensor->rank == 0 ? 0 : tensor->shape[0];
}

static aclnnStatus check_list(const stub_call *call, const stub_grouped *op, const stub_grouped_plan *plan) {
    const int64_t listed = listed_groups(call, op);
    const bool needed = plan->type == STUB_SPLIT_K || (plan->x.count == 1 && plan->y.count == 1 && plan->groups > 1);
    if (listed < 0 && plan->type != STUB_SPLIT_NONE && needed) {
        return refuse(call, "groupListOptional is NULL; these groups need it");
    }
    if (listed >= 0 && (uint64_t)listed != plan->groups) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupListOptional has %lld groups; there are %llu",
                         call->op->name, (long long)listed, (unsigned long long)plan->groups);
    }
    if (op->ends_tensor != 0) {
        const stub_dtype_rule rule = {op->ends_tensor - 1, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))};
        const uint32_t rank = plan->list_type == STUB_SPARSE ? 2 : 1;
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, op->ends_tensor - 1, rank, rank));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_weight(const stub_call *call, const stub_grouped_plan *plan, uint64_t i) {
    const aclTensor *weight = plan->weight.items[i];
    stub_nz nz;
    if (!stub_is_nz(weight)) {
        return ACLNN_SUCCESS;
    }
    if (stub_int4_of(weight).is_packed || stub_nz_shows_tiles(weight)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for FRACTAL_NZ weights of int4, or whose views show tiles",
                         call->op->name);
    }
    return stub_nz_find(call, plan->weight.arg, weight, weight->shape[weight->rank - 2],
                        weight->shape[weight->rank - 1], -1, &nz);
}

/* Inner and outer lengths of each product. */
static aclnnStatus check_products(const stub_call *call, const stub_grouped_plan *plan) {
    for (uint64_t i = 0; i < plan->groups; i++) {
        const aclTensor *x = plan->x.items[plan->x.count > 1 ? i : 0], *y = plan->y.items[plan->y.count > 1 ? i : 0];
        const aclTensor *weight = plan->weight.items[plan->weight.count > 1 ? i : 0];
        const stub_int4 by = stub_int4_of(weight);
        const bool whole = plan->type == STUB_SPLIT_K;
        char left[TEXT], right[TEXT], result[TEXT];
        const int64_t k = stub_last_dim(x);
        if (k != by.rows || stub_last_dim(y) != by.columns || (whole && y->shape[1] != x->shape[0])) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x (%s), weight (%s) and y (%s) of group %llu do not fit",
                             call->op->name, stub_describe(x, left, sizeof left),
                             stub_describe(weight, right, sizeof right), stub_describe(y, result, sizeof result),
                             (unsigned long long)i);
        }
        if (plan->x.count == plan->y.count && !whole &&
            stub_tensor_numel(y) / (by.columns ? by.columns : 1) != stub_tensor_numel(x) / (k ? k : 1) && k &&
            by.columns) {
            return refuse(call, "x and y have different numbers of rows");
        }
    }
    return ACLNN_SUCCESS;
}

/* One tensor [groups, n] or one [n] for each group; [groups, G, n] and [G, n] when there may be `inner` groups. */
static aclnnStatus check_parameters(const stub_call *call, const stub_grouped_plan *plan, const stub_list *list,
                                    bool inner) {
    char text[TEXT];
    if (list->count == 0) {
        return ACLNN_SUCCESS;
    }
    const uint64_t wanted = plan->one_weight ? 1 : plan->weight.count;
    for (uint64_t i = 0; i < list->count && list->count == wanted; i++) {
        const aclTensor *tensor = list->items[i];
        const uint32_t rank = plan->one_weight ? 2 : 1;
        STUB_REQUIRE(check_item(call, list, i, rank, rank + inner));
        const int64_t n = stub_int4_of(plan->weight.items[i]).columns;
        if (stub_last_dim(tensor) != n || (plan->one_weight && tensor->shape[0] != (int64_t)plan->groups)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%llu] is %s; n is %lld, and there are %llu groups",
                             call->op->name, call->op->params[list->arg].name, (unsigned long long)i,
                             stub_describe(tensor, text, sizeof text), (long long)n, (unsigned long long)plan->groups);
        }
    }
    return list->count == wanted
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu tensors; it must have %llu, as weight",
                           call->op->name, call->op->params[list->arg].name, (unsigned long long)list->count,
                           (unsigned long long)wanted);
}

static aclnnStatus check_token(const stub_call *call, const stub_grouped_plan *plan) {
    if (plan->token.count == 0) {
        return ACLNN_SUCCESS;
    }
    if (plan->x.count != 1 || plan->y.count != 1 || plan->token.count != 1) {
        return refuse(call, "perTokenScaleOptional is for one x and one y, and has one tensor");
    }
    STUB_REQUIRE(check_item(call, &plan->token, 0, 1, 1));
    return plan->token.items[0]->shape[0] == plan->x.items[0]->shape[0]
               ? ACLNN_SUCCESS
               : refuse(call, "perTokenScaleOptional must have one element for each row of x");
}

static aclnnStatus check_lengths(const stub_call *call, stub_grouped_plan *plan) {
    const stub_list *lists[] = {&plan->x, &plan->weight, &plan->y};
    const bool none = plan->type == STUB_SPLIT_NONE;
    plan->groups = 1;
    for (int i = 0; i < 3; i++) {
        plan->groups = lists[i]->count > plan->groups ? lists[i]->count : plan->groups;
    }
    if (plan->one_weight) {
        plan->groups = (uint64_t)plan->weight.items[0]->shape[0];
    } else if (plan->type == STUB_SPLIT_K) {
        plan->groups = (uint64_t)plan->y.items[0]->shape[0];
    }
    for (int i = 0; i < 3; i++) {
        const bool single = lists[i]->count == 1 && !none && (i != 1 || plan->one_weight || plan->groups == 1);
        if (lists[i]->count != plan->groups && !single && plan->type != STUB_SPLIT_K) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu tensors; there are %llu groups", call->op->name,
                             call->op->params[lists[i]->arg].name, (unsigned long long)lists[i]->count,
                             (unsigned long long)plan->groups);
        }
    }
    if (plan->type == STUB_SPLIT_K && (plan->x.count != 1 || plan->weight.count != 1 || plan->y.count != 1 ||
                                       plan->bias.count > 0 || plan->kind != STUB_GROUPED_FLOATS)) {
        return refuse(call, "groupType 2 is for one x, weight and y of floats, without a bias");
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_grouped_plan_call(const stub_call *call, const stub_grouped *op, stub_grouped_plan *plan) {
    *plan = (stub_grouped_plan){.x = list_of(call, op->x),
                                .weight = list_of(call, op->weight),
                                .bias = list_of(call, op->bias),
                                .scale = list_of(call, op->scale),
                                .antiquant_scale = list_of(call, op->antiquant_scale),
                                .antiquant_offset = list_of(call, op->antiquant_offset),
                                .token = list_of(call, op->token),
                                .y = list_of(call, op->y)};
    STUB_REQUIRE(check_required(call, &plan->x));
    STUB_REQUIRE(check_required(call, &plan->weight));
    STUB_REQUIRE(check_required(call, &plan->y));
    STUB_REQUIRE(check_reserved(call, op));
    STUB_REQUIRE(check_items(call, &plan->x, 2, 6));
    STUB_REQUIRE(check_items(call, &plan->weight, 2, 3));
    STUB_REQUIRE(find_groups(call, op, plan));
    const uint32_t rank = plan->type == STUB_SPLIT_K ? 3 : 2;
    STUB_REQUIRE(check_items(call, &plan->y, rank, plan->type == STUB_SPLIT_NONE ? 6 : rank));
    STUB_REQUIRE(check_types(call, plan));
    STUB_REQUIRE(check_lengths(call, plan));
    STUB_REQUIRE(check_list(call, op, plan));
    return check_products(call, plan);
}

aclnnStatus stub_grouped_check(const stub_call *call, stub_plan *plan, const stub_grouped *op) {
    stub_grouped_plan grouped;
    STUB_REQUIRE(stub_grouped_plan_call(call, op, &grouped));
    STUB_REQUIRE(check_parameters(call, &grouped, &grouped.bias, false));
    STUB_REQUIRE(check_parameters(call, &grouped, &grouped.scale, false));
    STUB_REQUIRE(check_parameters(call, &grouped, &grouped.antiquant_scale, true));
    STUB_REQUIRE(check_parameters(call, &grouped, &grouped.antiquant_offset, true));
    STUB_REQUIRE(check_token(call, &grouped));
    for (uint64_t i = 0; i < grouped.weight.count; i++) {
        STUB_REQUIRE(check_weight(call, &grouped, i));
    }
    const int64_t act = integer(call, op->act_type, 0);
    if (act < 0 || act > LAST_ACTIVATION || act == GELU_ERF) {
        return refuse(call, "actType must be 0 (none), 1 (relu), 2 (gelu, tanh), 4 (fast gelu) or 5 (silu)");
    }
    const bool rounds = grouped.kind == STUB_GROUPED_INT8 && one_of(grouped.y.items[0], STUB_HALVES);
    if (act != 0 && !rounds) {
        return refuse(call, "actType is for int8 products that give halves");
    }
    plan->nothing_to_run = false;
    return ACLNN_SUCCESS;
}
