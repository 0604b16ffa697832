/* aclnnRotateQuant: rows of x in pieces of K, each times the rotation matrix; and the rows quantised, each by its
 * largest magnitude. Products are kept in fp32 and rounded to the type of x, as the vendor's kernel does. */
#include <math.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/matmul/gemm.h"
#include "opapi/quantisation/quantised.h"

enum { X, ROTATION, ALPHA, AXIS, ROUND_MODE, SCALE_ALG, DST_MAX, TRANS, OUT, SCALE };
enum { LEAST_COLUMNS = 128, MOST_COLUMNS = 16000, LEAST_SIDE = 16, MOST_SIDE = 1024 };

typedef enum { TO_EVEN, AWAY, DOWN, MODES } rounding;

static rounding mode_of(const stub_call *call) {
    static const char *const names[MODES] = {"rint", "round", "floor"};
    const char *name = call->args[ROUND_MODE].text;
    rounding mode = TO_EVEN;
    while (name && mode < MODES && strcmp(name, names[mode]) != 0) {
        mode++;
    }
    return mode;
}

static aclnnStatus check_options(const stub_call *call) {
    const int64_t axis = call->args[AXIS].integer;
    if (axis != -1 && axis != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis is %lld; allowed are -1 and 1, the last axis",
                         call->op->name, (long long)axis);
    }
    if (mode_of(call) == MODES) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: roundMode is %s; allowed are rint, round and floor",
                         call->op->name, call->args[ROUND_MODE].text);
    }
    if (stub_tensor_arg(call, ALPHA) || call->args[SCALE_ALG].integer != 0 || call->args[DST_MAX].real != 0 ||
        call->args[TRANS].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s allows alpha NULL, scaleAlg 0, dstTypeMax 0 and trans false alone", call->op->name,
                         stub_product_name());
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_sizes(const stub_call *call, int64_t n, int64_t k) {
    if (n < LEAST_COLUMNS || n > MOST_COLUMNS || n % 8 != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x has %lld columns; allowed are multiples of 8 from %d to %d",
                         call->op->name, (long long)n, LEAST_COLUMNS, MOST_COLUMNS);
    }
    return k >= LEAST_SIDE && k <= MOST_SIDE && n % k == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID,
                           "%s: rotation has %lld rows; allowed are %d to %d that divide the %lld columns of x",
                           call->op->name, (long long)k, LEAST_SIDE, MOST_SIDE, (long long)n);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, ROTATION, OUT, SCALE};
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_HALVES)}, {SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, ROTATION, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, ROTATION, 2, 2));
    STUB_REQUIRE(check_options(call));
    const int64_t *x = stub_tensor_arg(call, X)->shape, k = stub_tensor_arg(call, ROTATION)->shape[0];
    const int64_t square[] = {k, k};
    STUB_REQUIRE(stub_check_shape(call, ROTATION, square, 2, "a square"));
    STUB_REQUIRE(check_sizes(call, x[1], k));
    STUB_REQUIRE(stub_quantised_check(call, OUT, x, 2, STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32)));
    STUB_REQUIRE(stub_check_shape(call, SCALE, x, 1, "rows of x"));
    plan->nothing_to_run = x[0] == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    const float *rotation;
    int64_t side;
    aclDataType as;
    rounding mode;
    stub_quantised out;
} constants;

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position;
    const constants *by = data;
    const int64_t n = length[0];
    float *values = scratch;
    const stub_gemm product = {.m = n / by->side,
                               .n = by->side,
                               .k = by->side,
                               .a = {array[0], ACL_FLOAT, by->side, 1},
                               .b = {by->rotation, ACL_FLOAT, by->side, 1},
                               .c = values,
                               .c_row = by->side};
    if (!stub_gemm_run_here(&product)) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a product", by->call->op->name);
    }
    stub_floats_round(by->as, values, (size_t)n);
    const float largest = stub_floats_largest(values, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        const float value = values[i] * (by->out.limit / largest);
        values[i] = by->mode == AWAY ? roundf(value) : by->mode == DOWN ? floorf(value) : value;
    }
    stub_quantised_put(&by->out, STUB_ROUND, values, (size_t)n, array[1]);
    *(float *)array[2] = largest / by->out.limit;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    stub_line_set set = {.call = call};
    constants by = {.call = call,
                    .rotation = stub_line_weight(&set, ROTATION),
                    .side = stub_tensor_arg(call, ROTATION)->shape[0],
                    .as = x->dtype,
                    .mode = mode_of(call)};
    stub_line_input(&set, X, stub_last_axes(call, X, 1), ACL_FLOAT);
    stub_quantised_output(&set, OUT, 1, &by.out);
    stub_line_output(&set, SCALE, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)x->shape[1] * sizeof(float);
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnRotateQuant, check, run)
