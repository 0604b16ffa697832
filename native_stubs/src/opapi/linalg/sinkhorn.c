/* aclnnSinkhorn: rows and columns of exp(cost) are scaled in turn until they change by no more than the tolerance. In
 * fp64, rounded once. */
#include <math.h>
#include <stdlib.h>

#include "opapi/map.h"
#include "opapi/whole.h"

enum { COST, TOLERANCE, P, MOST_ROWS = 10000, MOST_COLUMNS = 1024, MOST_STEPS = 10000 };

#define DEFAULT_TOLERANCE 1e-4
#define EPSILON 1e-8

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {COST, P};
    const stub_dtype_rule rule = {COST, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, P, COST));
    STUB_REQUIRE(stub_check_rank(call, COST, 2, 2));
    STUB_REQUIRE(stub_check_same_shape(call, P, COST));
    const int64_t *shape = stub_tensor_arg(call, COST)->shape;
    if (shape[0] > MOST_ROWS || shape[1] > MOST_COLUMNS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: cost is [%lld, %lld]; allowed are %d rows and %d columns",
                         call->op->name, (long long)shape[0], (long long)shape[1], MOST_ROWS, MOST_COLUMNS);
    }
    plan->nothing_to_run = shape[0] * shape[1] == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t rows, columns;
    double *cost, *by_row, *by_column, *sums; /* one block; sums: of columns */
} problem;

/* One turn; the mean change of the columns' factors. */
static double step(const problem *of) {
    double change = 0;
    for (int64_t j = 0; j < of->columns; j++) {
        of->sums[j] = 0;
    }
    for (int64_t i = 0; i < of->rows; i++) {
        const double *row = of->cost + i * of->columns;
        double sum = 0;
        for (int64_t j = 0; j < of->columns; j++) {
            sum += of->by_column[j] * row[j];
        }
        of->by_row[i] = 1 / ((double)of->rows * (sum + EPSILON));
        for (int64_t j = 0; j < of->columns; j++) {
            of->sums[j] += of->by_row[i] * row[j];
        }
    }
    for (int64_t j = 0; j < of->columns; j++) {
        const double factor = 1 / ((double)of->columns * (of->sums[j] + EPSILON));
        change += fabs(of->by_column[j] - factor);
        of->by_column[j] = factor;
    }
    return change / (double)of->columns;
}

static void solve(const problem *of, double tolerance) {
    const int64_t numbers = of->rows * of->columns;
    for (int64_t i = 0; i < numbers; i++) {
        of->cost[i] = exp(of->cost[i]);
    }
    for (int64_t j = 0; j < of->columns; j++) {
        of->by_column[j] = 1;
    }
    /* A NaN ends it; so does a tolerance that rounding errors never reach, some day. */
    for (int64_t turn = 0; turn < MOST_STEPS && step(of) > tolerance; turn++) {
    }
    for (int64_t i = 0; i < numbers; i++) {
        of->cost[i] *= of->by_column[i % of->columns] * of->by_row[i / of->columns];
    }
}

static aclnnStatus run(const stub_call *call) {
    stub_view cost, p;
    STUB_REQUIRE(stub_view_open(call, COST, &cost));
    STUB_REQUIRE(stub_view_open(call, P, &p));
    problem of = {.rows = cost.tensor->shape[0], .columns = cost.tensor->shape[1]};
    const int64_t numbers = of.rows * of.columns;
    of.cost = malloc((size_t)(numbers + of.rows + 2 * of.columns) * sizeof(double));
    if (!of.cost) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld numbers", call->op->name, (long long)numbers);
    }
    of.by_row = of.cost + numbers;
    of.by_column = of.by_row + of.rows;
    of.sums = of.by_column + of.columns;
    stub_whole_load(&cost, ACL_DOUBLE, of.cost);
    solve(&of, call->args[TOLERANCE].scalar ? stub_number(call, TOLERANCE) : DEFAULT_TOLERANCE);
    stub_whole_store(&p, ACL_DOUBLE, of.cost, numbers);
    free(of.cost);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnSinkhorn, check, run)
