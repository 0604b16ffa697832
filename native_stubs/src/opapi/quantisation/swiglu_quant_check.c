/* Phase one of SwiGLU with quantisation. */
#include "opapi/quantisation/swiglu_quant.h"

#include <string.h>

#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { NONE = STUB_NO_ARGUMENT };

#define FLOAT STUB_DTYPE(ACL_FLOAT)
#define INT32 STUB_DTYPE(ACL_INT32)

bool stub_swiglu_is_dynamic(const stub_call *call, const swiglu_quant *op) {
    const char *mode = call->args[op->mode].text;
    return mode ? strcmp(mode, "dynamic") == 0 : op->scaling == SWIGLU_BY_FACTOR;
}

static aclnnStatus refuse(const stub_call *call, int arg, const char *rule) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s %s", call->op->name, call->op->params[arg].name, rule);
}

static aclnnStatus check_attributes(const stub_call *call, const swiglu_quant *op) {
    const char *mode = call->args[op->mode].text;
    if (mode && strcmp(mode, "dynamic") != 0 && strcmp(mode, "static") != 0) {
        return refuse(call, op->mode, "must be dynamic or static");
    }
    if (op->dst_type != NONE && call->args[op->dst_type].integer != (int64_t)stub_tensor_or_none(call, op->y)->dtype) {
        return refuse(call, op->dst_type, "must name the data type of yOut");
    }
    const char *round = op->round_mode == NONE ? NULL : call->args[op->round_mode].text;
    if (round && strcmp(round, "rint") != 0) {
        return refuse(call, op->round_mode, "must be rint for INT8");
    }
    const int64_t rank = stub_tensor_or_none(call, op->x)->rank;
    if (op->activate_dim != NONE && call->args[op->activate_dim].integer != -1 &&
        call->args[op->activate_dim].integer != rank - 1) {
        return refuse(call, op->activate_dim, "must be the last axis on Atlas A2 and A3");
    }
    if (op->swiglu_mode != NONE && (uint64_t)call->args[op->swiglu_mode].integer > 3) {
        return refuse(call, op->swiglu_mode, "must be 0 to 3");
    }
    if (op->lengths != NONE && (uint64_t)call->args[op->lengths].integer > 1) {
        return refuse(call, op->lengths, "must be 0 (ends) or 1 (lengths)");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const swiglu_quant *op) {
    const bool dequantises = op->weight_scale != NONE;
    const int floats[] = {op->weight_scale, op->activation_scale, op->scale_out};
    const int quantisers[] = {op->scale, op->offset};
    STUB_REQUIRE(stub_norm_dtype(call, op->x, dequantises ? STUB_HALVES | INT32 : STUB_FLOATS));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), FLOAT));
    STUB_REQUIRE(stub_norm_dtypes(call, quantisers, STUB_COUNT(quantisers), dequantises ? STUB_FLOATS : FLOAT));
    STUB_REQUIRE(stub_norm_dtype(call, op->bias, STUB_FLOATS | INT32));
    STUB_REQUIRE(stub_norm_dtype(call, op->group, INT32 | STUB_DTYPE(ACL_INT64)));
    const bool is_integer = stub_tensor_or_none(call, op->x)->dtype == ACL_INT32;
    if (is_integer && !stub_tensor_or_none(call, op->weight_scale)) {
        return refuse(call, op->weight_scale, "is NULL; an INT32 x needs it");
    }
    const int dequantisers[] = {op->weight_scale, op->activation_scale, op->bias};
    for (size_t i = 0; !is_integer && i < STUB_COUNT(dequantisers); i++) {
        if (stub_tensor_or_none(call, dequantisers[i])) {
            return refuse(call, dequantisers[i], "is given; only an INT32 x is dequantised");
        }
    }
    return ACLNN_SUCCESS;
}

/* A parameter: [columns] for all rows, or [experts, columns]; `single`: [1] and [experts] as well. */
static aclnnStatus check_parameter(const stub_call *call, const swiglu_quant *op, int arg, int64_t columns,
                                   bool single) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg), *group = stub_tensor_or_none(call, op->group);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    const int64_t experts = group ? stub_tensor_numel(group) : 1, dims[] = {experts, columns};
    if (single && tensor->rank == 1 && tensor->shape[0] == experts) {
        return ACLNN_SUCCESS;
    }
    if (tensor->rank == 2 || group) {
        return stub_check_shape(call, (uint32_t)arg, dims, 2, "[experts, columns]");
    }
    return stub_check_shape(call, (uint32_t)arg, &columns, 1, "one for each column");
}

static aclnnStatus check_activation_scale(const stub_call *call, const swiglu_quant *op) {
    const aclTensor *tensor = stub_tensor_or_none(call, op->activation_scale), *x = stub_tensor_or_none(call, op->x);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, x->shape, x->rank * sizeof *dims);
    dims[x->rank - 1] = 1;
    return stub_check_shape(call, (uint32_t)op->activation_scale, dims, tensor->rank == x->rank ? x->rank : x->rank - 1,
                            "one for each row of x");
}

static aclnnStatus check_shapes(const stub_call *call, const swiglu_quant *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, 2, STUB_MAX_RANK));
    const int64_t columns = stub_last_dim(x);
    if (columns % 2 != 0) {
        return refuse(call, op->x, "must have an even last dimension");
    }
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->scale, 1, 2));
    STUB_REQUIRE(check_parameter(call, op, op->weight_scale, columns, false));
    STUB_REQUIRE(check_parameter(call, op, op->bias, columns, false));
    STUB_REQUIRE(check_parameter(call, op, op->scale, columns / 2, true));
    if (stub_tensor_or_none(call, op->scale)) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->offset, (uint32_t)op->scale));
    }
    if (stub_tensor_or_none(call, op->group)) {
        STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->group, 1, 1));
    }
    STUB_REQUIRE(check_activation_scale(call, op));
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, x->shape, x->rank * sizeof *dims);
    dims[x->rank - 1] /= 2;
    const stub_dtypes allowed =
        STUB_DTYPE(ACL_INT8) | (op->scaling == SWIGLU_BY_FACTOR && op->dst_type != NONE ? STUB_DTYPE(ACL_INT4) : 0);
    STUB_REQUIRE(stub_quantised_check(call, op->y, dims, x->rank, allowed));
    return stub_check_shape(call, (uint32_t)op->scale_out, dims, x->rank - 1, "that of x without its last axis");
}

aclnnStatus swiglu_quant_check(const stub_call *call, stub_plan *plan, const swiglu_quant *op) {
    const bool dynamic = stub_swiglu_is_dynamic(call, op);
    const int required[] = {op->x, op->y, dynamic ? op->scale_out : op->scale};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_attributes(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantising activations");
}
