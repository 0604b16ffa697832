/* aclnnGroupedMatmulFinalizeRoutingWeightNz and V2: int8 products by expert, dequantised and weighted row by row, added
 * to the tokens' rows of the output, which start as zeros or as the shared expert's rows. fp32. Experts are given by
 * how many rows they have. */
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/kernel.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"

enum { TILE_RANK = 5, LEAST_COLUMNS = 256, TILE_ROWS = 16, TILE_COLUMNS = 32, MOST_EXPERTS = 1024 };
enum { X, WEIGHT, SCALE, BIAS };

/* Arguments by number; 0: none. Those from `dtype` on follow each other: dtype, sharedInputWeight, sharedInputOffset,
 * two transpositions, groupListType. */
typedef struct {
    uint32_t reserved[3]; /* tensors that only int4 weights have */
    uint32_t token, counts, shared, logit, rows, dtype, out;
} finalize;

enum { SHARED_WEIGHT = 1, SHARED_OFFSET, TRANSPOSE_X, TRANSPOSE_WEIGHT, LIST_TYPE };

static aclnnStatus check_options(const stub_call *call, const finalize *op) {
    const stub_value *from = &call->args[op->dtype];
    if (stub_tensor_arg(call, WEIGHT)->dtype == ACL_INT4 || stub_tensor_arg(call, WEIGHT)->dtype == ACL_INT32) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for int4 weights",
                         call->op->name);
    }
    const uint32_t absent[] = {BIAS, op->reserved[0], op->reserved[1], op->reserved[2]};
    for (uint32_t i = 0; i < 4; i++) {
        if (absent[i] != 0 && stub_tensor_arg(call, absent[i])) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for %s with int8 weights; pass NULL", call->op->name,
                             call->op->params[absent[i]].name);
        }
    }
    if (from[0].integer != 0 || from[TRANSPOSE_X].flag || from[TRANSPOSE_WEIGHT].flag || from[LIST_TYPE].integer != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: allowed are dtype 0 (FLOAT), no transposition and groupListType 1 (counts) alone",
                         call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const finalize *op) {
    const stub_dtypes int8 = STUB_DTYPE(ACL_INT8), single = STUB_DTYPE(ACL_FLOAT), wide = STUB_DTYPE(ACL_INT64);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(int8)},
                                     {WEIGHT, STUB_ON_ALL(int8)},
                                     {SCALE, STUB_ON_ALL(single | STUB_DTYPE(ACL_BF16))},
                                     {op->token, STUB_ON_ALL(single)},
                                     {op->counts, STUB_ON_ALL(wide)},
                                     {op->shared, STUB_ON_ALL(STUB_DTYPE(ACL_BF16))},
                                     {op->logit, STUB_ON_ALL(single)},
                                     {op->rows, STUB_ON_ALL(wide | STUB_DTYPE(ACL_INT32))},
                                     {op->out, STUB_ON_ALL(single)}};
    return stub_check_dtypes(call, rules, sizeof rules / sizeof *rules);
}

static aclnnStatus check_sizes(const stub_call *call, const finalize *op, int64_t m, int64_t k, int64_t n) {
    const aclTensor *shared = stub_tensor_arg(call, op->shared);
    const int64_t rows = stub_tensor_arg(call, op->out)->shape[0],
                  first = call->args[op->dtype + SHARED_OFFSET].integer, count = shared ? shared->shape[0] : 0;
    if (k % TILE_ROWS != 0 || n % TILE_COLUMNS != 0 || n < LEAST_COLUMNS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: k is %lld, n %lld; k must be a multiple of 16, n one of 32 and at least 256",
                         call->op->name, (long long)k, (long long)n);
    }
    if (rows > m || first < 0 || first > rows - count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the output has %lld rows; at most %lld are allowed, and the %lld of the shared input, "
                         "from row %lld on, must be among them",
                         call->op->name, (long long)rows, (long long)m, (long long)count, (long long)first);
    }
    return m * k > 0 ? ACLNN_SUCCESS
                     : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is empty, which is not allowed", call->op->name,
                                 call->op->params[X].name);
}

static aclnnStatus check_shapes(const stub_call *call, const finalize *op, stub_nz *nz) {
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, SCALE, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, op->out, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, op->shared, 2, 2));
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT), *shared = stub_tensor_arg(call, op->shared);
    const int64_t *x = stub_tensor_arg(call, X)->shape, *scale = stub_tensor_arg(call, SCALE)->shape;
    const int64_t three[] = {scale[0], x[1], scale[1]}, out[] = {stub_tensor_arg(call, op->out)->shape[0], scale[1]},
                  kept[] = {shared ? shared->shape[0] : 0, scale[1]};
    if (weight->storage_rank != TILE_RANK || !stub_is_nz(weight) || weight->storage[0] != scale[0] ||
        scale[0] > MOST_EXPERTS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s has no FRACTAL_NZ storage for %lld experts; make it with aclnnTransMatmulWeight",
                         call->op->name, call->op->params[WEIGHT].name, (long long)scale[0]);
    }
    STUB_REQUIRE(weight->rank == TILE_RANK ? ACLNN_SUCCESS : stub_check_shape(call, WEIGHT, three, 3, "experts, k, n"));
    STUB_REQUIRE(stub_nz_find(call, WEIGHT, weight, x[1], scale[1], 0, nz));
    STUB_REQUIRE(stub_check_shape(call, op->token, x, 1, "rows of the input"));
    STUB_REQUIRE(stub_check_shape(call, op->counts, scale, 1, "experts"));
    STUB_REQUIRE(stub_check_shape(call, op->shared, kept, 2, "rows, columns of the output"));
    STUB_REQUIRE(stub_check_shape(call, op->logit, x, 1, "rows of the input"));
    STUB_REQUIRE(stub_check_shape(call, op->rows, x, 1, "rows of the input"));
    STUB_REQUIRE(stub_check_shape(call, op->out, out, 2, "rows, columns of the scale"));
    return check_sizes(call, op, x[0], x[1], scale[1]);
}

static aclnnStatus finalize_check(const stub_call *call, stub_plan *plan, const finalize *op) {
    const uint32_t tensors[] = {X, WEIGHT, SCALE, op->counts, op->rows, op->out}, shared[] = {op->shared, op->logit};
    const bool any = stub_tensor_arg(call, op->shared) || stub_tensor_arg(call, op->logit);
    stub_nz nz;
    STUB_REQUIRE(stub_check_given(call, tensors, 6));
    STUB_REQUIRE(any ? stub_check_given(call, shared, 2) : ACLNN_SUCCESS);
    STUB_REQUIRE(check_options(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_shapes(call, op, &nz));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, op->out)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    const finalize *op;
    stub_part x, weight, scale, token, counts, shared, logit, rows, out;
    stub_weight_layout layout;
    int64_t m, k, n;
    float *columns, *factors, *sums; /* scales of an expert; of all rows; an expert's dequantised products */
    int64_t *targets;                /* the rows' rows in the output */
    int64_t first;                   /* row of the expert at hand */
    int64_t count;
} job;

static void dequantise(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    const job *all = state;
    float *to = all->sums + (int64_t)row * all->n + (int64_t)column;
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)sums[i] * all->columns[column + i] * all->factors[all->first + (int64_t)row];
    }
}

static float *out_at(const job *all, int64_t row, int64_t column) {
    return (float *)(void *)all->out.first + row * all->out.row + column * all->out.column;
}

/* Some columns of all rows of the expert, in turn: several may go to one row. */
static void add_columns(void *state, size_t piece) {
    const job *all = state;
    const int64_t from = (int64_t)piece * STUB_STRETCH,
                  to = from + STUB_STRETCH < all->n ? from + STUB_STRETCH : all->n;
    for (int64_t row = 0; row < all->count; row++) {
        const float *sums = all->sums + row * all->n;
        for (int64_t j = from; j < to; j++) {
            *out_at(all, all->targets[all->first + row], j) += sums[j];
        }
    }
}

static aclnnStatus run_expert(job *all, int64_t expert) {
    const stub_part *scale = &all->scale;
    stub_quant_numbers(scale, scale->first + expert * scale->row * stub_part_size(scale), 0, all->n, all->columns);
    const stub_int8_matmul product = {.x = (const int8_t *)all->x.first + all->first * all->x.row,
                                      .x_stride = (size_t)all->x.row,
                                      .weight = (const int8_t *)all->weight.first + expert * all->weight.batch[0],
                                      .layout = all->layout,
                                      .m = (size_t)all->count,
                                      .k = (size_t)all->k,
                                      .n = (size_t)all->n,
                                      .finish = dequantise,
                                      .state = all};
    STUB_REQUIRE(stub_int8_matmul_run(&product));
    stub_parallel((size_t)((all->n + STUB_STRETCH - 1) / STUB_STRETCH), add_columns, all);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_experts(job *all) {
    const int64_t experts = stub_tensor_arg(all->call, SCALE)->shape[0];
    for (int64_t expert = 0; expert < experts; expert++, all->first += all->count) {
        memcpy(&all->count, all->counts.first + expert * all->counts.column * 8, sizeof all->count);
        if (all->count < 0 || all->count > all->m - all->first) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: element %lld of %s is %lld; %lld rows are left",
                             all->call->op->name, (long long)expert, all->call->op->params[all->op->counts].name,
                             (long long)all->count, (long long)(all->m - all->first));
        }
        STUB_REQUIRE(all->count > 0 ? run_expert(all, expert) : ACLNN_SUCCESS);
    }
    return ACLNN_SUCCESS;
}

/* What each row is multiplied with, and where it goes. */
static aclnnStatus load_rows(const job *all) {
    const int64_t rows = stub_tensor_arg(all->call, all->op->out)->shape[0], size = stub_part_size(&all->rows);
    for (int64_t i = 0; i < all->m; i++) {
        float logit = 1;
        all->factors[i] = 1;
        if (all->token.first) {
            stub_quant_numbers(&all->token, all->token.first + i * all->token.column * 4, 1, 1, &all->factors[i]);
        }
        if (all->logit.first) {
            stub_quant_numbers(&all->logit, all->logit.first + i * all->logit.column * 4, 1, 1, &logit);
        }
        all->factors[i] *= logit;
        stub_load(all->rows.dtype, all->rows.first + i * all->rows.column * size, 0, 1, ACL_INT64, &all->targets[i]);
        if (all->targets[i] < 0 || all->targets[i] >= rows) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: element %lld of %s is %lld; it must be from 0 to %lld",
                             all->call->op->name, (long long)i, all->call->op->params[all->op->rows].name,
                             (long long)all->targets[i], (long long)rows - 1);
        }
    }
    return ACLNN_SUCCESS;
}

/* Zeros, and the shared rows times their weight. `all->columns` is free for them. */
static void start_rows(const job *all) {
    const aclTensor *out = stub_tensor_arg(all->call, all->op->out),
                    *shared = stub_tensor_arg(all->call, all->op->shared);
    const stub_value *from = &all->call->args[all->op->dtype];
    const float weight = (float)from[SHARED_WEIGHT].real;
    for (int64_t row = 0; row < out->shape[0]; row++) {
        const int64_t place = row - from[SHARED_OFFSET].integer;
        const bool is_shared = shared && place >= 0 && place < shared->shape[0];
        if (is_shared) {
            stub_quant_numbers(&all->shared, all->shared.first + place * all->shared.row * 2, 0, all->n, all->columns);
        }
        for (int64_t j = 0; j < all->n; j++) {
            *out_at(all, row, j) = is_shared ? all->columns[j] * weight : 0;
        }
    }
}

static aclnnStatus open_part(const stub_call *call, uint32_t arg, stub_part *part) {
    stub_view view;
    if (!stub_tensor_arg(call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_last(&view, 0);
    return ACLNN_SUCCESS;
}

static aclnnStatus open_all(job *all, void **copy) {
    const stub_call *call = all->call;
    const finalize *op = all->op;
    const uint32_t args[] = {X, SCALE, op->token, op->counts, op->shared, op->logit, op->rows, op->out};
    stub_part *const parts[] = {&all->x,      &all->scale, &all->token, &all->counts,
                                &all->shared, &all->logit, &all->rows,  &all->out};
    stub_nz nz;
    for (uint32_t i = 0; i < 8; i++) {
        STUB_REQUIRE(open_part(call, args[i], parts[i]));
    }
    STUB_REQUIRE(check_shapes(call, op, &nz));
    STUB_REQUIRE(stub_nz_tiles(call, WEIGHT, stub_tensor_arg(call, WEIGHT), 1, &all->weight));
    all->layout = nz.transposed ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ;
    const stub_part from = all->x;
    return all->x.column == 1 ? ACLNN_SUCCESS
                              : stub_part_copy(call, &from, all->m, all->k, NULL, 0, ACL_INT8, &all->x, copy);
}

static aclnnStatus finalize_run(const stub_call *call, const finalize *op) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, n = stub_tensor_arg(call, SCALE)->shape[1];
    job all = {.call = call, .op = op, .m = x[0], .k = x[1], .n = n};
    void *copy = NULL;
    all.targets = malloc((size_t)all.m * sizeof *all.targets);
    all.sums = malloc((size_t)(all.m * n + n + all.m) * sizeof *all.sums);
    aclnnStatus status = all.targets && all.sums
                             ? ACLNN_SUCCESS
                             : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for products", call->op->name);
    all.columns = all.sums ? all.sums + all.m * n : NULL;
    all.factors = all.sums ? all.columns + n : NULL;
    status = status ? status : open_all(&all, &copy);
    status = status ? status : load_rows(&all);
    if (status == ACLNN_SUCCESS) {
        start_rows(&all);
        status = run_experts(&all);
    }
    free(copy);
    free(all.targets);
    free(all.sums);
    return status;
}

#define OF_INT8 {.token = 4, .counts = 5, .shared = 6, .logit = 7, .rows = 8, .dtype = 9, .out = 15}
#define OF_ANY                                                                                                         \
    {.reserved = {4, 5, 6}, .token = 7, .counts = 8, .shared = 9, .logit = 10, .rows = 11, .dtype = 12, .out = 19}
STUB_FAMILY_KERNEL(aclnnGroupedMatmulFinalizeRoutingWeightNz, finalize, OF_INT8)
STUB_FAMILY_KERNEL(aclnnGroupedMatmulFinalizeRoutingWeightNzV2, finalize, OF_ANY)
