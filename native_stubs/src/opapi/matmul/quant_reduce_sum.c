/* aclnnQuantMatmulReduceSumWeightNz: int8 products of a batch, each with its scales for rows and columns, summed over
 * the batch in fp32 and rounded once. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"
#include "opapi/whole.h"

enum { X1, X2, X1_SCALE, X2_SCALE, Y_SCALE, X1_OFFSET, X2_OFFSET, Y_OFFSET, BIAS };
enum { TRANSPOSE_X1 = BIAS + 1, TRANSPOSE_X2, GROUP_SIZE, DIMS, KEEP_DIMS, OUT, TILE_RANK = 5 };

static aclnnStatus check_options(const stub_call *call) {
    const aclIntArray *dims = call->args[DIMS].ints;
    for (uint32_t arg = Y_SCALE; arg <= BIAS; arg++) {
        if (stub_tensor_arg(call, arg)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is reserved; it must be NULL", call->op->name,
                             call->op->params[arg].name);
        }
    }
    if (call->args[TRANSPOSE_X1].flag || call->args[TRANSPOSE_X2].flag || call->args[GROUP_SIZE].integer != 0 ||
        call->args[KEEP_DIMS].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: transposeX1, transposeX2 and keepDims must be false, groupSize 0", call->op->name);
    }
    return dims && dims->size == 1 && dims->values[0] == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dims must be [0], the batch", call->op->name);
}

static aclnnStatus check_shapes(const stub_call *call, stub_nz *nz) {
    STUB_REQUIRE(stub_check_rank(call, X1, 3, 3));
    STUB_REQUIRE(stub_check_rank(call, X2_SCALE, 1, 1));
    const aclTensor *x2 = stub_tensor_arg(call, X2);
    const int64_t *x1 = stub_tensor_arg(call, X1)->shape, n = stub_tensor_arg(call, X2_SCALE)->shape[0];
    const int64_t three[] = {x1[0], x1[2], n}, out[] = {x1[1], n};
    if (x2->storage_rank != TILE_RANK || !stub_is_nz(x2)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: x2 has no FRACTAL_NZ storage of 5 dimensions; make it with aclnnTransMatmulWeight",
                         call->op->name);
    }
    if (x2->storage[0] != x1[0]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 is a batch of %lld matrices, x2 of %lld", call->op->name,
                         (long long)x1[0], (long long)x2->storage[0]);
    }
    STUB_REQUIRE(x2->rank == TILE_RANK ? ACLNN_SUCCESS : stub_check_shape(call, X2, three, 3, "batch, k, n"));
    STUB_REQUIRE(stub_nz_find(call, X2, x2, x1[2], n, 0, nz));
    STUB_REQUIRE(stub_check_shape(call, X1_SCALE, x1, 2, "batch, rows of x1"));
    STUB_REQUIRE(stub_check_shape(call, OUT, out, 2, "rows of x1, elements of x2Scale"));
    return x1[0] * x1[1] * x1[2] * n > 0 ? ACLNN_SUCCESS
                                         : stub_fail(ACLNN_ERR_PARAM_INVALID,
                                                     "%s: x1 or x2 is empty, which is not "
                                                     "allowed",
                                                     call->op->name);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t tensors[] = {X1, X2, X1_SCALE, X2_SCALE, OUT};
    const stub_dtypes int8 = STUB_DTYPE(ACL_INT8), bf16 = STUB_DTYPE(ACL_BF16);
    const stub_dtype_rule rules[] = {{X1, STUB_ON_ALL(int8)},
                                     {X2, STUB_ON_ALL(int8)},
                                     {X1_SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
                                     {X2_SCALE, STUB_ON_ALL(bf16)},
                                     {OUT, STUB_ON_ALL(bf16)}};
    stub_nz nz;
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(check_options(call));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    return check_shapes(call, &nz);
}

typedef struct {
    int64_t m, k, n;
    stub_part x1, x2, x1_scale, x2_scale;
    float *columns, *rows, *sums; /* scales of one product; results */
} job;

static void add(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    const job *all = state;
    float *to = all->sums + (int64_t)row * all->n + (int64_t)column;
    for (size_t i = 0; i < count; i++) {
        to[i] += (float)sums[i] * all->columns[column + i] * all->rows[row];
    }
}

static aclnnStatus add_product(const stub_call *call, job *all, int64_t batch, stub_weight_layout layout) {
    const stub_part *scale = &all->x1_scale;
    stub_part x = all->x1;
    void *copy = NULL;
    x.first += batch * x.batch[0];
    stub_quant_numbers(scale, scale->first + batch * scale->row * stub_part_size(scale), 0, all->m, all->rows);
    if (x.column != 1 && all->k != 1) {
        const stub_part from = x;
        STUB_REQUIRE(stub_part_copy(call, &from, all->m, all->k, NULL, 0, ACL_INT8, &x, &copy));
    }
    const stub_int8_matmul product = {.x = (const int8_t *)x.first,
                                      .x_stride = (size_t)x.row,
                                      .weight = (const int8_t *)all->x2.first + batch * all->x2.batch[0],
                                      .layout = layout,
                                      .m = (size_t)all->m,
                                      .k = (size_t)all->k,
                                      .n = (size_t)all->n,
                                      .finish = add,
                                      .state = all};
    const aclnnStatus status = stub_int8_matmul_run(&product);
    free(copy);
    return status;
}

static aclnnStatus open_part(const stub_call *call, uint32_t arg, uint32_t batch_rank, stub_part *part) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_last(&view, batch_rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus add_products(const stub_call *call, job *all) {
    const int64_t batches = stub_tensor_arg(call, X1)->shape[0];
    stub_view out;
    stub_nz nz;
    STUB_REQUIRE(check_shapes(call, &nz));
    STUB_REQUIRE(open_part(call, X1, 1, &all->x1));
    STUB_REQUIRE(open_part(call, X1_SCALE, 0, &all->x1_scale));
    STUB_REQUIRE(open_part(call, X2_SCALE, 0, &all->x2_scale));
    STUB_REQUIRE(stub_nz_tiles(call, X2, stub_tensor_arg(call, X2), 1, &all->x2));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    stub_quant_numbers(&all->x2_scale, all->x2_scale.first, 0, all->n, all->columns);
    for (int64_t batch = 0; batch < batches; batch++) {
        STUB_REQUIRE(add_product(call, all, batch, nz.transposed ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ));
    }
    stub_whole_store(&out, ACL_FLOAT, all->sums, all->m * all->n);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const int64_t *x1 = stub_tensor_arg(call, X1)->shape, n = stub_tensor_arg(call, X2_SCALE)->shape[0];
    job all = {.m = x1[1], .k = x1[2], .n = n};
    all.sums = calloc((size_t)(all.m * n + all.m + n), sizeof *all.sums);
    if (!all.sums) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the sums", call->op->name);
    }
    all.rows = all.sums + all.m * n;
    all.columns = all.rows + all.m;
    const aclnnStatus status = add_products(call, &all);
    free(all.sums);
    return status;
}

STUB_KERNEL(aclnnQuantMatmulReduceSumWeightNz, check, run)
