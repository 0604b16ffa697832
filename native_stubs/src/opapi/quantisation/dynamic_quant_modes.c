/* Dynamic quantisation with one scale per tensor or per channel, in the arithmetic of the per-token kernels: the
 * document gives the formulas, and A2's kernels do not have the modes. */
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/dynamic_quant.h"
#include "opapi/quantisation/quantised.h"
#include "opapi/view.h"

enum {
    X = DYNAMIC_QUANT_X,
    SMOOTH = DYNAMIC_QUANT_SMOOTH,
    GROUP = DYNAMIC_QUANT_GROUP,
    Y = DYNAMIC_QUANT_Y,
    SCALE = DYNAMIC_QUANT_SCALE,
    OFFSET = DYNAMIC_QUANT_OFFSET
};

#define SMALLEST_SCALE 1e-12f

/* Of the lines. */
enum { VALUES, INTEGERS, SCALES, OFFSETS };

typedef struct {
    stub_quantised y;
    const float *smooth;
    size_t period; /* of the smooth factors along a line */
} constants;

static aclnnStatus check_types(const stub_call *call) {
    const int factors[] = {SCALE, OFFSET};
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_HALVES));
    STUB_REQUIRE(stub_norm_same_dtype(call, SMOOTH, X));
    return stub_norm_dtypes(call, factors, STUB_COUNT(factors), STUB_DTYPE(ACL_FLOAT));
}

static aclnnStatus check_shapes(const stub_call *call, dynamic_quant_mode mode) {
    const aclTensor *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_check_rank(call, X, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_quantised_check(call, Y, x->shape, x->rank, STUB_QUANTISED));
    int64_t dims[STUB_MAX_RANK] = {1};
    const bool channels = mode == DYNAMIC_QUANT_PER_CHANNEL;
    const int64_t factors = x->shape[x->rank - (channels ? 2 : 1)];
    if (channels) {
        memcpy(dims, x->shape, (x->rank - 2) * sizeof *dims);
        dims[x->rank - 2] = x->shape[x->rank - 1];
    }
    STUB_REQUIRE(stub_check_shape(call, SMOOTH, &factors, 1, "one factor per column; perchannel, per row of x"));
    STUB_REQUIRE(stub_check_shape(call, SCALE, dims, channels ? x->rank - 1 : 1,
                                  "[1]; perchannel, that of x without its last axis but one"));
    return stub_check_same_shape(call, OFFSET, SCALE);
}

aclnnStatus stub_dynamic_quant_mode_check(const stub_call *call, stub_plan *plan, dynamic_quant_mode mode) {
    STUB_REQUIRE(check_types(call));
    if (stub_tensor_arg(call, GROUP)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupIndexOptional is given; in this quantMode it must be NULL",
                         call->op->name);
    }
    STUB_REQUIRE(check_shapes(call, mode));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    if (mode == DYNAMIC_QUANT_PER_CHANNEL && stub_tensor_arg(call, Y)->dtype != ACL_INT8) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for an int4 yOut with quantMode perchannel", call->op->name);
    }
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "dynamic quantisation");
}

static float one_nan(float value) {
    return isnan(value) ? stub_bits_float(STUB_F32_NAN) : value;
}

static void quantise_symmetric(const constants *by, float *x, size_t n, float *scale) {
    const float largest = stub_floats_largest(x, n);
    stub_floats_normalise(x, 0, by->y.limit / largest, NULL, NULL, n, x);
    *scale = one_nan(largest * (1.0f / by->y.limit));
}

static void quantise_asymmetric(const constants *by, float *x, size_t n, float *scale, float *offset) {
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        const int32_t key = stub_order_key(stub_float_bits(x[i]));
        low = key < low ? key : low;
        high = key > high ? key : high;
    }
    const float top = stub_key_float(high), spread = (top - stub_key_float(low)) / (2.0f * by->y.limit + 1.0f);
    const float step = spread < SMALLEST_SCALE ? SMALLEST_SCALE : spread, quotient = top / step;
    *scale = one_nan(step);
    *offset = one_nan(by->y.limit - quotient);
    stub_floats_normalise(x, 0, 1.0f / step, NULL, NULL, n, x);
    stub_floats_normalise(x, -*offset, 1, NULL, NULL, n, x);
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[VALUES];
    float *x = array[VALUES];
    for (size_t i = 0; by->smooth && i < n; i++) {
        x[i] *= by->smooth[i % by->period];
    }
    if (array[OFFSETS]) {
        quantise_asymmetric(by, x, n, array[SCALES], array[OFFSETS]);
    } else {
        quantise_symmetric(by, x, n, array[SCALES]);
    }
    stub_quantised_put(&by->y, STUB_ROUND, x, n, array[INTEGERS]);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_dynamic_quant_mode_run(const stub_call *call, dynamic_quant_mode mode) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const bool channels = mode == DYNAMIC_QUANT_PER_CHANNEL;
    const uint32_t axes = channels ? 1u << (x->rank - 2) : stub_axes_from(0, x->rank);
    stub_line_set set = {.call = call};
    constants by = {.smooth = stub_line_weight(&set, SMOOTH), .period = (size_t)x->shape[x->rank - (channels ? 2 : 1)]};
    stub_line_input(&set, X, axes, ACL_FLOAT);
    stub_quantised_output(&set, Y, x->rank, &by.y);
    set.lines.operand[INTEGERS].axes = axes;
    stub_line_output(&set, SCALE, channels ? 0 : 1, ACL_FLOAT);
    stub_line_output(&set, OFFSET, channels ? 0 : 1, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}
