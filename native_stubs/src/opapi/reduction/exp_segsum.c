/* aclnnExpSegsum: out[i, j] = exp(x[j + 1] + .. + x[i]) below the diagonal, 1 on it, 0 above; and its gradient. Sums in
 * fp32, from top to bottom; of the gradient in fp64. */
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/line_set.h"
#include "opapi/lines.h"
#include "opapi/math.h"
#include "opapi/validate.h"

enum { SELF, OUT };

static aclnnStatus check_types(const stub_call *call, const uint32_t *tensors, uint32_t count) {
    const stub_dtype_rule rule = {tensors[0], STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, count));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t i = 1; i < count; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], tensors[0]));
    }
    return ACLNN_SUCCESS;
}

/* dims: those of a matrix for each line; one more than the line has. */
static void square(const aclTensor *line, int64_t dims[STUB_MAX_RANK]) {
    memcpy(dims, line->shape, line->rank * sizeof *dims);
    dims[line->rank] = line->shape[line->rank - 1];
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    int64_t dims[STUB_MAX_RANK];
    STUB_REQUIRE(check_types(call, tensors, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 3, 4));
    square(stub_tensor_arg(call, SELF), dims);
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return stub_check_shape(call, OUT, dims, stub_tensor_arg(call, SELF)->rank + 1,
                            "that of self, its last dimension twice");
}

/* Row i of the sums from the row above. */
STUB_VERSIONS(void, next_row, (const float *above, float x, size_t n, float *sums), {
    STUB_EACH for (size_t j = 0; j < n; j++) {
        sums[j] = above[j] + x;
    }
})
STUB_VERSIONS(void, powers, (float *sums, size_t n), {
    STUB_EACH for (size_t j = 0; j < n; j++) {
        sums[j] = stub_expf(sums[j]);
    }
})

static aclnnStatus line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    (void)constants, (void)position;
    const float *x = array[0];
    const size_t n = (size_t)length[0];
    float *out = array[1], *sums = scratch;
    for (size_t i = 0; i < n; i++, out += n) {
        STUB_BEST(next_row)(sums, x[i], i, sums);
        sums[i] = 0;
        memcpy(out, sums, (i + 1) * sizeof *out);
        STUB_BEST(powers)(out, i + 1);
        memset(out + i + 1, 0, (n - i - 1) * sizeof *out);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_line_set set = {.call = call};
    stub_line_input(&set, SELF, stub_last_axes(call, SELF, 1), ACL_FLOAT);
    stub_line_output(&set, OUT, stub_last_axes(call, OUT, 2), ACL_FLOAT);
    set.lines.line = line;
    set.lines.scratch = (size_t)stub_last_dim(stub_tensor_arg(call, SELF)) * sizeof(float);
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnExpSegsum, check, run)

enum { GRAD, RESULT, INPUT_GRAD };

static aclnnStatus grad_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, RESULT, INPUT_GRAD};
    int64_t dims[STUB_MAX_RANK];
    STUB_REQUIRE(check_types(call, tensors, 3));
    STUB_REQUIRE(stub_check_rank(call, INPUT_GRAD, 3, 4));
    square(stub_tensor_arg(call, INPUT_GRAD), dims);
    STUB_REQUIRE(stub_check_shape(call, GRAD, dims, stub_tensor_arg(call, INPUT_GRAD)->rank + 1,
                                  "that of gradInput, its last dimension twice"));
    STUB_REQUIRE(stub_check_same_shape(call, RESULT, GRAD));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, INPUT_GRAD)) == 0;
    return ACLNN_SUCCESS;
}

/* x[i] is part of all sums with j < i in its row and the rows below. */
static aclnnStatus grad_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    (void)constants, (void)position;
    const float *grad = array[0], *result = array[1];
    const int64_t n = length[2];
    double *columns = scratch;
    memset(columns, 0, (size_t)n * sizeof *columns);
    for (int64_t i = n; i-- > 0;) {
        double sum = 0;
        for (int64_t j = 0; j < i; j++) {
            columns[j] += (double)grad[i * n + j] * result[i * n + j];
            sum += columns[j];
        }
        ((float *)array[2])[i] = (float)sum;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus grad_run(const stub_call *call) {
    stub_line_set set = {.call = call};
    stub_line_input(&set, GRAD, stub_last_axes(call, GRAD, 2), ACL_FLOAT);
    stub_line_input(&set, RESULT, stub_last_axes(call, RESULT, 2), ACL_FLOAT);
    stub_line_output(&set, INPUT_GRAD, stub_last_axes(call, INPUT_GRAD, 1), ACL_FLOAT);
    set.lines.line = grad_line;
    set.lines.scratch = (size_t)stub_last_dim(stub_tensor_arg(call, INPUT_GRAD)) * sizeof(double);
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnExpSegsumBackward, grad_check, grad_run)
