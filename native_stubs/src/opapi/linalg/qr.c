/* aclnnLinalgQr and aclnnQr: Householder's reflections, in fp64 and rounded once. As LAPACK has it, the diagonal of R
 * has the other sign than the columns it comes from. */
#include <complex.h>
#include <math.h>

#include "opapi/linalg/matrices.h"

enum { SELF, MODE, Q, R };
enum { REDUCED, COMPLETE, ONLY_R };

#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_DOUBLE) | STUB_COMPLEXES)

/* aclnnQr has a flag instead: `some`. */
typedef struct {
    bool some;
} qr;

static int64_t mode_of(const stub_call *call, const qr *op) {
    return op->some ? (call->args[MODE].flag ? REDUCED : COMPLETE) : call->args[MODE].integer;
}

static aclnnStatus qr_check(const stub_call *call, stub_plan *plan, const qr *op) {
    const int64_t mode = mode_of(call, op);
    const uint32_t tensors[] = {SELF, R, mode == ONLY_R ? R : Q};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(TYPES)}, {Q, STUB_ON_ALL(TYPES)}, {R, STUB_ON_ALL(TYPES)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    if (mode < REDUCED || mode > ONLY_R) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: mode is %lld; it must be 0 (reduced), 1 (complete) or 2 (R only)", call->op->name,
                         (long long)mode);
    }
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const uint32_t rank = self->rank;
    const int64_t m = self->shape[rank - 2], n = self->shape[rank - 1], less = m < n ? m : n;
    int64_t dims[STUB_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        dims[i] = self->shape[i];
    }
    dims[rank - 2] = mode == COMPLETE ? m : less;
    STUB_REQUIRE(stub_check_shape(call, R, dims, rank, "the columns of self under the columns of Q"));
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    if (mode == ONLY_R) {
        return ACLNN_SUCCESS;
    }
    dims[rank - 1] = dims[rank - 2];
    dims[rank - 2] = m;
    return stub_check_shape(call, Q, dims, rank, "the rows of self, as many columns as R has rows");
}

/* Column j becomes zero below its diagonal; the reflection I - tau v v^H stays there as v, whose first element is 1.
 * What multiplies the other columns is its conjugate transpose. */
#define DECOMPOSITION(T, name, size, real_part, conjugate)                                                             \
    static T reflect_##name(T *a, int64_t m, int64_t n, int64_t j) {                                                   \
        double rest = 0;                                                                                               \
        for (int64_t i = j + 1; i < m; i++) {                                                                          \
            rest = hypot(rest, size(a[i * n + j]));                                                                    \
        }                                                                                                              \
        const T first = a[j * n + j];                                                                                  \
        if (rest == 0 && first == real_part(first)) {                                                                  \
            return 0;                                                                                                  \
        }                                                                                                              \
        const double beta = -copysign(hypot(size(first), rest), real_part(first));                                     \
        for (int64_t i = j + 1; i < m; i++) {                                                                          \
            a[i * n + j] /= first - beta;                                                                              \
        }                                                                                                              \
        a[j * n + j] = beta;                                                                                           \
        return (beta - first) / beta;                                                                                  \
    }                                                                                                                  \
    /* Columns from `from` on of c, by the reflection in column j of a. */                                             \
    static void apply_##name(const T *a, int64_t m, int64_t n, int64_t j, T tau, T *c, int64_t width, int64_t from) {  \
        for (int64_t column = from; column < width; column++) {                                                        \
            T sum = c[j * width + column];                                                                             \
            for (int64_t i = j + 1; i < m; i++) {                                                                      \
                sum += conjugate(a[i * n + j]) * c[i * width + column];                                                \
            }                                                                                                          \
            c[j * width + column] -= tau * sum;                                                                        \
            for (int64_t i = j + 1; i < m; i++) {                                                                      \
                c[i * width + column] -= tau * sum * a[i * n + j];                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* self; (Q;) R; and one more row that keeps the factors tau. */                                                   \
    static void decompose_##name(const void *constants, T *const *matrix, const int64_t *rows,                         \
                                 const int64_t *columns) {                                                             \
        const bool wants_q = *(const bool *)constants;                                                                 \
        T *a = matrix[0], *q = matrix[1], *r = matrix[wants_q ? 2 : 1], *tau = a + rows[0] * columns[0];               \
        const int64_t m = rows[0], n = columns[0], less = m < n ? m : n, height = rows[wants_q ? 2 : 1];               \
        for (int64_t j = 0; j < less; j++) {                                                                           \
            tau[j] = reflect_##name(a, m, n, j);                                                                       \
            apply_##name(a, m, n, j, conjugate(tau[j]), a, n, j + 1);                                                  \
        }                                                                                                              \
        for (int64_t i = 0; i < height * n; i++) {                                                                     \
            r[i] = i / n <= i % n ? a[i] : 0;                                                                          \
        }                                                                                                              \
        for (int64_t i = 0; wants_q && i < m * columns[1]; i++) {                                                      \
            q[i] = i / columns[1] == i % columns[1];                                                                   \
        }                                                                                                              \
        for (int64_t j = less - 1; wants_q && j >= 0; j--) {                                                           \
            apply_##name(a, m, n, j, tau[j], q, columns[1], 0);                                                        \
        }                                                                                                              \
    }
DECOMPOSITION(double, reals, fabs, +, +)
DECOMPOSITION(double _Complex, complexes, cabs, creal, conj)

static aclnnStatus qr_run(const stub_call *call, const qr *op) {
    const bool wants_q = mode_of(call, op) != ONLY_R;
    const stub_matrices matrices = {.count = wants_q ? 3 : 2,
                                    .inputs = 1,
                                    .arg = {SELF, wants_q ? Q : R, R},
                                    .extra_row = true,
                                    .of_reals = decompose_reals,
                                    .of_complexes = decompose_complexes,
                                    .constants = &wants_q};
    return stub_matrices_run(call, &matrices);
}

STUB_FAMILY_KERNEL(aclnnLinalgQr, qr, {.some = false})
STUB_FAMILY_KERNEL(aclnnQr, qr, {.some = true})
