/* aclnnCdistBackward: what the p-norms of the differences of all rows of x1 and x2 pass back to x1, in fp64 and rounded
 * once. p is 0 or more, or -1, which stands for infinity. */
#include <math.h>

#include "opapi/moves/numbers.h"

enum { GRAD, X1, X2, CDIST, P, OUT };
enum { MOST_AXES = 7 };

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *x1 = stub_tensor_arg(call, X1), *x2 = stub_tensor_arg(call, X2),
                    *grad = stub_tensor_arg(call, GRAD);
    const uint32_t batch = grad->rank - 2;
    for (uint32_t arg = X1; arg <= OUT; arg++) {
        if (arg != P) {
            STUB_REQUIRE(stub_check_rank(call, arg, grad->rank, grad->rank));
        }
    }
    int64_t dims[STUB_MAX_RANK];
    for (uint32_t i = 0; i < batch; i++) {
        dims[i] = x1->shape[i] == 1 ? x2->shape[i] : x1->shape[i];
        if (x2->shape[i] != 1 && x2->shape[i] != dims[i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis %u of x2 has %lld elements, that of x1 %lld",
                             call->op->name, i, (long long)x2->shape[i], (long long)x1->shape[i]);
        }
    }
    if (stub_last_dim(x1) != stub_last_dim(x2)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: rows of x1 have %lld elements, rows of x2 have %lld",
                         call->op->name, (long long)stub_last_dim(x1), (long long)stub_last_dim(x2));
    }
    dims[batch] = x1->shape[batch];
    dims[batch + 1] = x2->shape[batch];
    STUB_REQUIRE(stub_check_shape(call, GRAD, dims, grad->rank, "the batch, the rows of x1, the rows of x2"));
    STUB_REQUIRE(stub_check_same_shape(call, CDIST, GRAD));
    return stub_check_same_shape(call, OUT, X1);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, X1, X2, CDIST, OUT};
    const stub_dtype_rule rule = {GRAD, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t i = 1; i < 5; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], GRAD));
    }
    STUB_REQUIRE(stub_check_rank(call, GRAD, 2, MOST_AXES));
    STUB_REQUIRE(check_shapes(call));
    const double p = call->args[P].real;
    if (!(p >= 0 || p == -1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: p is %g; it must be 0 or more, or -1 for infinity",
                         call->op->name, p);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static double sign(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* The derivative of the norm `size` by a difference. Where it has none, 0. */
static double slope(double difference, double size, double p) {
    if (p == 0 || size == 0) {
        return 0;
    }
    if (p == 1) {
        return sign(difference);
    }
    if (isinf(p)) {
        return fabs(difference) == size ? sign(difference) : 0;
    }
    if (p == 2) {
        return difference / size;
    }
    return difference == 0 ? 0 : sign(difference) * pow(fabs(difference) / size, p - 1);
}

/* Sizes of one matrix of each operand. */
typedef struct {
    int64_t rows, others, columns;
    double p;
} sizes;

static void backward(const sizes *of, const double *grad, const double *x1, const double *x2, const double *cdist,
                     double *out) {
    for (int64_t i = 0; i < of->rows; i++) {
        for (int64_t j = 0; j < of->others; j++) {
            const double g = grad[i * of->others + j], size = cdist[i * of->others + j];
            for (int64_t k = 0; k < of->columns; k++) {
                out[i * of->columns + k] += g * slope(x1[i * of->columns + k] - x2[j * of->columns + k], size, of->p);
            }
        }
    }
}

/* Where matrix number `m` of the batch lies in x1, which may be broadcast. */
static int64_t matrix_of(const aclTensor *x1, const int64_t *batch, uint32_t rank, int64_t m) {
    int64_t at = 0, step = 1;
    for (uint32_t i = rank; i-- > 0;) {
        at += x1->shape[i] == 1 ? 0 : m % batch[i] * step;
        step *= x1->shape[i];
        m /= batch[i];
    }
    return at;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *x1 = stub_tensor_arg(call, X1), *grad = stub_tensor_arg(call, GRAD);
    const uint32_t rank = grad->rank, row = rank - 2;
    const double p = call->args[P].real;
    const sizes of = {x1->shape[row], grad->shape[row + 1], x1->shape[row + 1], p == -1 ? (double)INFINITY : p};
    int64_t own[STUB_MAX_RANK] = {0}, other[STUB_MAX_RANK] = {0}, matrices = 1;
    for (uint32_t i = 0; i < row; i++) {
        own[i] = other[i] = grad->shape[i];
        matrices *= grad->shape[i];
    }
    own[row] = of.rows, other[row] = of.others;
    own[row + 1] = other[row + 1] = of.columns;
    stub_numbers set = {.call = call};
    const double *grads = stub_numbers_read(&set, GRAD, ACL_DOUBLE),
                 *norms = stub_numbers_read(&set, CDIST, ACL_DOUBLE);
    const double *left = stub_numbers_read_to(&set, X1, ACL_DOUBLE, own, rank);
    const double *right = stub_numbers_read_to(&set, X2, ACL_DOUBLE, other, rank);
    double *out = stub_numbers_write(&set, OUT, ACL_DOUBLE);
    const int64_t pairs = of.rows * of.others, size = of.rows * of.columns;
    for (int64_t m = 0; m < matrices && set.status == ACLNN_SUCCESS; m++) {
        backward(&of, grads + m * pairs, left + m * size, right + m * of.others * of.columns, norms + m * pairs,
                 out + matrix_of(x1, own, row, m) * size);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnCdistBackward, check, run)
