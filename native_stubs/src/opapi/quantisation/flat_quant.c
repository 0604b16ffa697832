/* aclnnFlatQuant: x' = P1 (x P2) of each matrix of x, quantised to int4 by the largest magnitude of the matrix, which
 * becomes 7 / clipRatio. Sums in fp32; x P2 is rounded to the type of x, x' to FLOAT16, as A2's kernels do. */
#include <math.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/loops.h"
#include "opapi/quantisation/quantised.h"

enum { X, P1, P2, CLIP_RATIO, OUT, SCALE };
enum { MOST_MATRICES = 262144, MOST_ROWS = 256 };

static aclnnStatus check_shapes(const stub_call *call) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, left[] = {x[1], x[1]}, right[] = {x[2], x[2]};
    const int64_t most[] = {MOST_MATRICES, MOST_ROWS, MOST_ROWS};
    for (int i = 0; i < 3; i++) {
        if (x[i] < 1 || x[i] > most[i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dimension %d of x is %lld; allowed are 1 to %lld",
                             call->op->name, i, (long long)x[i], (long long)most[i]);
        }
    }
    STUB_REQUIRE(stub_check_shape(call, P1, left, 2, "N1 x N1 of x [M, N1, N2]"));
    STUB_REQUIRE(stub_check_shape(call, P2, right, 2, "N2 x N2 of x [M, N1, N2]"));
    return stub_check_shape(call, SCALE, x, 1, "one for each matrix of x");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, P1, P2, OUT, SCALE};
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_HALVES)}, {SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, P1, X));
    STUB_REQUIRE(stub_check_same_dtype(call, P2, X));
    STUB_REQUIRE(stub_check_rank(call, X, 3, 3));
    STUB_REQUIRE(check_shapes(call));
    STUB_REQUIRE(stub_quantised_check(call, OUT, stub_tensor_arg(call, X)->shape, 3,
                                      STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32)));
    const double clip = call->args[CLIP_RATIO].real;
    plan->nothing_to_run = false;
    if (!(clip > 0 && clip <= 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: clipRatio is %g; it must be more than 0 and at most 1",
                         call->op->name, clip);
    }
    return stub_quantised_product(call, "FlatQuant");
}

STUB_VERSIONS(void, add_multiple, (float factor, const float *x, int64_t n, float *sum), {
    STUB_EACH for (int64_t i = 0; i < n; i++) {
        sum[i] += factor * x[i];
    }
})

/* c = a b of row-major matrices, m x k and k x n. */
static void multiply(const float *a, const float *b, int64_t m, int64_t k, int64_t n, float *c) {
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < k; j++) {
            STUB_BEST(add_multiple)(a[i * k + j], b + j * n, n, c + i * n);
        }
    }
}

typedef struct {
    stub_quantised out;
    const float *p1, *p2;
    int64_t rows, columns;
    aclDataType type;
    float clip;
} constants;

/* A magnitude of 0 is quantised with the factor 7; the scale is 0. */
static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    const constants *by = data;
    const size_t n = (size_t)length[0];
    float *half_way = scratch, *x = array[0], *scale = array[2];
    (void)position;
    multiply(x, by->p2, by->rows, by->columns, by->columns, half_way);
    stub_floats_round(by->type, half_way, n);
    multiply(by->p1, half_way, by->rows, by->rows, by->columns, x);
    stub_floats_round(ACL_FLOAT16, x, n);
    const float largest = stub_floats_largest(x, n), limit = by->out.limit;
    *scale = largest * by->clip / limit;
    stub_floats_normalise(x, 0, largest != 0 ? limit / by->clip / largest : limit, NULL, NULL, n, x);
    stub_quantised_put(&by->out, STUB_ROUND, x, n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    stub_line_set set = {.call = call};
    constants by = {.p1 = stub_line_weight(&set, P1),
                    .p2 = stub_line_weight(&set, P2),
                    .rows = x->shape[1],
                    .columns = x->shape[2],
                    .type = x->dtype,
                    .clip = (float)call->args[CLIP_RATIO].real};
    stub_line_input(&set, X, stub_last_axes(call, X, 2), ACL_FLOAT);
    stub_quantised_output(&set, OUT, 2, &by.out);
    stub_line_output(&set, SCALE, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)(by.rows * by.columns) * sizeof(float);
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnFlatQuant, check, run)
