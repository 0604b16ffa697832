/* aclnnAdaLayerNormBackward: the gradients of layer_norm(x) * (1 + scale) + shift, with one row of scale and shift for
 * each matrix [S, H] of x. A line is such a matrix; sums are kept in fp64. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/norm/adaptive.h"

enum { GRAD, INPUT, DIMS, RSTD, MEAN, SCALE, SHIFT, WEIGHT, BIAS };
enum { INPUT_GRAD = BIAS + 1, SCALE_GRAD, SHIFT_GRAD, WEIGHT_GRAD, BIAS_GRAD };
/* Of the lines. */
enum { L_GRAD, L_INPUT, L_MEAN, L_RSTD, L_SCALE, L_INPUT_GRAD, L_SCALE_GRAD, L_SHIFT_GRAD };

static aclnnStatus check_types(const stub_call *call) {
    const int required[] = {GRAD, INPUT, RSTD, MEAN, SCALE, SHIFT},
              alike[] = {INPUT, RSTD, MEAN, SCALE, SHIFT, INPUT_GRAD, SCALE_GRAD, SHIFT_GRAD};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, GRAD, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, alike, STUB_COUNT(alike), GRAD));
    STUB_REQUIRE(stub_norm_same_or_float(call, WEIGHT, GRAD));
    STUB_REQUIRE(stub_norm_same_or_float(call, BIAS, GRAD));
    const int like = stub_tensor_arg(call, WEIGHT) ? WEIGHT : BIAS;
    if (stub_tensor_arg(call, (uint32_t)like)) {
        const int rows[] = {BIAS, WEIGHT_GRAD, BIAS_GRAD};
        return stub_norm_same_dtypes(call, rows, STUB_COUNT(rows), like);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_dims(const stub_call *call) {
    const aclIntArray *dims = call->args[DIMS].ints;
    const int64_t last = stub_last_dim(stub_tensor_arg(call, INPUT));
    if (!dims) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: normalizedShape is NULL; it is required", call->op->name);
    }
    return dims->size == 1 && dims->values[0] == last
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: normalizedShape must be [%lld], the last dimension of input",
                           call->op->name, (long long)last);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int rows[] = {WEIGHT, BIAS, WEIGHT_GRAD, BIAS_GRAD};
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(stub_check_rank(call, INPUT, 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_dims(call));
    STUB_REQUIRE(stub_check_same_shape(call, GRAD, INPUT));
    STUB_REQUIRE(stub_norm_statistic_shape(call, MEAN, INPUT, 1));
    STUB_REQUIRE(stub_norm_statistic_shape(call, RSTD, INPUT, 1));
    STUB_REQUIRE(stub_adaptive_check(call, SCALE, INPUT));
    STUB_REQUIRE(stub_adaptive_check(call, SHIFT, INPUT));
    STUB_REQUIRE(stub_check_same_shape(call, INPUT_GRAD, INPUT));
    STUB_REQUIRE(stub_check_same_shape(call, SCALE_GRAD, SCALE));
    STUB_REQUIRE(stub_check_same_shape(call, SHIFT_GRAD, SHIFT));
    for (size_t i = 0; i < STUB_COUNT(rows); i++) {
        STUB_REQUIRE(stub_norm_last_dims(call, rows[i], INPUT, 1));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, INPUT)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const float *weight, *bias;
    double *rows; /* each line's shares of the weight's and the bias' gradients */
    int64_t columns;
} constants;

/* One row of x, whose statistics are known: adds to four sums, and writes its gradient. */
static void row(const constants *by, const float *grad, const float *x, float mean, float rstd, const float *scale,
                double *const sums[4], float *to) {
    double first = 0, second = 0;
    for (int64_t i = 0; i < by->columns; i++) {
        const double z = ((double)x[i] - mean) * rstd, weight = by->weight ? by->weight[i] : 1, g = grad[i],
                     scaled = g * (1 + (double)scale[i]);
        sums[0][i] += g * (z * weight + (by->bias ? by->bias[i] : 0));
        sums[1][i] += g;
        sums[2][i] += scaled * z;
        sums[3][i] += scaled;
        first += scaled * weight;
        second += scaled * weight * z;
    }
    for (int64_t i = 0; to && i < by->columns; i++) {
        const double z = ((double)x[i] - mean) * rstd, weight = by->weight ? by->weight[i] : 1;
        const double rest = (first + z * second) / (double)by->columns;
        to[i] = (float)((grad[i] * (1 + (double)scale[i]) * weight - rest) * rstd);
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    const constants *by = data;
    const int64_t n = by->columns, rows = length[L_GRAD] / n;
    double *const shares = by->rows + 2 * position * n, *const own = scratch;
    double *const sums[4] = {own, own + n, shares, shares + n};
    for (int64_t i = 0; i < 2 * n; i++) {
        own[i] = shares[i] = 0;
    }
    for (int64_t r = 0; r < rows; r++) {
        row(by, (const float *)array[L_GRAD] + r * n, (const float *)array[L_INPUT] + r * n,
            ((const float *)array[L_MEAN])[r], ((const float *)array[L_RSTD])[r], array[L_SCALE], sums,
            array[L_INPUT_GRAD] ? (float *)array[L_INPUT_GRAD] + r * n : NULL);
    }
    for (int64_t i = 0; i < n; i++) {
        if (array[L_SCALE_GRAD]) {
            ((float *)array[L_SCALE_GRAD])[i] = (float)own[i];
        }
        if (array[L_SHIFT_GRAD]) {
            ((float *)array[L_SHIFT_GRAD])[i] = (float)own[n + i];
        }
    }
    return ACLNN_SUCCESS;
}

/* The sum of all lines' shares, at `first` in each, to an output. */
static aclnnStatus store_sum(const stub_call *call, uint32_t arg, const double *first, int64_t lines, int64_t n) {
    stub_view view;
    stub_row at;
    if (!stub_tensor_arg(call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    stub_row_start(&at, &view, 1, 0);
    for (int64_t i = 0; i < n; i++, stub_row_next(&at)) {
        double sum = 0;
        for (int64_t k = 0; k < lines; k++) {
            sum += first[2 * k * n + i];
        }
        stub_store(ACL_DOUBLE, &sum, 1, view.tensor->dtype, view.base + at.offset * (view.bits / 8), 0);
    }
    return ACLNN_SUCCESS;
}

/* The axes of a statistic of [.., S, 1] or [.., S] that lie in a line. */
static uint32_t statistic_axes(const stub_call *call, int arg) {
    const bool kept = stub_tensor_arg(call, (uint32_t)arg)->rank == stub_tensor_arg(call, INPUT)->rank;
    return stub_last_axes(call, arg, kept ? 2 : 1);
}

static uint32_t row_axes(const stub_call *call, int arg) {
    const aclTensor *tensor = stub_tensor_arg(call, (uint32_t)arg);
    return !tensor ? 0 : stub_last_axes(call, arg, tensor->rank == stub_tensor_arg(call, INPUT)->rank ? 2 : 1);
}

static aclnnStatus run_lines(const stub_call *call, constants *by) {
    const uint32_t axes = stub_last_axes(call, INPUT, 2);
    stub_line_set set = {.call = call};
    by->weight = stub_line_weight(&set, WEIGHT);
    by->bias = stub_line_weight(&set, BIAS);
    stub_line_input(&set, GRAD, axes, ACL_FLOAT);
    stub_line_input(&set, INPUT, axes, ACL_FLOAT);
    stub_line_input(&set, MEAN, statistic_axes(call, MEAN), ACL_FLOAT);
    stub_line_input(&set, RSTD, statistic_axes(call, RSTD), ACL_FLOAT);
    stub_line_input(&set, SCALE, row_axes(call, SCALE), ACL_FLOAT);
    stub_line_output(&set, INPUT_GRAD, axes, ACL_FLOAT);
    stub_line_output(&set, SCALE_GRAD, row_axes(call, SCALE_GRAD), ACL_FLOAT);
    stub_line_output(&set, SHIFT_GRAD, row_axes(call, SHIFT_GRAD), ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = by;
    set.lines.scratch = (size_t)(2 * by->columns) * sizeof(double);
    return stub_line_set_run(&set);
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    const int64_t n = stub_last_dim(input), lines = stub_tensor_numel(input) / (n * input->shape[input->rank - 2]);
    constants by = {.rows = malloc((size_t)(2 * lines * n) * sizeof(double)), .columns = n};
    if (!by.rows) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld rows of sums", call->op->name, (long long)lines);
    }
    aclnnStatus status = run_lines(call, &by);
    status = status ? status : store_sum(call, WEIGHT_GRAD, by.rows, lines, n);
    status = status ? status : store_sum(call, BIAS_GRAD, by.rows + n, lines, n);
    free(by.rows);
    return status;
}

STUB_KERNEL(aclnnAdaLayerNormBackward, check, run)
