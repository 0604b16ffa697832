/* aclnnLinalgCholesky: self = L L^T of symmetric positive definite matrices, in fp64 and rounded once. Where a matrix
 * is not positive definite, the factor has NaNs from that column on. */
#include <math.h>

#include "opapi/linalg/matrices.h"

enum { SELF, UPPER, OUT };
enum { MOST = 8192 };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16))};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t rows = self->shape[self->rank - 2], columns = self->shape[self->rank - 1];
    if (rows != columns || columns > MOST) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: self has matrices of %lld x %lld; they must be square, of at most %d rows",
                         call->op->name, (long long)rows, (long long)columns, MOST);
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    return ACLNN_SUCCESS;
}

/* Element (i, j) of the lower triangle of a symmetric matrix, of which only the chosen half is looked at. */
static double at(const double *a, int64_t n, int64_t i, int64_t j, bool upper) {
    return upper ? a[j * n + i] : a[i * n + j];
}

static void factorise(const void *constants, double *const *matrix, const int64_t *rows, const int64_t *columns) {
    const bool upper = *(const bool *)constants;
    const double *a = matrix[0];
    double *out = matrix[1];
    const int64_t n = columns[0], along = upper ? n : 1, down = upper ? 1 : n;
    (void)rows;
    for (int64_t i = 0; i < n * n; i++) {
        out[i] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = at(a, n, i, j, upper);
            for (int64_t k = 0; k < j; k++) {
                sum -= out[i * down + k * along] * out[j * down + k * along];
            }
            out[i * down + j * along] = i == j ? sqrt(sum) : sum / out[j * down + j * along];
        }
    }
}

static aclnnStatus run(const stub_call *call) {
    const bool upper = call->args[UPPER].flag;
    const stub_matrices matrices = {
        .count = 2, .inputs = 1, .arg = {SELF, OUT}, .of_reals = factorise, .constants = &upper};
    return stub_matrices_run(call, &matrices);
}

STUB_KERNEL(aclnnLinalgCholesky, check, run)
