/* aclnnInverse, aclnnSlogdet and aclnnLogdet: elimination with row pivots, in fp64 and rounded once. */
#include <complex.h>
#include <math.h>

#include "opapi/linalg/matrices.h"
#include "opapi/promote.h"

enum { SELF, OUT, LOG_OUT };

#define SOLVED (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE) | STUB_COMPLEXES)

static aclnnStatus check_square(const stub_call *call, stub_dtypes types) {
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(types)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t rows = self->shape[self->rank - 2], columns = self->shape[self->rank - 1];
    return rows == columns ? ACLNN_SUCCESS
                           : stub_fail(ACLNN_ERR_PARAM_INVALID,
                                       "%s: self has matrices of %lld x %lld; they must be "
                                       "square",
                                       call->op->name, (long long)rows, (long long)columns);
}

static aclnnStatus check_inverse(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const stub_dtypes types = SOLVED | STUB_DTYPE(ACL_FLOAT16);
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(types)}, {OUT, STUB_ON_ALL(types | STUB_DTYPE(ACL_BF16))}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    const aclTensor *self = stub_tensor_arg(call, SELF), *out = stub_tensor_arg(call, OUT);
    if (!stub_can_cast(self->dtype, out->dtype)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in out, which is %s",
                         call->op->name, stub_dtype_name(self->dtype), stub_dtype_name(out->dtype));
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : check_square(call, types);
}

#define ELIMINATION(T, size)                                                                                           \
    /* The row from `column` on with the largest element of that column comes to its place; false: all are 0. */       \
    static bool pivot_##size(T *a, int64_t n, int64_t column, int64_t *from) {                                         \
        *from = column;                                                                                                \
        for (int64_t i = column + 1; i < n; i++) {                                                                     \
            *from = size(a[i * n + column]) > size(a[*from * n + column]) ? i : *from;                                 \
        }                                                                                                              \
        for (int64_t j = 0; j < n && *from != column; j++) {                                                           \
            const T kept = a[column * n + j];                                                                          \
            a[column * n + j] = a[*from * n + j];                                                                      \
            a[*from * n + j] = kept;                                                                                   \
        }                                                                                                              \
        return a[column * n + column] != 0;                                                                            \
    }                                                                                                                  \
    static void slogdet_##size(const void *constants, T *const *matrix, const int64_t *rows, const int64_t *columns) { \
        T *a = matrix[0], sign = 1;                                                                                    \
        double log_size = 0;                                                                                           \
        const int64_t n = columns[0];                                                                                  \
        (void)constants, (void)rows;                                                                                   \
        for (int64_t column = 0; column < n; column++) {                                                               \
            int64_t from;                                                                                              \
            if (!pivot_##size(a, n, column, &from)) {                                                                  \
                sign = 0;                                                                                              \
                log_size = -INFINITY;                                                                                  \
                break;                                                                                                 \
            }                                                                                                          \
            const T pivot = a[column * n + column];                                                                    \
            sign *= pivot / size(pivot) * (from == column ? 1 : -1);                                                   \
            log_size += log(size(pivot));                                                                              \
            for (int64_t i = column + 1; i < n; i++) {                                                                 \
                const T factor = a[i * n + column] / pivot;                                                            \
                for (int64_t j = column; j < n; j++) {                                                                 \
                    a[i * n + j] -= factor * a[column * n + j];                                                        \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        matrix[1][0] = sign;                                                                                           \
        matrix[2][0] = log_size;                                                                                       \
    }
ELIMINATION(double, fabs)
ELIMINATION(double _Complex, cabs)

/* Gauss and Jordan: what makes a the unit matrix makes the unit matrix the inverse. A singular matrix has infinities.
 */
#define INVERSION(T, size)                                                                                             \
    static void invert_##size(const void *constants, T *const *matrix, const int64_t *rows, const int64_t *columns) {  \
        T *a = matrix[0], *out = matrix[1];                                                                            \
        const int64_t n = columns[0];                                                                                  \
        (void)constants, (void)rows;                                                                                   \
        for (int64_t i = 0; i < n * n; i++) {                                                                          \
            out[i] = i / n == i % n;                                                                                   \
        }                                                                                                              \
        for (int64_t column = 0; column < n; column++) {                                                               \
            int64_t from;                                                                                              \
            pivot_##size(a, n, column, &from);                                                                         \
            const T pivot = a[column * n + column];                                                                    \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                const T kept = out[column * n + j];                                                                    \
                out[column * n + j] = out[from * n + j] / pivot;                                                       \
                out[from * n + j] = from == column ? out[column * n + j] : kept;                                       \
                a[column * n + j] /= pivot;                                                                            \
            }                                                                                                          \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T factor = a[i * n + column];                                                                    \
                for (int64_t j = 0; j < n && i != column; j++) {                                                       \
                    a[i * n + j] -= factor * a[column * n + j];                                                        \
                    out[i * n + j] -= factor * out[column * n + j];                                                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
INVERSION(double, fabs)
INVERSION(double _Complex, cabs)

static aclnnStatus run_inverse(const stub_call *call) {
    const stub_matrices matrices = {
        .count = 2, .inputs = 1, .arg = {SELF, OUT}, .of_reals = invert_fabs, .of_complexes = invert_cabs};
    return stub_matrices_run(call, &matrices);
}

static aclnnStatus check_determinant(const stub_call *call, stub_plan *plan, uint32_t last) {
    const uint32_t tensors[] = {SELF, OUT, last};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(check_square(call, SOLVED));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    for (uint32_t i = OUT; i <= last; i++) {
        const bool complex_self = self->dtype == ACL_COMPLEX64 || self->dtype == ACL_COMPLEX128;
        const stub_dtype_rule rule = {i, STUB_ON_ALL(complex_self ? STUB_COMPLEXES : SOLVED)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_shape(call, i, self->shape, self->rank - 2, "the batch of self"));
    }
    plan->nothing_to_run = false;
    return ACLNN_SUCCESS;
}

static aclnnStatus check_slogdet(const stub_call *call, stub_plan *plan) {
    return check_determinant(call, plan, LOG_OUT);
}

static aclnnStatus check_logdet(const stub_call *call, stub_plan *plan) {
    return check_determinant(call, plan, OUT);
}

static aclnnStatus run_slogdet(const stub_call *call) {
    const stub_matrices matrices = {.count = 3,
                                    .inputs = 1,
                                    .arg = {SELF, OUT, LOG_OUT},
                                    .numbers = 1u << 1 | 1u << 2,
                                    .of_reals = slogdet_fabs,
                                    .of_complexes = slogdet_cabs};
    return stub_matrices_run(call, &matrices);
}

static void logdet(const void *constants, double *const *matrix, const int64_t *rows, const int64_t *columns) {
    double sign, size;
    double *const parts[] = {matrix[0], &sign, &size};
    slogdet_fabs(constants, parts, rows, columns);
    matrix[1][0] = sign < 0 ? (double)NAN : size + log(fabs(sign));
}

static void complex_logdet(const void *constants, double _Complex *const *matrix, const int64_t *rows,
                           const int64_t *columns) {
    double _Complex sign, size;
    double _Complex *const parts[] = {matrix[0], &sign, &size};
    slogdet_cabs(constants, parts, rows, columns);
    matrix[1][0] = CMPLX(creal(size), sign == 0 ? 0 : carg(sign));
}

static aclnnStatus run_logdet(const stub_call *call) {
    const stub_matrices matrices = {.count = 2,
                                    .inputs = 1,
                                    .arg = {SELF, OUT},
                                    .numbers = 1u << 1,
                                    .of_reals = logdet,
                                    .of_complexes = complex_logdet};
    return stub_matrices_run(call, &matrices);
}

STUB_KERNEL(aclnnLogdet, check_logdet, run_logdet)
STUB_KERNEL(aclnnInverse, check_inverse, run_inverse)
STUB_KERNEL(aclnnSlogdet, check_slogdet, run_slogdet)
