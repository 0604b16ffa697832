/* aclnnCdist: the p-norm of the differences of all rows of x1 and x2, in fp64 and rounded once. */
#include <math.h>

#include "opapi/linalg/matrices.h"

enum { X1, X2, P, MODE, OUT };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X1, X2, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rule = {X1, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, X2, X1));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, X1));
    STUB_REQUIRE(stub_check_rank(call, X1, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, X2, 2, STUB_MAX_RANK));
    if (!(call->args[P].real >= 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: p is %g; it must be 0 or more", call->op->name,
                         call->args[P].real);
    }
    const aclTensor *x1 = stub_tensor_arg(call, X1), *x2 = stub_tensor_arg(call, X2);
    if (stub_last_dim(x1) != stub_last_dim(x2)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: rows of x1 have %lld elements, rows of x2 have %lld",
                         call->op->name, (long long)stub_last_dim(x1), (long long)stub_last_dim(x2));
    }
    aclTensor left = *x1, right = *x2;
    left.rank -= 2;
    right.rank -= 2;
    const aclTensor *batches[] = {&left, &right};
    int64_t dims[STUB_MAX_RANK];
    const int rank = stub_broadcast(batches, 2, dims);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the batches of x1 and x2 do not broadcast together",
                         call->op->name);
    }
    dims[rank] = x1->shape[x1->rank - 2];
    dims[rank + 1] = x2->shape[x2->rank - 2];
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return stub_check_shape(call, OUT, dims, (uint32_t)rank + 2, "the batch, the rows of x1, the rows of x2");
}

static double distance(const double *a, const double *b, int64_t n, double p) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - b[i]);
        if (isinf(p)) {
            sum = d > sum || isnan(d) ? d : sum;
        } else {
            sum += p == 0 ? d != 0 : p == 1 ? d : p == 2 ? d * d : pow(d, p);
        }
    }
    return p == 0 || p == 1 || isinf(p) ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static void distances(const void *constants, double *const *matrix, const int64_t *rows, const int64_t *columns) {
    for (int64_t i = 0; i < rows[0]; i++) {
        for (int64_t j = 0; j < rows[1]; j++) {
            matrix[2][i * rows[1] + j] = distance(matrix[0] + i * columns[0], matrix[1] + j * columns[1], columns[0],
                                                  *(const double *)constants);
        }
    }
}

static aclnnStatus run(const stub_call *call) {
    const double p = call->args[P].real;
    const stub_matrices matrices = {
        .count = 3, .inputs = 2, .arg = {X1, X2, OUT}, .of_reals = distances, .constants = &p};
    return stub_matrices_run(call, &matrices);
}

STUB_KERNEL(aclnnCdist, check, run)
