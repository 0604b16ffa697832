/* aclnnQuantMatmul and its versions: phase two, and the operators by their arguments. */
#include "opapi/matmul/quant_matmul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opapi/map.h"

/* A call's tensors as matrices, and its parameters as arrays. */
typedef struct {
    const stub_call *call;
    const stub_quant_matmul *op;
    stub_quant_sizes sizes;
    stub_part x1, x2, out, bias, scale, offset, token;
    stub_weight_layout layout; /* of tiles */
    bool tiles;
    void *x1_memory, *x2_memory;
    float *scales, *offsets, *tokens; /* one block: n, n, m */
    int32_t *biases;                  /* n */
} job;

static aclnnStatus open_vector(const job *all, uint32_t number, stub_part *part) {
    stub_view view;
    if (!stub_quant_arg(all->call, number)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(all->call, number - 1, &view));
    *part = stub_part_of(&view, view.tensor->rank > 1 ? 1 : STUB_NO_AXIS, (int)view.tensor->rank - 1, all->sizes.rank);
    return ACLNN_SUCCESS;
}

/* x1 as rows without gaps. */
static aclnnStatus open_x1(job *all) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(all->call, all->op->x1 - 1, &view));
    STUB_REQUIRE(stub_int4_open(all->call, all->op->x1 - 1, &view, all->sizes.rank, &all->x1, &all->x1_memory));
    if (stub_quant_flag(all->call, all->op->trans_x1)) {
        stub_part_transpose(&all->x1);
    }
    if (all->x1.column == 1 && all->x1.row >= 0) {
        return ACLNN_SUCCESS;
    }
    const stub_part from = all->x1;
    void *packed = all->x1_memory;
    const aclnnStatus status = stub_part_copy(all->call, &from, all->sizes.m, all->sizes.k, all->sizes.batch,
                                              all->sizes.rank, ACL_INT8, &all->x1, &all->x1_memory);
    free(packed);
    return status;
}

static aclnnStatus open_tiles(job *all, const aclTensor *x2) {
    const bool transposed = stub_quant_flag(all->call, all->op->trans_x2), tiles = stub_nz_shows_tiles(x2);
    const bool exchanged = transposed && !tiles;
    const stub_quant_sizes *sizes = &all->sizes;
    stub_nz nz;
    STUB_REQUIRE(stub_nz_find(all->call, all->op->x2 - 1, x2, exchanged ? sizes->n : sizes->k,
                              exchanged ? sizes->k : sizes->n, transposed, &nz));
    STUB_REQUIRE(stub_nz_tiles(all->call, all->op->x2 - 1, x2, sizes->rank, &all->x2));
    all->tiles = true;
    all->layout = nz.transposed != exchanged ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ;
    return ACLNN_SUCCESS;
}

static aclnnStatus open_x2(job *all) {
    const aclTensor *x2 = stub_quant_arg(all->call, all->op->x2);
    const stub_quant_sizes *sizes = &all->sizes;
    stub_quant probe = {.k = sizes->k, .n = sizes->n};
    stub_view view;
    if (stub_is_nz(x2)) {
        return open_tiles(all, x2);
    }
    STUB_REQUIRE(stub_view_open(all->call, all->op->x2 - 1, &view));
    STUB_REQUIRE(stub_int4_open(all->call, all->op->x2 - 1, &view, sizes->rank, &all->x2, &all->x2_memory));
    if (stub_quant_flag(all->call, all->op->trans_x2)) {
        stub_part_transpose(&all->x2);
    }
    if (stub_quant_weight(&probe, &all->x2, NULL)) {
        return ACLNN_SUCCESS;
    }
    const stub_part from = all->x2;
    return stub_part_copy(all->call, &from, sizes->k, sizes->n, sizes->batch, sizes->rank, ACL_INT8, &all->x2,
                          &all->x2_memory);
}

static aclnnStatus allocate(job *all) {
    const size_t m = (size_t)all->sizes.m, n = (size_t)all->sizes.n;
    all->scales = malloc((2 * n + m) * sizeof *all->scales);
    all->biases = malloc(n * sizeof *all->biases);
    if (!all->scales || !all->biases) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the scales of %zu rows and %zu columns",
                         all->call->op->name, m, n);
    }
    all->offsets = all->scales + n;
    all->tokens = all->offsets + n;
    return ACLNN_SUCCESS;
}

static int64_t length_of(const job *all, uint32_t number) {
    return stub_quant_arg(all->call, number)->shape[0];
}

/* The offset comes as a tensor, or inside of packed scales; TransQuantParam puts it there, and a caller who gives both
 * gives the same twice. */
static const float *load_offsets(job *all) {
    const int64_t n = all->sizes.n;
    if (all->offset.first) {
        stub_quant_numbers(&all->offset, all->offset.first, length_of(all, all->op->offset), n, all->offsets);
    } else if (all->out.dtype == ACL_INT8) {
        stub_quant_offsets(&all->scale, all->scale.first, length_of(all, all->op->scale), n, all->offsets);
    } else {
        return NULL;
    }
    return all->offsets;
}

/* What all matrices of the batch have in common. */
static stub_quant parameters(job *all) {
    const stub_quant_sizes *sizes = &all->sizes;
    stub_quant quant = {.m = sizes->m, .k = sizes->k, .n = sizes->n, .limit = INFINITY, .layout = all->layout};
    if (all->scale.first) {
        stub_quant_numbers(&all->scale, all->scale.first, length_of(all, all->op->scale), sizes->n, all->scales);
    } else {
        for (int64_t i = 0; i < sizes->n; i++) {
            all->scales[i] = (float)stub_number(all->call, all->op->scale_by_value - 1);
        }
    }
    quant.scale = all->scales;
    quant.offset = load_offsets(all);
    if (all->token.first) {
        stub_quant_numbers(&all->token, all->token.first, 0, sizes->m, all->tokens);
        quant.token = all->tokens;
    } else if (all->out.dtype == ACL_FLOAT16) {
        quant.limit = STUB_LARGEST_FP16;
    }
    return quant;
}

static void load_bias(job *all, int64_t index, stub_quant *quant) {
    const uint8_t *at = stub_part_at(&all->bias, all->sizes.batch, all->sizes.rank, index);
    if (!at) {
        return;
    }
    if (all->bias.dtype != ACL_INT32) {
        stub_quant_numbers(&all->bias, at, 0, quant->n, all->offsets);
        quant->offset = all->offsets;
        return;
    }
    for (int64_t i = 0; i < quant->n; i++) {
        memcpy(&all->biases[i], at + i * all->bias.column * (int64_t)sizeof(int32_t), sizeof(int32_t));
    }
    quant->bias = all->biases;
}

static aclnnStatus run_batch(job *all) {
    stub_quant quant = parameters(all);
    const int64_t *batch = all->sizes.batch, count = stub_batch_count(batch, all->sizes.rank);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *weight = stub_part_at(&all->x2, batch, all->sizes.rank, i);
        quant.x = (const int8_t *)stub_part_at(&all->x1, batch, all->sizes.rank, i);
        quant.x_stride = all->x1.row;
        quant.weight = (const int8_t *)weight;
        if (!all->tiles) {
            stub_quant_weight(&quant, &all->x2, weight);
        }
        quant.out = all->out;
        quant.out.first = stub_part_at(&all->out, batch, all->sizes.rank, i);
        load_bias(all, i, &quant);
        STUB_REQUIRE(stub_quant_run(&quant));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus open_all(job *all) {
    stub_view out;
    STUB_REQUIRE(open_x1(all));
    STUB_REQUIRE(open_x2(all));
    STUB_REQUIRE(stub_view_open(all->call, all->op->out - 1, &out));
    all->out = stub_part_last(&out, all->sizes.rank);
    STUB_REQUIRE(open_vector(all, all->op->bias, &all->bias));
    STUB_REQUIRE(open_vector(all, all->op->scale, &all->scale));
    STUB_REQUIRE(open_vector(all, all->op->offset, &all->offset));
    STUB_REQUIRE(open_vector(all, all->op->token, &all->token));
    return allocate(all);
}

static aclnnStatus stub_quant_matmul_run(const stub_call *call, const stub_quant_matmul *op) {
    job all = {.call = call, .op = op};
    if (!stub_quant_measure(call, op, &all.sizes)) {
        return ACLNN_ERR_INNER;
    }
    aclnnStatus status = open_all(&all);
    if (status == ACLNN_SUCCESS) {
        status = run_batch(&all);
    }
    free(all.x1_memory);
    free(all.x2_memory);
    free(all.scales);
    free(all.biases);
    return status;
}

STUB_FAMILY_KERNEL(aclnnQuantMatmul, stub_quant_matmul,
                   {.x1 = 1, .x2 = 2, .bias = 3, .scale_by_value = 4, .out = 5, .highest_rank = 3, .half_only = true})
STUB_FAMILY_KERNEL(aclnnQuantMatmulV2, stub_quant_matmul,
                   {.x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .scale = 4,
                    .trans_x1 = 5,
                    .trans_x2 = 6,
                    .out = 7,
                    .highest_rank = 3,
                    .half_only = true,
                    .pads_scale = true})
#define SCALE_AND_OFFSET .x1 = 1, .x2 = 2, .scale = 3, .offset = 4, .highest_rank = 6
STUB_FAMILY_KERNEL(aclnnQuantMatmulV3, stub_quant_matmul,
                   {SCALE_AND_OFFSET, .bias = 5, .trans_x1 = 6, .trans_x2 = 7, .out = 8})
STUB_FAMILY_KERNEL(aclnnQuantMatmulV4, stub_quant_matmul,
                   {SCALE_AND_OFFSET, .token = 5, .bias = 6, .trans_x1 = 7, .trans_x2 = 8, .out = 9})
#define SCALES_OF_BOTH                                                                                                 \
    .x1 = 1, .x2 = 2, .token = 3, .scale = 4, .offset = 7, .bias = 9, .trans_x1 = 10, .trans_x2 = 11,                  \
    .group_size = 12, .out = 13, .reserved = {5, 6, 8}, .highest_rank = 6
STUB_FAMILY_KERNEL(aclnnQuantMatmulV5, stub_quant_matmul, {SCALES_OF_BOTH})
STUB_FAMILY_KERNEL(aclnnQuantMatmulWeightNz, stub_quant_matmul, {SCALES_OF_BOTH, .nz = true})
