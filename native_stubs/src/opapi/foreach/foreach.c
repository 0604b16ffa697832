/* The foreach family: items, phase one, and a map for every item. */
#include "opapi/foreach/foreach.h"

static bool is_list(const stub_param *param) {
    return param->kind == STUB_TENSOR_LIST || param->kind == STUB_SCALAR_LIST;
}

static uint64_t length_of(const stub_call *call, uint32_t arg) {
    uint64_t count = 0;
    stub_argument_items(call, arg, &count);
    return count;
}

static uint32_t first_list(const stub_call *call) {
    uint32_t arg = 0;
    while (call->op->params[arg].kind != STUB_TENSOR_LIST) {
        arg++;
    }
    return arg;
}

uint64_t foreach_count(const stub_call *call) {
    return length_of(call, first_list(call));
}

/* Element `index` of a tensor of numbers, which has at most one axis longer than 1, as a tensor without axes. */
static void take_element(const aclTensor *tensor, uint64_t index, aclTensor *element) {
    *element = *tensor;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        element->offset += tensor->shape[i] > 1 ? (int64_t)index * tensor->strides[i] : 0;
    }
    element->rank = 0;
}

void foreach_take(const stub_call *call, uint64_t index, bool element_for_each, foreach_item *item) {
    item->op = *call->op;
    item->op.params = item->params;
    item->call = *call;
    item->call.op = &item->op;
    item->call.args = item->args;
    for (uint32_t i = 0; i < call->op->count; i++) {
        uint64_t count;
        item->params[i] = call->op->params[i];
        item->args[i] = call->args[i];
        if (call->op->params[i].kind == STUB_TENSOR_LIST) {
            item->params[i].kind = STUB_TENSOR;
            item->args[i].tensor = ((const aclTensor *const *)stub_argument_items(call, i, &count))[index];
        } else if (call->op->params[i].kind == STUB_SCALAR_LIST) {
            item->params[i].kind = STUB_SCALAR;
            item->args[i].scalar = ((const aclScalar *const *)stub_argument_items(call, i, &count))[index];
        } else if (call->op->params[i].kind == STUB_TENSOR) {
            take_element(call->args[i].tensor, element_for_each ? index : 0, &item->element);
            item->args[i].tensor = &item->element;
        }
    }
}

static aclnnStatus check_items(const stub_call *call, uint64_t index, stub_dtypes types) {
    foreach_item item;
    foreach_take(call, index, false, &item);
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (!is_list(&call->op->params[i])) {
            continue;
        }
        STUB_REQUIRE(stub_check_given(&item.call, &i, 1));
        if (call->op->params[i].kind == STUB_TENSOR_LIST) {
            const stub_dtype_rule rule = {i, STUB_ON_ALL(types)};
            STUB_REQUIRE(stub_check_dtypes(&item.call, &rule, 1));
            STUB_REQUIRE(stub_check_rank(&item.call, i, 0, STUB_MAX_RANK));
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus foreach_check_lists(const stub_call *call, stub_dtypes types) {
    for (uint32_t i = 0; i < call->op->count; i++) {
        STUB_REQUIRE(stub_check_given(call, &i, 1));
    }
    const uint64_t count = foreach_count(call);
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (is_list(&call->op->params[i]) && length_of(call, i) != count) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu items; it has to have %llu, as %s has",
                             call->op->name, call->op->params[i].name, (unsigned long long)length_of(call, i),
                             (unsigned long long)count, call->op->params[first_list(call)].name);
        }
    }
    for (uint64_t index = 0; index < count; index++) {
        STUB_REQUIRE(check_items(call, index, types));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus foreach_check_elements(const stub_call *call, uint32_t arg, int64_t count) {
    const int64_t given = stub_tensor_numel(stub_tensor_arg(call, arg));
    if (given == count) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %lld elements; it has to have %lld", call->op->name,
                     call->op->params[arg].name, (long long)given, (long long)count);
}

/* Besides its own type, a converted item may be of a narrower float type, or FLOAT for FLOAT16. */
static bool may_become(aclDataType from, aclDataType to) {
    return from == ACL_FLOAT ? to == ACL_FLOAT16 || to == ACL_BF16 : from == ACL_FLOAT16 && to == ACL_FLOAT;
}

static aclnnStatus check_agreement(const stub_call *call, uint64_t index, const foreach *family) {
    foreach_item item, head;
    const uint32_t first = first_list(call);
    foreach_take(call, index, family->element_for_each, &item);
    foreach_take(call, 0, family->element_for_each, &head);
    const aclDataType type = head.args[first].tensor->dtype;
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (call->op->params[i].kind != STUB_TENSOR_LIST) {
            continue;
        }
        const aclTensor *tensor = item.args[i].tensor;
        const bool converted = family->converts && call->op->params[i].role == STUB_OUT;
        if (tensor->dtype != type && !(converted && may_become(type, tensor->dtype))) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: item %llu of %s is of type %s; it has to be %s, as %s is",
                             call->op->name, (unsigned long long)index, call->op->params[i].name,
                             stub_dtype_name(tensor->dtype), stub_dtype_name(type), call->op->params[first].name);
        }
        STUB_REQUIRE(stub_check_same_shape(&item.call, i, first));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_number(const stub_call *call, uint32_t arg, const foreach *family) {
    const stub_dtype_rule rule = {arg, STUB_ON_ALL(STUB_NUMBERS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    return foreach_check_elements(call, arg, family->element_for_each ? (int64_t)foreach_count(call) : 1);
}

/* FLOAT and BF16 meet FLOAT or DOUBLE, FLOAT16 itself or DOUBLE, integers INT32 or INT64. */
static stub_dtypes scalars_for(aclDataType items) {
    if (stub_class_of(items) == STUB_I64) {
        return STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64);
    }
    return STUB_DTYPE(ACL_DOUBLE) | STUB_DTYPE(items == ACL_FLOAT16 ? ACL_FLOAT16 : ACL_FLOAT);
}

static aclnnStatus check_scalar(const stub_call *call, uint32_t arg, const foreach *family) {
    if (foreach_count(call) == 0) {
        return ACLNN_SUCCESS;
    }
    foreach_item head;
    foreach_take(call, 0, false, &head);
    const aclDataType items = head.args[first_list(call)].tensor->dtype, given = call->args[arg].scalar->dtype;
    const stub_dtypes allowed = family->scalars != 0 ? family->scalars : scalars_for(items);
    return allowed >> given & 1
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s, which does not go with items of %s", call->op->name,
                           call->op->params[arg].name, stub_dtype_name(given), stub_dtype_name(items));
}

aclnnStatus foreach_check(const stub_call *call, stub_plan *plan, const foreach *family) {
    STUB_REQUIRE(foreach_check_lists(call, family->types));
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (call->op->params[i].kind == STUB_SCALAR) {
            STUB_REQUIRE(check_scalar(call, i, family));
        }
        if (call->op->params[i].kind == STUB_TENSOR) {
            STUB_REQUIRE(check_number(call, i, family));
        }
    }
    plan->nothing_to_run = true;
    for (uint64_t index = 0; index < foreach_count(call); index++) {
        STUB_REQUIRE(check_agreement(call, index, family));
        foreach_item item;
        foreach_take(call, index, family->element_for_each, &item);
        plan->nothing_to_run &= stub_tensor_numel(item.args[first_list(call)].tensor) == 0;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_item(const stub_call *call, const stub_map *map, aclDataType as) {
    stub_operand in[FOREACH_MAX_PARAMS] = {0};
    stub_view views[FOREACH_MAX_PARAMS];
    const stub_view *out = NULL;
    uint32_t inputs = 0;
    for (uint32_t i = 0; i < call->op->count; i++) {
        const stub_param *param = &call->op->params[i];
        if (param->kind == STUB_SCALAR) {
            in[inputs++].scalar = call->args[i].scalar;
            continue;
        }
        STUB_REQUIRE(stub_view_open(call, i, &views[i]));
        if (param->role != STUB_OUT) {
            in[inputs++].view = &views[i];
        }
        out = param->role != STUB_IN ? &views[i] : out;
    }
    stub_map_apply(map, as, in, inputs, &out, 1, NULL);
    return ACLNN_SUCCESS;
}

aclnnStatus foreach_run(const stub_call *call, const foreach *family) {
    stub_map map = {0};
    for (int i = 0; i < STUB_CLASS_COUNT; i++) {
        map.loops[i] = family->loops[i];
    }
    for (uint64_t index = 0; index < foreach_count(call); index++) {
        foreach_item item;
        foreach_take(call, index, family->element_for_each, &item);
        const aclTensor *tensor = item.args[first_list(call)].tensor;
        const bool in_float = family->in_float || stub_class_of(tensor->dtype) == STUB_F32;
        if (stub_tensor_numel(tensor) > 0) {
            STUB_REQUIRE(run_item(&item.call, &map, in_float ? ACL_FLOAT : tensor->dtype));
        }
    }
    return ACLNN_SUCCESS;
}
