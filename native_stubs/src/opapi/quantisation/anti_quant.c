/* aclnnAscendAntiQuant: y = (x + offset) * scale, times scale once more in sqrtMode; fp32 arithmetic, each operation
 * rounded once, then one rounding to y.
 *
 * Atlas A2, A3 and inference cards multiply twice in sqrtMode, Ascend 950 squares the scale first. Inference cards
 * saturate fp16 at 65504 where the others give infinity. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "opapi/kernel.h"
#include "opapi/quantisation/anti_quant.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

#define LARGEST_FP16 65504.0f

/* What a thread takes at a time: some rows, or a part of one. */
enum { BLOCK_ELEMENTS = 64 * STUB_CHUNK };

typedef struct {
    const stub_simd *simd;
    stub_view x, scale, offset, y;
    bool has_offset, twice;
    bool finite;      /* no scale and no offset is infinite or NaN */
    float limit;      /* of |y| */
    bool per_channel; /* a scale per column, not one for all */
    bool flat;        /* the whole tensor is one row */
    int64_t rows, columns;
    int64_t block_rows, blocks_across;
    float *scales, *offsets; /* fp32: one per column, or a chunk of copies of the only one; offsets may be NULL */
} restoration;

static aclnnStatus open_views(const stub_call *call, restoration *job) {
    job->has_offset = stub_tensor_arg(call, ANTI_QUANT_OFFSET) != NULL;
    STUB_REQUIRE(stub_view_open(call, ANTI_QUANT_X, &job->x));
    STUB_REQUIRE(stub_view_open(call, ANTI_QUANT_SCALE, &job->scale));
    STUB_REQUIRE(stub_view_open(call, ANTI_QUANT_Y, &job->y));
    return job->has_offset ? stub_view_open(call, ANTI_QUANT_OFFSET, &job->offset) : ACLNN_SUCCESS;
}

static size_t parameter_count(const restoration *job) {
    return job->per_channel ? (size_t)job->columns : (size_t)STUB_CHUNK;
}

static void load_parameter(const restoration *job, const stub_view *view, float *values) {
    stub_row row;
    stub_row_start(&row, view, 0, 0);
    if (job->per_channel) {
        stub_row_read_floats(&row, 0, (size_t)job->columns, values);
        return;
    }
    stub_row_read_floats(&row, 0, 1, values);
    for (size_t i = 1; i < STUB_CHUNK; i++) {
        values[i] = values[0];
    }
}

static aclnnStatus load_parameters(const stub_call *call, restoration *job) {
    const size_t count = parameter_count(job);
    job->scales = malloc(2 * count * sizeof *job->scales);
    if (!job->scales) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for scale and offset of %lld columns", call->op->name,
                         (long long)job->columns);
    }
    load_parameter(job, &job->scale, job->scales);
    if (job->has_offset) {
        job->offsets = job->scales + count;
        load_parameter(job, &job->offset, job->offsets);
    }
    return ACLNN_SUCCESS;
}

static void square_scales(restoration *job) {
    for (size_t i = 0; i < parameter_count(job); i++) {
        job->scales[i] *= job->scales[i];
    }
    job->twice = false;
}

static bool all_finite(const float *values, size_t n) {
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        finite = finite && isfinite(values[i]);
    }
    return finite;
}

static void restore_chunk(const restoration *job, const stub_row *x, const stub_row *y, int64_t first, size_t n) {
    const stub_half half = stub_half_of(job->y.tensor);
    const int64_t at = job->per_channel ? first : 0;
    const stub_dequantiser by = {job->offsets ? job->offsets + at : NULL, job->scales + at, job->limit, job->twice,
                                 job->finite};
    stub_chunk chunk, halves;
    const void *integers = stub_row_read_integers(x, first, n, &chunk);
    void *place = stub_row_place(y, first), *to = place ? place : halves.bytes;
    const size_t bytes = x->view->bits == 8 ? n : n / 2;
    stub_prefetch_to_read((const uint8_t *)integers + bytes, bytes); /* the next chunk */
    stub_prefetch_to_write((const uint8_t *)to + 2 * n, 2 * n);
    if (x->view->bits == 8) {
        job->simd->dequantise(half, integers, n, &by, to);
    } else {
        job->simd->dequantise_int4(half, integers, n, &by, to);
    }
    if (!place) {
        stub_row_write(y, first, n, to);
    }
}

static void restore_row(const restoration *job, const stub_row *x, const stub_row *y, int64_t first, int64_t end) {
    for (; first < end; first += STUB_CHUNK) {
        restore_chunk(job, x, y, first, stub_chunk_length(end, first));
    }
}

/* Rows along the last axis; with one scale for all and no gaps the whole tensor is one row. */
static void choose_rows(restoration *job) {
    const aclTensor *y = job->y.tensor;
    job->per_channel = stub_tensor_numel(job->scale.tensor) != 1;
    job->flat = !job->per_channel && stub_tensor_is_contiguous(job->x.tensor) && stub_tensor_is_contiguous(y);
    job->columns = job->flat ? stub_tensor_numel(y) : stub_last_dim(y);
    job->rows = stub_tensor_numel(y) / job->columns;
}

static void start_row(const restoration *job, const stub_view *view, int64_t position, stub_row *row) {
    if (job->flat) {
        stub_row_flat(row, view);
    } else {
        stub_row_start(row, view, view->tensor->rank > 0 ? view->tensor->rank - 1 : 0, position);
    }
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void restore_block(void *state, size_t index) {
    const restoration *job = state;
    const int64_t down = (int64_t)index / job->blocks_across, across = (int64_t)index % job->blocks_across;
    const int64_t first = down * job->block_rows, column = across * BLOCK_ELEMENTS;
    const int64_t end = smaller(first + job->block_rows, job->rows);
    stub_row x, y;
    start_row(job, &job->x, first, &x);
    start_row(job, &job->y, first, &y);
    for (int64_t row = first; row < end; row++) {
        restore_row(job, &x, &y, column, smaller(column + BLOCK_ELEMENTS, job->columns));
        stub_row_next(&x);
        stub_row_next(&y);
    }
}

static void run_blocks(restoration *job) {
    job->block_rows = 1 + (BLOCK_ELEMENTS - 1) / job->columns;
    job->blocks_across = 1 + (job->columns - 1) / BLOCK_ELEMENTS;
    const int64_t blocks_down = 1 + (job->rows - 1) / job->block_rows;
    stub_parallel((size_t)(blocks_down * job->blocks_across), restore_block, job);
}

static aclnnStatus run(const stub_call *call) {
    const stub_product product = stub_get_settings()->product;
    restoration job = {
        .simd = stub_get_simd(),
        .twice = call->args[ANTI_QUANT_SQRT_MODE].flag,
        .limit = product == STUB_PRODUCT_310P ? LARGEST_FP16 : INFINITY,
    };
    STUB_REQUIRE(open_views(call, &job));
    choose_rows(&job);
    STUB_REQUIRE(load_parameters(call, &job));
    if (job.twice && product == STUB_PRODUCT_950) {
        square_scales(&job);
    }
    job.finite = all_finite(job.scales, parameter_count(&job)) &&
                 (!job.offsets || all_finite(job.offsets, parameter_count(&job)));
    run_blocks(&job);
    free(job.scales);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnAscendAntiQuant, stub_ascend_anti_quant_check, run)
