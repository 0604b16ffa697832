/* Distances of rows, the p-norms of their differences: of all rows of x1 to all of x2 (aclnnCdist), or of each pair of
 * rows of one matrix (aclnnPdist). In fp64, rounded once. */
#include <math.h>
#include <stdlib.h>

#include "core/parallel.h"
#include "opapi/linalg/matrices.h"
#include "opapi/map.h"
#include "opapi/whole.h"

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

enum { SELF, NORM, PAIRS };

static aclnnStatus check_norm(const stub_call *call) {
    if (call->op->params[NORM].kind == STUB_SCALAR && !call->args[NORM].scalar) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                         call->op->params[NORM].name);
    }
    const double p = stub_number(call, NORM);
    return p >= 0 ? ACLNN_SUCCESS
                  : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must be 0 or more", call->op->name,
                              call->op->params[NORM].name, p);
}

static aclnnStatus check_pairs(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, PAIRS};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, PAIRS, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, 2));
    const int64_t rows = stub_tensor_arg(call, SELF)->shape[0], pairs = rows * (rows - 1) / 2;
    STUB_REQUIRE(stub_check_shape(call, PAIRS, &pairs, 1, "pairs of rows of self"));
    STUB_REQUIRE(check_norm(call));
    plan->nothing_to_run = pairs == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const double *matrix;
    double *pairs, p;
    int64_t rows, columns;
} pairing;

/* One row with all behind it. */
static void pair_row(void *state, size_t row) {
    const pairing *work = state;
    const int64_t i = (int64_t)row;
    double *const to = work->pairs + i * work->rows - i * (i + 1) / 2;
    for (int64_t j = i + 1; j < work->rows; j++) {
        to[j - i - 1] =
            distance(work->matrix + i * work->columns, work->matrix + j * work->columns, work->columns, work->p);
    }
}

static aclnnStatus run_pairs(const stub_call *call) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, PAIRS, &out));
    const int64_t rows = self.tensor->shape[0], columns = self.tensor->shape[1], pairs = rows * (rows - 1) / 2;
    double *memory = malloc((size_t)(rows * columns + pairs) * sizeof *memory);
    if (!memory) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld distances", call->op->name, (long long)pairs);
    }
    if (columns > 0) {
        stub_whole_load(&self, ACL_DOUBLE, memory);
    }
    pairing work = {memory, memory + rows * columns, stub_number(call, NORM), rows, columns};
    stub_parallel((size_t)rows - 1, pair_row, &work);
    stub_whole_store(&out, ACL_DOUBLE, work.pairs, pairs);
    free(memory);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnPdist, check_pairs, run_pairs)
STUB_KERNEL(aclnnPdistForward, check_pairs, run_pairs)
