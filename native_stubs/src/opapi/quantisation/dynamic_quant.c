/* aclnnDynamicQuantV2 on Atlas A2 and A3: each row of x gets the scale (and offset) that spreads it over int8 or int4.
 *
 * All arithmetic is fp32, each operation rounded once, in the reciprocal form: y = rint(V * (C / m)). The scale of the
 * symmetric mode is m * (1 / C), the form of CANN 9's usual kernels, and 1 / (C / m) where a group chooses the smooth
 * factors, the form of its group kernels; the two differ by one unit in the last place at most. */
#include "opapi/quantisation/dynamic_quant.h"
#include "opapi/kernel.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/half.h"
#include "core/parallel.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

enum { INT8_LIMIT = 127, INT4_LIMIT = 7 };
#define SMALLEST_SCALE 1e-12f

/* Elements that a thread takes at a time, and those that are worth another thread. */
enum { BLOCK_ELEMENTS = 1 << 16, THREAD_ELEMENTS = 1 << 17 };

typedef struct {
    const stub_simd *simd;
    stub_half half;
    stub_view x, smooth, group, y, scale, offset;
    bool has_smooth, has_group, symmetric, int4;
    int64_t rows, columns;
    float limit;              /* C: 127 or 7 */
    int64_t block_rows;       /* rows that a thread takes at a time */
    atomic_int_fast64_t next; /* the first row that nobody has taken */
    float *factors;           /* of each thread, `columns` of them; NULL without smooth factors */
} quantisation;

/* The smooth factors that a thread uses, in fp32. */
typedef struct {
    float *factors; /* NULL without */
    int64_t expert; /* whose they are; -1 none yet */
} smoothing;

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

static aclnnStatus allocate_factors(const stub_call *call, quantisation *job, size_t threads) {
    job->factors = job->has_smooth ? malloc(threads * (size_t)job->columns * sizeof *job->factors) : NULL;
    if (job->has_smooth && !job->factors) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the %lld smooth factors of a row on %zu threads",
                         call->op->name, (long long)job->columns, threads);
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

/* The first expert whose end lies behind the row; the last one for rows behind every end, which CANN leaves open. A
 * thread's rows ascend, so an expert before the one it has cannot come again. */
static int64_t expert_of(const quantisation *job, int64_t row, int64_t expert) {
    if (!job->has_group) {
        return 0;
    }
    expert = expert > 0 ? expert : 0;
    while (expert < job->group.tensor->shape[0] - 1 && group_end(job, expert) <= row) {
        expert++;
    }
    return expert;
}

static void load_factors(const quantisation *job, int64_t row, smoothing *by) {
    const int64_t expert = expert_of(job, row, by->expert);
    if (!job->has_smooth || expert == by->expert) {
        return;
    }
    stub_row factors;
    stub_row_start(&factors, &job->smooth, job->has_group ? 1 : 0, expert);
    stub_row_read_floats(&factors, 0, (size_t)job->columns, by->factors);
    by->expert = expert;
}

static const float *factors_from(const smoothing *by, int64_t first) {
    return by->factors ? by->factors + first : NULL;
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

static row_result measure_symmetric(const quantisation *job, const smoothing *smooth, const stub_row *x) {
    uint32_t bits = 0;
    size_t n;
    for (int64_t first = 0; first < job->columns; first += (int64_t)n) {
        stub_chunk chunk;
        n = stub_row_span(x, job->columns, first);
        bits = job->simd->largest(job->half, stub_row_read(x, first, n, &chunk), factors_from(smooth, first), n, bits);
    }
    const float largest = stub_bits_float(bits);
    row_result result = {.by = {.factor = job->limit / largest, .limit = job->limit}};
    result.scale = one_nan(job->has_group ? 1.0f / result.by.factor : largest * (1.0f / job->limit));
    result.by.bounded = falls_inside(&result.by, largest);
    return result;
}

static row_result measure_asymmetric(const quantisation *job, const smoothing *smooth, const stub_row *x) {
    stub_extremes keys = STUB_NO_EXTREMES;
    size_t n;
    for (int64_t first = 0; first < job->columns; first += (int64_t)n) {
        stub_chunk chunk;
        n = stub_row_span(x, job->columns, first);
        job->simd->extremes(job->half, stub_row_read(x, first, n, &chunk), factors_from(smooth, first), n, &keys);
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

static void quantise_row(const quantisation *job, const smoothing *smooth, const stub_row *x, const stub_row *y,
                         const stub_quantiser *by) {
    for (int64_t first = 0; first < job->columns; first += STUB_CHUNK) {
        stub_chunk chunk, integers;
        const size_t n = stub_chunk_length(job->columns, first);
        void *place = stub_row_integers_place(y, first, n), *to = place ? place : integers.bytes;
        const void *elements = stub_row_read(x, first, n, &chunk);
        const float *factors = factors_from(smooth, first);
        stub_row_prefetch_next(x, first, n); /* this pass reads from caches, the next one from memory */
        if (job->int4) {
            job->simd->quantise_int4(job->half, elements, factors, n, by, to);
        } else {
            job->simd->quantise(job->half, elements, factors, n, by, to);
        }
        if (!place) {
            stub_row_write_integers(y, first, n, to);
        }
    }
}

static void run_rows(const quantisation *job, smoothing *smooth, int64_t first, int64_t end) {
    const uint32_t dims = job->x.tensor->rank - 1;
    stub_row x, y, scale, offset;
    stub_row_start(&x, &job->x, dims, first);
    stub_row_start(&y, &job->y, dims, first);
    stub_row_start(&scale, &job->scale, dims, first);
    if (!job->symmetric) {
        stub_row_start(&offset, &job->offset, dims, first);
    }
    for (int64_t row = first; row < end; row++) {
        load_factors(job, row, smooth);
        const row_result result =
            job->symmetric ? measure_symmetric(job, smooth, &x) : measure_asymmetric(job, smooth, &x);
        quantise_row(job, smooth, &x, &y, &result.by);
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

static void run_blocks(void *state, size_t thread) {
    quantisation *job = state;
    smoothing smooth = {job->factors ? job->factors + thread * (size_t)job->columns : NULL, -1};
    int64_t row;
    while ((row = atomic_fetch_add_explicit(&job->next, job->block_rows, memory_order_relaxed)) < job->rows) {
        const int64_t left = job->rows - row;
        run_rows(job, &smooth, row, row + (left < job->block_rows ? left : job->block_rows));
    }
}

/* Rows of int4 may begin inside a byte; two threads must not write its halves. */
static bool rows_share_bytes(const stub_view *y) {
    const aclTensor *tensor = y->tensor;
    bool share = y->bits < 8 && tensor->strides[tensor->rank - 1] != 1;
    for (uint32_t i = 0; y->bits < 8 && i + 1 < tensor->rank; i++) {
        share = share || tensor->strides[i] % 2 != 0;
    }
    return share || (y->bits < 8 && tensor->offset % 2 != 0);
}

static size_t count_threads(const quantisation *job) {
    const int64_t worth = job->rows * job->columns / THREAD_ELEMENTS, most = stub_parallel_threads();
    if (worth < 2 || rows_share_bytes(&job->y)) {
        return 1;
    }
    return (size_t)(worth < most ? worth : most);
}

aclnnStatus stub_dynamic_quant_v2_run(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, DYNAMIC_QUANT_X);
    quantisation job = {
        .simd = stub_get_simd(),
        .half = stub_half_of(x),
        .rows = stub_tensor_numel(stub_tensor_arg(call, DYNAMIC_QUANT_SCALE)),
        .columns = stub_last_dim(x),
        .int4 = stub_tensor_arg(call, DYNAMIC_QUANT_Y)->dtype != ACL_INT8,
    };
    job.limit = job.int4 ? INT4_LIMIT : INT8_LIMIT;
    job.block_rows = 1 + (BLOCK_ELEMENTS - 1) / job.columns;
    STUB_REQUIRE(open_views(call, &job));
    const size_t threads = count_threads(&job);
    STUB_REQUIRE(allocate_factors(call, &job, threads));
    stub_parallel(threads, run_blocks, &job);
    free(job.factors);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnDynamicQuantV2, stub_dynamic_quant_v2_check, stub_dynamic_quant_v2_run)
