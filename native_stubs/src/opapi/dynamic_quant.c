/* aclnnDynamicQuantV2 on Atlas A2 and A3: each row of x gets the scale (and offset) that spreads it over int8 or int4.
 *
 * All arithmetic is fp32, each operation rounded once, in the reciprocal form: y = rint(V * (C / m)). The scale of the
 * symmetric mode is m * (1 / C), the form of CANN 9's usual kernels, and 1 / (C / m) where a group chooses the smooth
 * factors, the form of its group kernels; the two differ by one unit in the last place at most. */
#include "opapi/dynamic_quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/half.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

enum { INT8_LIMIT = 127, INT4_LIMIT = 7 };
#define SMALLEST_SCALE 1e-12f

typedef struct {
    const stub_simd *simd;
    stub_half half;
    stub_view x, smooth, group, y, scale, offset;
    bool has_smooth, has_group, symmetric;
    int64_t rows, columns;
    float limit;    /* C: 127 or 7 */
    float *factors; /* the smooth factors of the current expert in fp32; NULL without */
    int64_t expert; /* whose factors these are; -1 none yet */
} quantisation;

/* The row's numbers that leave the kernel, and the constants that its elements are quantised with. */
typedef struct {
    float scale, offset;
    stub_quantiser by;
} row_result;

static aclnnStatus open_views(const stub_call *call, quantisation *job) {
    job->has_smooth = stub_tensor_arg(call, DYNAMIC_QUANT_SMOOTH) != NULL;
    job->has_group = job->has_smooth && stub_tensor_arg(call, DYNAMIC_QUANT_GROUP);
    job->symmetric = !stub_tensor_arg(call, DYNAMIC_QUANT_OFFSET);
    STUB_REQUIRE(stub_view_open(call, DYNAMIC_QUANT_X, &job->x));
    STUB_REQUIRE(stub_view_open(call, DYNAMIC_QUANT_Y, &job->y));
    STUB_REQUIRE(stub_view_open(call, DYNAMIC_QUANT_SCALE, &job->scale));
    if (job->has_smooth) {
        STUB_REQUIRE(stub_view_open(call, DYNAMIC_QUANT_SMOOTH, &job->smooth));
    }
    if (job->has_group) {
        STUB_REQUIRE(stub_view_open(call, DYNAMIC_QUANT_GROUP, &job->group));
    }
    return job->symmetric ? ACLNN_SUCCESS : stub_view_open(call, DYNAMIC_QUANT_OFFSET, &job->offset);
}

static aclnnStatus allocate_factors(const stub_call *call, quantisation *job) {
    job->factors = job->has_smooth ? malloc((size_t)job->columns * sizeof *job->factors) : NULL;
    if (job->has_smooth && !job->factors) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the %lld smooth factors of a row", call->op->name,
                         (long long)job->columns);
    }
    return ACLNN_SUCCESS;
}

static int32_t group_end(const quantisation *job, int64_t expert) {
    stub_row row;
    stub_chunk chunk;
    int32_t end;
    stub_row_start(&row, &job->group, 1, expert);
    memcpy(&end, stub_row_read(&row, 0, 1, &chunk), sizeof end);
    return end;
}

/* The first expert whose end lies behind the row; the last one for rows behind every end, which CANN leaves open. */
static int64_t expert_of(const quantisation *job, int64_t row) {
    if (!job->has_group) {
        return 0;
    }
    int64_t expert = job->expert > 0 ? job->expert : 0; /* rows ascend, so an earlier expert cannot come again */
    while (expert < job->group.tensor->shape[0] - 1 && group_end(job, expert) <= row) {
        expert++;
    }
    return expert;
}

static void load_factors(quantisation *job, int64_t row) {
    const int64_t expert = expert_of(job, row);
    if (!job->has_smooth || expert == job->expert) {
        return;
    }
    stub_row factors;
    stub_row_start(&factors, &job->smooth, job->has_group ? 1 : 0, expert);
    stub_row_read_floats(&factors, 0, (size_t)job->columns, job->factors);
    job->expert = expert;
}

static const float *factors_from(const quantisation *job, int64_t first) {
    return job->factors ? job->factors + first : NULL;
}

/* NaN leaves as the one quiet NaN, whatever instructions made it. */
static float one_nan(float value) {
    return isnan(value) ? stub_bits_float(STUB_F32_NAN) : value;
}

/* Quantising is monotonic in the element, rounding included: when both ends of the row fall inside, every element does.
 */
static bool falls_inside(const stub_quantiser *by, float element) {
    const float product = element * by->factor;
    const float value = product + by->offset;
    return value >= -by->limit - 1.25f && value <= by->limit + 0.25f; /* what rounds to the last integers */
}

static row_result measure_symmetric(const quantisation *job, const stub_row *x) {
    uint32_t bits = 0;
    size_t n;
    for (int64_t first = 0; first < job->columns; first += (int64_t)n) {
        stub_chunk chunk;
        n = stub_row_span(x, job->columns, first);
        bits = job->simd->largest(job->half, stub_row_read(x, first, n, &chunk), factors_from(job, first), n, bits);
    }
    const float largest = stub_bits_float(bits);
    row_result result = {.by = {.factor = job->limit / largest, .limit = job->limit}};
    result.scale = one_nan(job->has_group ? 1.0f / result.by.factor : largest * (1.0f / job->limit));
    result.by.bounded = falls_inside(&result.by, largest);
    return result;
}

static row_result measure_asymmetric(const quantisation *job, const stub_row *x) {
    stub_extremes keys = STUB_NO_EXTREMES;
    size_t n;
    for (int64_t first = 0; first < job->columns; first += (int64_t)n) {
        stub_chunk chunk;
        n = stub_row_span(x, job->columns, first);
        job->simd->extremes(job->half, stub_row_read(x, first, n, &chunk), factors_from(job, first), n, &keys);
    }
    const float high = stub_key_float(keys.high), low = stub_key_float(keys.low);
    const float spread = (high - low) / (2.0f * job->limit + 1.0f);
    const float scale = spread < SMALLEST_SCALE ? SMALLEST_SCALE : spread;
    const float quotient = high / scale;
    const float offset = job->limit - quotient;
    row_result result = {one_nan(scale), one_nan(offset), {1.0f / scale, offset, job->limit, false}};
    result.by.bounded = falls_inside(&result.by, high) && falls_inside(&result.by, low);
    return result;
}

static void quantise_row(const quantisation *job, const stub_row *x, const stub_row *y, const stub_quantiser *by) {
    const bool in_place = y->view->bits == 8;
    for (int64_t first = 0; first < job->columns; first += STUB_CHUNK) {
        stub_chunk chunk;
        int8_t values[STUB_CHUNK];
        const size_t n = stub_chunk_length(job->columns, first);
        int8_t *place = in_place ? stub_row_place(y, first) : NULL;
        const void *elements = stub_row_read(x, first, n, &chunk);
        stub_row_prefetch_next(x, first, n); /* this pass reads from caches, the next one from memory */
        job->simd->quantise(job->half, elements, factors_from(job, first), n, by, place ? place : values);
        if (!place) {
            stub_row_write_integers(y, first, n, values);
        }
    }
}

static void run_rows(quantisation *job) {
    const uint32_t dims = job->x.tensor->rank - 1;
    stub_row x, y, scale, offset;
    stub_row_start(&x, &job->x, dims, 0);
    stub_row_start(&y, &job->y, dims, 0);
    stub_row_start(&scale, &job->scale, dims, 0);
    if (!job->symmetric) {
        stub_row_start(&offset, &job->offset, dims, 0);
    }
    for (int64_t row = 0; row < job->rows; row++) {
        load_factors(job, row);
        const row_result result = job->symmetric ? measure_symmetric(job, &x) : measure_asymmetric(job, &x);
        quantise_row(job, &x, &y, &result.by);
        stub_row_write(&scale, 0, 1, &result.scale);
        stub_row_next(&x);
        stub_row_next(&y);
        stub_row_next(&scale);
        if (!job->symmetric) {
            stub_row_write(&offset, 0, 1, &result.offset);
            stub_row_next(&offset);
        }
    }
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, DYNAMIC_QUANT_X);
    quantisation job = {
        .simd = stub_get_simd(),
        .half = stub_half_of(x),
        .rows = stub_tensor_numel(stub_tensor_arg(call, DYNAMIC_QUANT_SCALE)),
        .columns = stub_last_dim(x),
        .limit = stub_tensor_arg(call, DYNAMIC_QUANT_Y)->dtype == ACL_INT8 ? INT8_LIMIT : INT4_LIMIT,
        .expert = -1,
    };
    STUB_REQUIRE(open_views(call, &job));
    STUB_REQUIRE(allocate_factors(call, &job));
    run_rows(&job);
    free(job.factors);
    return ACLNN_SUCCESS;
}

extern const stub_kernel stub_kernel_aclnnDynamicQuantV2;
const stub_kernel stub_kernel_aclnnDynamicQuantV2 = {stub_dynamic_quant_v2_check, run};
