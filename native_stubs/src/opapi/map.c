/* The elementwise family: what an operator's signature says, phase one, and the call of phase two. */
#include "opapi/map.h"

#include "opapi/promote.h"

/* A call's arguments by their part in the map. */
typedef struct {
    uint32_t inputs, outputs, constants;
    uint32_t in[STUB_MAX_INPUTS], out[STUB_MAX_OUTPUTS], constant[STUB_MAX_CONSTANTS]; /* numbers of arguments */
} parts;

static bool is_operand(const stub_param *param) {
    return param->kind == STUB_TENSOR || param->kind == STUB_SCALAR;
}

static parts parts_of(const stub_call *call) {
    parts found = {0};
    for (uint32_t i = 0; i < call->op->count; i++) {
        const stub_param *param = &call->op->params[i];
        if (!is_operand(param)) {
            found.constant[found.constants++] = i;
            continue;
        }
        if (param->role != STUB_OUT) {
            found.in[found.inputs++] = i;
        }
        if (param->role != STUB_IN) {
            found.out[found.outputs++] = i;
        }
    }
    return found;
}

static bool has_bit(uint32_t set, uint32_t bit) {
    return (set >> bit & 1) != 0;
}

static bool is_scalar(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].kind == STUB_SCALAR;
}

static aclDataType meeting_type(const stub_call *call, const stub_map *map, const parts *part, aclDataType tensors,
                                const aclScalar *scalar) {
    return map->meets ? map->meets(tensors, scalar, stub_tensor_arg(call, part->out[0])->dtype)
                      : stub_promote_scalar(tensors, scalar->dtype);
}

aclDataType stub_meets_as_tensors(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    (void)out;
    return stub_promote(tensors, scalar->dtype);
}

aclDataType stub_meets_in_differences(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    (void)out;
    if (stub_dtype_is_complex(tensors) || stub_dtype_is_complex(scalar->dtype)) {
        return stub_promote(tensors, scalar->dtype);
    }
    if (stub_dtype_is_floating(tensors)) {
        return tensors;
    }
    return stub_dtype_is_floating(scalar->dtype) || tensors == ACL_BOOL ? stub_promote(tensors, scalar->dtype)
                                                                        : tensors;
}

aclDataType stub_meets_in_sums(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    const bool is_whole = !stub_dtype_is_floating(tensors) && !stub_dtype_is_complex(tensors);
    return is_whole && scalar->dtype == ACL_DOUBLE && out == ACL_FLOAT
               ? ACL_FLOAT
               : stub_meets_in_differences(tensors, scalar, out);
}

/* Tensors first, then scalars: a scalar raises the category of what the tensors are together. */
static aclDataType promoted_type(const stub_call *call, const stub_map *map, const parts *part) {
    aclDataType type = ACL_DT_UNDEFINED;
    bool any = false;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < part->inputs; k++) {
            const stub_value value = call->args[part->in[k]];
            const bool scalar = is_scalar(call, part->in[k]);
            if (!value.tensor || scalar != (pass == 1) || has_bit(map->apart | map->conditions, k)) {
                continue;
            }
            const aclDataType given = scalar ? value.scalar->dtype : value.tensor->dtype;
            type = !any     ? given
                   : scalar ? meeting_type(call, map, part, type, value.scalar)
                            : stub_promote(type, given);
            any = true;
        }
    }
    return type;
}

static aclDataType computing_type(const stub_call *call, const stub_map *map, const parts *part) {
    const aclDataType promoted = promoted_type(call, map, part);
    switch (map->type) {
    case STUB_AS_BOOL:
        return ACL_BOOL;
    case STUB_AS_OUTPUT:
        return call->args[part->out[0]].tensor->dtype;
    case STUB_AS_FLOATING:
        return stub_dtype_is_integral(promoted) ? ACL_FLOAT : promoted;
    case STUB_AS_FLOAT:
        return stub_dtype_is_number(promoted) &&
                       (stub_dtype_is_integral(promoted) || stub_class_of(promoted) == STUB_F32)
                   ? ACL_FLOAT
                   : promoted;
    default:
        return promoted;
    }
}

aclDataType stub_map_computes_in(const stub_call *call, const stub_map *map) {
    const parts part = parts_of(call);
    return computing_type(call, map, &part);
}

/* Of outputs that nothing is cast to. */
static aclDataType own_type(const stub_call *call, const stub_map *map, const parts *part) {
    const aclDataType as = computing_type(call, map, part), promoted = promoted_type(call, map, part);
    return stub_map_result_type(map, map->type == STUB_AS_FLOAT && stub_dtype_is_floating(promoted) ? promoted : as);
}

static aclnnStatus check_given(const stub_call *call, const stub_map *map, const parts *part) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (!has_bit(map->optional, k)) {
            STUB_REQUIRE(stub_check_given(call, &part->in[k], 1));
        }
    }
    return stub_check_given(call, part->out, part->outputs);
}

#define CONDITIONS (STUB_BOOLS | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT8))

static aclnnStatus check_inputs(const stub_call *call, const stub_map *map, const parts *part) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (is_scalar(call, part->in[k])) {
            continue;
        }
        const stub_dtypes allowed = has_bit(map->conditions, k) ? CONDITIONS : map->allowed;
        const stub_dtype_rule rule = {part->in[k], STUB_ON_ALL(allowed)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, part->in[k], 0, STUB_MAX_RANK));
    }
    return ACLNN_SUCCESS;
}

static bool is_computed_in(const stub_map *map, aclDataType promoted, aclDataType as) {
    return stub_dtype_is_number(as) && map->loops[stub_class_of(as)] &&
           (!map->promoted || (stub_dtype_is_number(promoted) && (STUB_DTYPE(promoted) & map->promoted)));
}

static aclnnStatus check_output(const stub_call *call, const stub_map *map, uint32_t arg, aclDataType as,
                                aclDataType own) {
    const char *name = call->op->params[arg].name;
    const aclDataType given = stub_tensor_arg(call, arg)->dtype, result = stub_map_result_type(map, as);
    const stub_dtype_rule rule = {arg, STUB_ON_ALL(map->outputs)};
    STUB_REQUIRE(map->outputs ? stub_check_dtypes(call, &rule, 1) : ACLNN_SUCCESS);
    if (map->own_output && given != own) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; it must be %s", call->op->name, name,
                         stub_dtype_name(given), stub_dtype_name(own));
    }
    if (!stub_dtype_is_number(given) || (!map->any_output && !stub_can_cast(result, given))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in %s, which is %s",
                         call->op->name, stub_dtype_name(result), name, stub_dtype_name(given));
    }
    return ACLNN_SUCCESS;
}

/* A complex scalar can be cast to complex types alone, whether it has a say or not. */
static aclnnStatus check_scalars(const stub_call *call, const parts *part, aclDataType as) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        const uint32_t arg = part->in[k];
        const aclScalar *scalar = is_scalar(call, arg) ? call->args[arg].scalar : NULL;
        if (scalar && stub_dtype_is_complex(scalar->dtype) && !stub_dtype_is_complex(as) && as != ACL_BOOL) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is complex, which cannot be cast to %s", call->op->name,
                             call->op->params[arg].name, stub_dtype_name(as));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const stub_map *map, const parts *part) {
    const aclDataType as = computing_type(call, map, part);
    const aclDataType promoted = map->promoted ? promoted_type(call, map, part) : as;
    if (!is_computed_in(map, promoted, as)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the data types of the inputs promote to %s, which this operator does not compute in",
                         call->op->name, stub_dtype_name(promoted));
    }
    STUB_REQUIRE(check_scalars(call, part, as));
    const aclDataType own = own_type(call, map, part);
    for (uint32_t k = 0; k < part->outputs; k++) {
        STUB_REQUIRE(check_output(call, map, part->out[k], as, own));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const parts *part) {
    const aclTensor *tensors[STUB_MAX_INPUTS];
    uint32_t count = 0;
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (!is_scalar(call, part->in[k])) {
            tensors[count++] = stub_tensor_arg(call, part->in[k]);
        }
    }
    int64_t shape[STUB_MAX_RANK];
    const int rank = stub_broadcast(tensors, count, shape);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of the input tensors do not broadcast together",
                         call->op->name);
    }
    for (uint32_t k = 0; k < part->outputs; k++) {
        STUB_REQUIRE(stub_check_shape(call, part->out[k], shape, (uint32_t)rank, "that of the inputs, broadcast"));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_map_check(const stub_call *call, stub_plan *plan, const stub_map *map) {
    const parts part = parts_of(call);
    STUB_REQUIRE(check_given(call, map, &part));
    STUB_REQUIRE(check_inputs(call, map, &part));
    STUB_REQUIRE(check_types(call, map, &part));
    STUB_REQUIRE(check_shapes(call, &part));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, part.out[0])) == 0;
    return ACLNN_SUCCESS;
}

double stub_scalar_number(const aclScalar *scalar) {
    double number;
    stub_load(scalar->dtype, scalar->value.bytes, 0, 1, ACL_DOUBLE, &number);
    return number;
}

double stub_number(const stub_call *call, uint32_t arg) {
    const stub_value value = call->args[arg];
    switch (call->op->params[arg].kind) {
    case STUB_SCALAR:
        return stub_scalar_number(value.scalar);
    case STUB_REAL:
        return value.real;
    case STUB_FLAG:
        return value.flag;
    default:
        return (double)value.integer;
    }
}

static aclnnStatus open_inputs(const stub_call *call, const stub_map *map, const parts *part, stub_operand *in,
                               stub_view *views) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        in[k] = (stub_operand){.is_condition = has_bit(map->conditions, k)};
        const uint32_t arg = part->in[k];
        if (is_scalar(call, arg)) {
            in[k].scalar = call->args[arg].scalar;
        } else if (stub_tensor_arg(call, arg)) {
            STUB_REQUIRE(stub_view_open(call, arg, &views[k]));
            in[k].view = &views[k];
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_map_run(const stub_call *call, const stub_map *map) {
    const parts part = parts_of(call);
    stub_operand in[STUB_MAX_INPUTS];
    stub_view in_views[STUB_MAX_INPUTS], out_views[STUB_MAX_OUTPUTS];
    const stub_view *out[STUB_MAX_OUTPUTS];
    double constants[STUB_MAX_CONSTANTS];
    STUB_REQUIRE(open_inputs(call, map, &part, in, in_views));
    for (uint32_t k = 0; k < part.outputs; k++) {
        STUB_REQUIRE(stub_view_open(call, part.out[k], &out_views[k]));
        out[k] = &out_views[k];
    }
    for (uint32_t k = 0; k < part.constants; k++) {
        constants[k] = stub_number(call, part.constant[k]);
    }
    stub_map_apply(map, computing_type(call, map, &part), in, part.inputs, out, part.outputs, constants);
    return ACLNN_SUCCESS;
}
