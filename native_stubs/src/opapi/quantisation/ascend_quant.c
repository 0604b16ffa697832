/* aclnnAscendQuant and aclnnAscendQuantV3: y = round(x * scale + offset), x * scale * scale in sqrtMode; fp32
 * arithmetic, each operation rounded once, then one rounding to an integer that is kept in the range of y. */
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { X, SCALE, OFFSET, SQRT_MODE, ROUND_MODE, DST_TYPE };

typedef struct {
    int axis, y; /* arguments; without an axis the last one */
} ascend_quant;

/* Lines along the last axis: x -> y. */
typedef struct {
    stub_quantised y;
    const float *scale, *offset;
    int64_t scales, rows; /* rows: length of the axis before the last one, when that has the scales */
    bool twice;
    stub_rounding mode;
} constants;

static aclnnStatus check_types(const stub_call *call, const ascend_quant *op) {
    const int floats[] = {X, SCALE, OFFSET}, required[] = {X, SCALE, op->y};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_FLOATS));
    STUB_REQUIRE(stub_norm_dtype(call, op->y, STUB_QUANTISED));
    STUB_REQUIRE(stub_norm_same_dtype(call, OFFSET, SCALE));
    if (stub_tensor_arg(call, X)->dtype != ACL_FLOAT) {
        STUB_REQUIRE(stub_norm_same_dtype(call, SCALE, X));
    }
    const aclDataType y = stub_tensor_or_none(call, op->y)->dtype;
    if (call->args[DST_TYPE].integer == (int64_t)y) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dstType is %lld, but y has data type %s (%d); the two must be equal",
                     call->op->name, (long long)call->args[DST_TYPE].integer, stub_dtype_name(y), (int)y);
}

static uint32_t axis_of(const stub_call *call, const ascend_quant *op) {
    const uint32_t rank = stub_tensor_arg(call, X)->rank;
    return op->axis == STUB_NO_ARGUMENT ? rank - 1 : (uint32_t)stub_axis(call->args[op->axis].integer, rank);
}

static aclnnStatus check_axis(const stub_call *call, const ascend_quant *op) {
    const uint32_t rank = stub_tensor_arg(call, X)->rank;
    STUB_REQUIRE(stub_check_rank(call, X, 1, STUB_MAX_RANK));
    if (op->axis == STUB_NO_ARGUMENT) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_axis(call, (uint32_t)op->axis, rank));
    if (axis_of(call, op) + 2 < rank) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis is %lld; it must be one of the last two axes of x",
                         call->op->name, (long long)call->args[op->axis].integer);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_scale(const stub_call *call, uint32_t axis) {
    const aclTensor *x = stub_tensor_arg(call, X), *scale = stub_tensor_arg(call, SCALE);
    STUB_REQUIRE(stub_check_same_shape(call, OFFSET, SCALE));
    int64_t dims[STUB_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    const uint32_t rank = scale->rank == x->rank ? x->rank : 1, place = rank == 1 ? 0 : axis;
    const bool single = stub_tensor_numel(scale) == 1 && scale->rank == rank;
    dims[place] = single ? 1 : x->shape[axis];
    return stub_check_shape(call, SCALE, dims, rank, "1, or the length of x's axis, in one axis or in that of x");
}

static aclnnStatus ascend_quant_check(const stub_call *call, stub_plan *plan, const ascend_quant *op) {
    stub_rounding mode;
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_axis(call, op));
    const aclTensor *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_quantised_check(call, op->y, x->shape, x->rank, STUB_QUANTISED));
    STUB_REQUIRE(check_scale(call, axis_of(call, op)));
    STUB_REQUIRE(stub_rounding_of(call, ROUND_MODE, &mode));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantisation");
}

static void scale_columns(const constants *by, float *x, size_t n) {
    if (by->twice) {
        stub_floats_normalise(x, 0, 1, by->scale, NULL, n, x);
    }
    stub_floats_normalise(x, 0, 1, by->scale, by->offset, n, x);
}

static void scale_row(const constants *by, size_t row, float *x, size_t n) {
    stub_floats_normalise(x, 0, by->scale[row], NULL, NULL, n, x);
    if (by->twice) {
        stub_floats_normalise(x, 0, by->scale[row], NULL, NULL, n, x);
    }
    if (by->offset) {
        stub_floats_normalise(x, -by->offset[row], 1, NULL, NULL, n, x);
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0];
    if (by->scales > 1 && by->rows == 0) {
        scale_columns(by, array[0], n);
    } else {
        scale_row(by, by->scales > 1 ? (size_t)(position % by->rows) : 0, array[0], n);
    }
    stub_quantised_put(&by->y, by->mode, array[0], n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus ascend_quant_run(const stub_call *call, const ascend_quant *op) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const uint32_t axis = axis_of(call, op);
    stub_line_set set = {.call = call};
    constants by = {.scales = stub_tensor_numel(stub_tensor_arg(call, SCALE)),
                    .rows = axis + 1 < x->rank ? x->shape[axis] : 0,
                    .twice = call->args[SQRT_MODE].flag};
    STUB_REQUIRE(stub_rounding_of(call, ROUND_MODE, &by.mode));
    by.scale = stub_line_weight(&set, SCALE);
    by.offset = stub_line_weight(&set, OFFSET);
    stub_line_input(&set, X, stub_last_axes(call, X, 1), ACL_FLOAT);
    stub_quantised_output(&set, op->y, 1, &by.y);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnAscendQuant, ascend_quant, {.axis = STUB_NO_ARGUMENT, .y = 6})
STUB_FAMILY_KERNEL(aclnnAscendQuantV3, ascend_quant, {.axis = 6, .y = 7})
