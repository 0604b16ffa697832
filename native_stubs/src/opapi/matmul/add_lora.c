/* aclnnAddLora: some columns of y plus x by two small weights, which an index chooses for each row; rows with a
 * negative index are left alone. Each product, its scaling and the sum are rounded to FLOAT16, as in the vendor's
 * kernel. */
#include <stdlib.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/matmul/product.h"
#include "opapi/whole.h"

enum { Y, X, WEIGHT_B, INDICES, WEIGHT_A, LAYER, SCALE, OFFSET, SLICE, OUT, UNIT = 16, MOST_RANK = 128, MOST = 32 };

/* Of Atlas A2 alone. */
#define STUB_ON_A2(set) {[STUB_PRODUCT_A2] = (set)}

static aclnnStatus check_types(const stub_call *call) {
    const uint32_t tensors[] = {Y, X, WEIGHT_B, INDICES, OUT};
    const stub_dtypes half = STUB_DTYPE(ACL_FLOAT16);
    const stub_dtype_rule rules[] = {{Y, STUB_ON_A2(half)},        {X, STUB_ON_A2(half)},
                                     {WEIGHT_B, STUB_ON_A2(half)}, {WEIGHT_A, STUB_ON_A2(half)},
                                     {OUT, STUB_ON_A2(half)},      {INDICES, STUB_ON_A2(STUB_DTYPE(ACL_INT32))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    return stub_check_dtypes(call, rules, 6);
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, Y, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT_B, 4, 4));
    const int64_t *y = stub_tensor_arg(call, Y)->shape, *x = stub_tensor_arg(call, X)->shape,
                  *b = stub_tensor_arg(call, WEIGHT_B)->shape;
    const int64_t rows[] = {y[0], stub_tensor_arg(call, WEIGHT_A) ? x[1] : b[3]}, a[] = {b[0], b[1], b[3], x[1]};
    STUB_REQUIRE(stub_check_shape(call, X, rows, 2, "rows of y, columns of the first weight"));
    STUB_REQUIRE(stub_check_shape(call, WEIGHT_A, a, 4, "weights, layers, rank, columns of x"));
    STUB_REQUIRE(stub_check_shape(call, INDICES, y, 1, "rows of y"));
    return stub_check_same_shape(call, OUT, Y);
}

static aclnnStatus check_sizes(const stub_call *call) {
    const int64_t *y = stub_tensor_arg(call, Y)->shape, *x = stub_tensor_arg(call, X)->shape,
                  *b = stub_tensor_arg(call, WEIGHT_B)->shape, layer = call->args[LAYER].integer,
                  offset = call->args[OFFSET].integer, slice = call->args[SLICE].integer;
    if (y[1] % UNIT || x[1] % UNIT || b[2] % UNIT || b[3] % UNIT || b[3] > MOST_RANK || b[0] > MOST || b[1] > MOST ||
        b[0] * b[1] * b[2] * b[3] * y[0] * x[1] == 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: lengths of rows and weights must be positive multiples of 16, the rank at most 128, "
                         "weights and layers at most 32",
                         call->op->name);
    }
    if (layer < 0 || layer >= b[1] || offset < 0 || offset > y[1] - b[2]) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: layerIdx is %lld of %lld layers; yOffset is %lld, and %lld columns behind it must be "
                         "among the %lld of y",
                         call->op->name, (long long)layer, (long long)b[1], (long long)offset, (long long)b[2],
                         (long long)y[1]);
    }
    return slice == b[2] || slice == -1
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                           "%s: the stand-in has no kernel for ySliceSize %lld; it must be %lld, the columns of "
                           "weightB, or -1",
                           call->op->name, (long long)slice, (long long)b[2]);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(check_shapes(call));
    return check_sizes(call);
}

typedef struct {
    const stub_call *call;
    int64_t rows, n, rank, columns; /* n: of y; columns: that change */
    stub_part x, a, b;
    float *y, *hidden, *sums;
    int64_t *indices;
} job;

/* The matrix of a layer of a weight, rows and columns exchanged. */
static aclnnStatus open_weight(const stub_call *call, uint32_t arg, stub_part *part) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_of(&view, 3, 2, 2);
    part->first += call->args[LAYER].integer * part->batch[1] * stub_part_size(part);
    return ACLNN_SUCCESS;
}

static stub_part number(const stub_part *weights, int64_t index) {
    stub_part part = *weights;
    part.first += index * part.batch[0] * stub_part_size(&part);
    return part;
}

/* One row's product with a weight, rounded. */
static aclnnStatus multiply(const stub_call *call, stub_part x, stub_part weight, int64_t k, int64_t n, float *to) {
    const stub_batch_product product = {.m = 1,
                                        .n = n,
                                        .k = k,
                                        .a = x,
                                        .b = weight,
                                        .out = {.first = (uint8_t *)to, .dtype = ACL_FLOAT, .row = n, .column = 1},
                                        .alpha = 1};
    STUB_REQUIRE(stub_batch_product_run(call, &product));
    stub_floats_round(ACL_FLOAT16, to, (size_t)n);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_row(const job *all, int64_t row) {
    const int64_t index = all->indices[row], k = stub_tensor_arg(all->call, X)->shape[1];
    float scale = (float)all->call->args[SCALE].real, *y = all->y + row * all->n + all->call->args[OFFSET].integer;
    stub_part x = all->x;
    x.first += row * x.row * stub_part_size(&x);
    if (all->a.first) {
        STUB_REQUIRE(multiply(all->call, x, number(&all->a, index), k, all->rank, all->hidden));
        x = (stub_part){.first = (uint8_t *)all->hidden, .dtype = ACL_FLOAT, .row = all->rank, .column = 1};
    }
    STUB_REQUIRE(multiply(all->call, x, number(&all->b, index), all->rank, all->columns, all->sums));
    stub_floats_round(ACL_FLOAT16, &scale, 1);
    for (int64_t i = 0; i < all->columns; i++) {
        all->sums[i] *= scale;
    }
    stub_floats_round(ACL_FLOAT16, all->sums, (size_t)all->columns);
    stub_floats_add(y, all->sums, (size_t)all->columns, y);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_rows(const job *all) {
    const int64_t weights = stub_tensor_arg(all->call, WEIGHT_B)->shape[0];
    for (int64_t row = 0; row < all->rows; row++) {
        if (all->indices[row] >= weights) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: element %lld of indices is %lld; there are %lld weights", all->call->op->name,
                             (long long)row, (long long)all->indices[row], (long long)weights);
        }
        STUB_REQUIRE(all->indices[row] >= 0 ? run_row(all, row) : ACLNN_SUCCESS);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus load(const stub_call *call, job *all) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, Y, &view));
    stub_whole_load(&view, ACL_FLOAT, all->y);
    STUB_REQUIRE(stub_view_open(call, INDICES, &view));
    stub_whole_load(&view, ACL_INT64, all->indices);
    STUB_REQUIRE(stub_view_open(call, X, &view));
    all->x = stub_part_last(&view, 0);
    STUB_REQUIRE(stub_tensor_arg(call, WEIGHT_A) ? open_weight(call, WEIGHT_A, &all->a) : ACLNN_SUCCESS);
    return open_weight(call, WEIGHT_B, &all->b);
}

static aclnnStatus run(const stub_call *call) {
    const int64_t *y = stub_tensor_arg(call, Y)->shape, *b = stub_tensor_arg(call, WEIGHT_B)->shape;
    job all = {.call = call, .rows = y[0], .n = y[1], .rank = b[3], .columns = b[2]};
    stub_view out;
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    all.indices = malloc((size_t)all.rows * sizeof *all.indices);
    all.y = malloc((size_t)(all.rows * all.n + all.rank + all.columns) * sizeof *all.y);
    aclnnStatus status = all.indices && all.y ? ACLNN_SUCCESS
                                              : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld rows",
                                                          call->op->name, (long long)all.rows);
    all.hidden = all.y ? all.y + all.rows * all.n : NULL;
    all.sums = all.y ? all.hidden + all.rank : NULL;
    status = status ? status : load(call, &all);
    status = status ? status : run_rows(&all);
    if (status == ACLNN_SUCCESS) {
        stub_whole_store(&out, ACL_FLOAT, all.y, all.rows * all.n);
    }
    free(all.indices);
    free(all.y);
    return status;
}

STUB_KERNEL(aclnnAddLora, check, run)
