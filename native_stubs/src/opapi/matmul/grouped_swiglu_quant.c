/* aclnnGroupedMatmulSwigluQuant and its WeightNZ form: int8 products by group, dequantised, gated (swish of the left
 * half times the right half) and quantised again, row by row. Rows behind the last group are left as they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/kernel.h"
#include "opapi/math.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"

enum { X, WEIGHT, BIAS, OFFSET, WEIGHT_SCALE, X_SCALE, ENDS, OUT, OUT_SCALE, OUT_OFFSET };
enum { MOST_COLUMNS = 10240, MOST_INNER = 65536, TILE_RANK = 5, SHARE = 16384 };

typedef struct {
    bool binds_nz; /* the storage is taken for tiles whatever its format says */
} swiglu_quant;

/* What the vendor's kernels have no use for yet, or compute from packed weights. */
static aclnnStatus check_kinds(const stub_call *call) {
    const aclDataType weight = stub_tensor_arg(call, WEIGHT)->dtype;
    const uint32_t absent[] = {BIAS, OFFSET, OUT_OFFSET};
    if (weight == ACL_INT4 || weight == ACL_INT32) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for int4 weights",
                         call->op->name);
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (stub_tensor_arg(call, absent[i])) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for %s (nor does CANN, with int8 weights); pass NULL",
                             call->op->name, call->op->params[absent[i]].name);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call) {
    const stub_dtypes int8 = STUB_DTYPE(ACL_INT8);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(int8)},
                                     {WEIGHT, STUB_ON_ALL(int8)},
                                     {WEIGHT_SCALE, STUB_ON_ALL(STUB_FLOATS)},
                                     {X_SCALE, STUB_ON_ALL(STUB_FLOATS)},
                                     {ENDS, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))},
                                     {OUT, STUB_ON_ALL(int8)},
                                     {OUT_SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    return stub_check_dtypes(call, rules, sizeof rules / sizeof *rules);
}

static aclnnStatus check_sizes(const stub_call *call, int64_t k, int64_t n) {
    if (n % 2 != 0 || n > MOST_COLUMNS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: weightScale has %lld columns; allowed are even numbers to %d",
                         call->op->name, (long long)n, MOST_COLUMNS);
    }
    return k < MOST_INNER ? ACLNN_SUCCESS
                          : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x has %lld columns; at most %d are allowed",
                                      call->op->name, (long long)k, MOST_INNER - 1);
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT_SCALE, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, ENDS, 1, 1));
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT);
    const int64_t *x = stub_tensor_arg(call, X)->shape, *scale = stub_tensor_arg(call, WEIGHT_SCALE)->shape;
    const int64_t three[] = {scale[0], x[1], scale[1]}, out[] = {x[0], scale[1] / 2};
    STUB_REQUIRE(check_sizes(call, x[1], scale[1]));
    if (weight->rank != TILE_RANK) {
        STUB_REQUIRE(stub_check_shape(call, WEIGHT, three, 3, "experts, columns of x, columns of weightScale"));
    } else if (weight->shape[0] != scale[0]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: weight has %lld experts, weightScale %lld", call->op->name,
                         (long long)weight->shape[0], (long long)scale[0]);
    }
    STUB_REQUIRE(stub_check_shape(call, X_SCALE, x, 1, "rows of x"));
    STUB_REQUIRE(stub_check_shape(call, OUT, out, 2, "rows of x, half the columns of weightScale"));
    STUB_REQUIRE(stub_check_shape(call, OUT_SCALE, x, 1, "rows of x"));
    const int64_t groups = stub_tensor_arg(call, ENDS)->shape[0];
    return groups <= scale[0] ? ACLNN_SUCCESS
                              : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupList has %lld groups, weight %lld",
                                          call->op->name, (long long)groups, (long long)scale[0]);
}

static aclnnStatus find_tiles(const stub_call *call, stub_nz *nz) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, *scale = stub_tensor_arg(call, WEIGHT_SCALE)->shape;
    return stub_nz_find(call, WEIGHT, stub_tensor_arg(call, WEIGHT), x[1], scale[1], 0, nz);
}

static aclnnStatus swiglu_quant_check(const stub_call *call, stub_plan *plan, const swiglu_quant *op) {
    const uint32_t tensors[] = {X, WEIGHT, WEIGHT_SCALE, X_SCALE, ENDS, OUT, OUT_SCALE};
    stub_nz nz;
    STUB_REQUIRE(stub_check_given(call, tensors, 7));
    STUB_REQUIRE(check_kinds(call));
    STUB_REQUIRE(check_shapes(call));
    STUB_REQUIRE(check_types(call));
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT);
    if (op->binds_nz ? weight->storage_rank != TILE_RANK : !stub_is_nz(weight)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: weight has no FRACTAL_NZ storage of 5 dimensions; make it with aclnnTransMatmulWeight",
                         call->op->name);
    }
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0 || stub_tensor_numel(stub_tensor_arg(call, ENDS)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : find_tiles(call, &nz);
}

typedef struct {
    const stub_call *call;
    stub_part x, weight, weight_scale, x_scale, ends, out, out_scale;
    stub_weight_layout layout;
    int64_t k, n;
    float *columns, *rows, *sums; /* the group's scales; its dequantised products */
} job;

static void dequantise(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    const job *here = state;
    float *to = here->sums + (int64_t)row * here->n + (int64_t)column;
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)sums[i] * here->columns[column + i] * here->rows[row];
    }
}

STUB_VERSIONS(float, gate, (float *left, const float *right, size_t n), {
    float most = 0;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        left[i] = stub_siluf(left[i]) * right[i];
    }
    for (size_t i = 0; i < n; i++) {
        const float magnitude = fabsf(left[i]);
        most = magnitude > most ? magnitude : most;
    }
    return most;
})

static void quantise_row(const job *here, int64_t row, int64_t first_row) {
    const int64_t half = here->n / 2, r = first_row + row;
    float *values = here->sums + row * here->n;
    const float most = STUB_BEST(gate)(values, values + half, (size_t)half), scale = most / 127,
                factor = most > 0 ? 1 / scale : 0;
    int8_t *out = (int8_t *)here->out.first + r * here->out.row;
    for (int64_t i = 0; i < half; i++) {
        const float value = nearbyintf(values[i] * factor);
        out[i * here->out.column] = (int8_t)(value >= 127 ? 127 : value >= -128 ? value : value < 0 ? -128 : 0);
    }
    memcpy(here->out_scale.first + r * here->out_scale.column * (int64_t)sizeof scale, &scale, sizeof scale);
}

typedef struct {
    const job *all;
    int64_t first_row, m, share;
} quantising;

static void quantise_rows(void *state, size_t piece) {
    const quantising *work = state;
    const int64_t from = (int64_t)piece * work->share;
    for (int64_t row = from; row < work->m && row < from + work->share; row++) {
        quantise_row(work->all, row, work->first_row);
    }
}

static aclnnStatus run_group(job *all, int64_t group, int64_t first_row, int64_t m) {
    const stub_part *scale = &all->weight_scale, *token = &all->x_scale;
    stub_quant_numbers(scale, scale->first + group * scale->row * stub_part_size(scale), 0, all->n, all->columns);
    stub_quant_numbers(token, token->first + first_row * token->column * stub_part_size(token), 0, m, all->rows);
    const stub_int8_matmul product = {.x = (const int8_t *)all->x.first + first_row * all->x.row,
                                      .x_stride = (size_t)all->x.row,
                                      .weight = (const int8_t *)all->weight.first + group * all->weight.batch[0],
                                      .layout = all->layout,
                                      .m = (size_t)m,
                                      .k = (size_t)all->k,
                                      .n = (size_t)all->n,
                                      .finish = dequantise,
                                      .state = all};
    STUB_REQUIRE(stub_int8_matmul_run(&product));
    quantising work = {.all = all, .first_row = first_row, .m = m, .share = 1 + SHARE / all->n};
    stub_parallel((size_t)((m + work.share - 1) / work.share), quantise_rows, &work);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_groups(job *all) {
    const int64_t groups = stub_tensor_arg(all->call, ENDS)->shape[0], rows = stub_tensor_arg(all->call, X)->shape[0];
    for (int64_t group = 0, start = 0, end; group < groups; group++, start = end) {
        memcpy(&end, all->ends.first + group * all->ends.column * (int64_t)sizeof end, sizeof end);
        if (end < start || end > rows) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: element %lld of groupList is %lld; it must be from %lld to %lld", all->call->op->name,
                             (long long)group, (long long)end, (long long)start, (long long)rows);
        }
        STUB_REQUIRE(end > start ? run_group(all, group, start, end - start) : ACLNN_SUCCESS);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus open_part(const stub_call *call, uint32_t arg, stub_part *part) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_last(&view, 0);
    return ACLNN_SUCCESS;
}

static aclnnStatus open_all(job *all, void **copy) {
    const stub_call *call = all->call;
    const int64_t rows = stub_tensor_arg(call, X)->shape[0];
    stub_nz nz;
    STUB_REQUIRE(open_part(call, X, &all->x));
    STUB_REQUIRE(open_part(call, WEIGHT_SCALE, &all->weight_scale));
    STUB_REQUIRE(open_part(call, X_SCALE, &all->x_scale));
    STUB_REQUIRE(open_part(call, ENDS, &all->ends));
    STUB_REQUIRE(open_part(call, OUT, &all->out));
    STUB_REQUIRE(open_part(call, OUT_SCALE, &all->out_scale));
    STUB_REQUIRE(find_tiles(call, &nz));
    STUB_REQUIRE(stub_nz_tiles(call, WEIGHT, stub_tensor_arg(call, WEIGHT), 1, &all->weight));
    all->layout = nz.transposed ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ;
    if (all->x.column != 1 && all->k != 1) {
        const stub_part from = all->x;
        return stub_part_copy(call, &from, rows, all->k, NULL, 0, ACL_INT8, &all->x, copy);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus swiglu_quant_run(const stub_call *call, const swiglu_quant *op) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, n = stub_tensor_arg(call, WEIGHT_SCALE)->shape[1];
    job all = {.call = call, .k = x[1], .n = n};
    void *copy = NULL;
    (void)op;
    all.sums = malloc((size_t)(x[0] * n + n + x[0]) * sizeof *all.sums);
    if (!all.sums) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for products", call->op->name);
    }
    all.columns = all.sums + x[0] * n;
    all.rows = all.columns + n;
    aclnnStatus status = open_all(&all, &copy);
    status = status == ACLNN_SUCCESS ? run_groups(&all) : status;
    free(copy);
    free(all.sums);
    return status;
}

STUB_FAMILY_KERNEL(aclnnGroupedMatmulSwigluQuant, swiglu_quant, {.binds_nz = false})
STUB_FAMILY_KERNEL(aclnnGroupedMatmulSwigluQuantWeightNZ, swiglu_quant, {.binds_nz = true})
