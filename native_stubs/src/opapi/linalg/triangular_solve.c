/* aclnnTriangularSolve: X with A X = b (or A^T X = b), in fp64 and rounded once. mOut is the triangle of A; it may be
 * absent. */
#include <string.h>

#include "opapi/linalg/matrices.h"

enum { SELF, A, UPPER, TRANSPOSE, UNIT, X_OUT, M_OUT };

#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE) | STUB_COMPLEXES)

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, A, X_OUT, M_OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(TYPES)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (int i = 0; i < 4; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], SELF));
        STUB_REQUIRE(stub_check_rank(call, tensors[i], 2, STUB_MAX_RANK));
    }
    const aclTensor *b = stub_tensor_arg(call, SELF), *a = stub_tensor_arg(call, A);
    const int64_t n = stub_last_dim(a), columns = stub_last_dim(b);
    if (a->shape[a->rank - 2] != n || b->shape[b->rank - 2] != n) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: A has matrices of %lld x %lld, self of %lld x %lld; A must be square, and as high as self",
            call->op->name, (long long)a->shape[a->rank - 2], (long long)n, (long long)b->shape[b->rank - 2],
            (long long)columns);
    }
    if (call->args[UNIT].flag && b->dtype != ACL_FLOAT) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: unitriangular is for ACL_FLOAT; self is %s", call->op->name,
                         stub_dtype_name(b->dtype));
    }
    aclTensor left = *a, right = *b;
    left.rank -= 2;
    right.rank -= 2;
    const aclTensor *batches[] = {&left, &right};
    int64_t dims[STUB_MAX_RANK];
    const int rank = stub_broadcast(batches, 2, dims);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the batches of self and A do not broadcast together",
                         call->op->name);
    }
    dims[rank] = n;
    dims[rank + 1] = columns;
    STUB_REQUIRE(stub_check_shape(call, X_OUT, dims, (uint32_t)rank + 2, "that of self, broadcast"));
    dims[rank + 1] = n;
    STUB_REQUIRE(stub_check_shape(call, M_OUT, dims, (uint32_t)rank + 2, "that of A, broadcast"));
    plan->nothing_to_run = false;
    return ACLNN_SUCCESS;
}

typedef struct {
    bool upper, transpose, unit;
} options;

/* Rows are found in the order in which they depend on each other: the last one first where the matrix that is solved
 * is an upper triangle. */
#define SOLVE(name, T)                                                                                                 \
    static void name(const void *constants, T *const *matrix, const int64_t *rows, const int64_t *columns) {           \
        const options *by = constants;                                                                                 \
        const T *b = matrix[0], *a = matrix[1];                                                                        \
        T *x = matrix[2], *triangle = matrix[3];                                                                       \
        const int64_t n = rows[1], width = columns[0];                                                                 \
        const bool backwards = by->upper != by->transpose;                                                             \
        for (int64_t i = 0; i < n && triangle; i++) {                                                                  \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                triangle[i * n + j] = (by->upper ? j >= i : j <= i) ? a[i * n + j] : 0;                                \
            }                                                                                                          \
        }                                                                                                              \
        memcpy(x, b, (size_t)(n * width) * sizeof *x);                                                                 \
        for (int64_t step = 0; step < n; step++) {                                                                     \
            const int64_t i = backwards ? n - 1 - step : step;                                                         \
            T *row = x + i * width;                                                                                    \
            for (int64_t k = backwards ? i + 1 : 0; k < (backwards ? n : i); k++) {                                    \
                const T factor = by->transpose ? a[k * n + i] : a[i * n + k];                                          \
                for (int64_t j = 0; j < width; j++) {                                                                  \
                    row[j] -= factor * x[k * width + j];                                                               \
                }                                                                                                      \
            }                                                                                                          \
            for (int64_t j = 0; j < width && !by->unit; j++) {                                                         \
                row[j] /= a[i * n + i];                                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }
SOLVE(solve_real, double)
SOLVE(solve_complex, double _Complex)

static aclnnStatus run(const stub_call *call) {
    const options by = {call->args[UPPER].flag, call->args[TRANSPOSE].flag, call->args[UNIT].flag};
    const stub_matrices matrices = {.count = stub_tensor_arg(call, M_OUT) ? 4 : 3,
                                    .inputs = 2,
                                    .arg = {SELF, A, X_OUT, M_OUT},
                                    .of_reals = solve_real,
                                    .of_complexes = solve_complex,
                                    .constants = &by};
    return stub_matrices_run(call, &matrices);
}

STUB_KERNEL(aclnnTriangularSolve, check, run)
