/* aclnnQuantMatmulAllReduce on one rank: its tensors, the product, and what becomes of each sum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "core/memory.h"
#include "opapi/matmul/quant_matmul_all_reduce.h"
#include "opapi/matmul/quant_matmul_all_reduce_finish.h"
#include "opapi/quantisation/trans_quant_param.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

/* The output stage that packed scales go through has no infinity: it saturates. What CANN documents; not measured. */
#define LARGEST_FP16 65504.0f

typedef struct {
    const stub_qmm_call *qmm;
    stub_qmm_sizes sizes;
    stub_view x1, x2, bias, x3, scale, pertoken;
    stub_qmm_target *target;
    stub_half half;
    float limit;
    int32_t *biases; /* n, zeros without */
    float *scales;   /* n */
    float *tokens;   /* m, NULL without */
} product;

/* Kernels of one device cannot reach another's memory. */
static aclnnStatus open_here(const product *job, uint32_t arg, stub_view *view) {
    const stub_call *call = job->qmm->call;
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    stub_allocation block;
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, view));
    if (!stub_find_allocation(tensor->data, &block) || block.device == stub_comm_device(call->comm)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                     "%s: %s lies on device %d, but rank %u of the communicator \"%s\" is device %d; all tensors of a "
                     "rank must be on its device",
                     call->op->name, call->op->params[arg].name, block.device, stub_comm_rank(call->comm),
                     stub_comm_name(call->comm), stub_comm_device(call->comm));
}

/* Tiles have padding: their extent is that of the storage, not of the view. */
static aclnnStatus open_tiles(product *job) {
    const stub_qmm_call *qmm = job->qmm;
    const int64_t *storage = qmm->x2->storage;
    int64_t count = storage[0] * storage[1] * storage[2] * storage[3], step = 1;
    aclTensor tiles = *qmm->x2;
    tiles.rank = 1;
    tiles.shape = &count;
    tiles.strides = &step;
    const stub_value args[] = {{.tensor = qmm->x1}, {.tensor = &tiles}};
    stub_call call = *qmm->call;
    call.args = args;
    const stub_qmm_call flat = {.call = &call};
    const product flat_job = {.qmm = &flat};
    const aclnnStatus status = open_here(&flat_job, QMM_X2, &job->x2);
    job->x2.tensor = qmm->x2;
    return status;
}

static aclnnStatus open_views(product *job) {
    STUB_REQUIRE(open_here(job, QMM_X1, &job->x1));
    STUB_REQUIRE(stub_qmm_is_nz(job->qmm->x2) ? open_tiles(job) : open_here(job, QMM_X2, &job->x2));
    STUB_REQUIRE(open_here(job, QMM_BIAS, &job->bias));
    STUB_REQUIRE(open_here(job, QMM_X3, &job->x3));
    STUB_REQUIRE(open_here(job, QMM_SCALE, &job->scale));
    STUB_REQUIRE(open_here(job, job->qmm->output_arg, &job->target->output));
    return job->qmm->pertoken ? open_here(job, job->qmm->pertoken_arg, &job->pertoken) : ACLNN_SUCCESS;
}

/* Where this rank's y goes: it is reduced in place. */
static aclnnStatus place_target(const product *job) {
    const stub_call *call = job->qmm->call;
    stub_qmm_target *target = job->target;
    const size_t bytes = (size_t)(job->sizes.m * job->sizes.n) * 2;
    if (stub_tensor_is_contiguous(target->output.tensor)) {
        const int64_t skipped = target->output.tensor->offset * 2;
        target->bytes = target->output.base + skipped;
        target->address = (uint8_t *)target->output.tensor->data + skipped;
        return ACLNN_SUCCESS;
    }
    target->address = call->workspace;
    target->bytes = stub_block_bytes_from(call->workspace) >= bytes ? stub_shadow(call->workspace) : NULL;
    if (!target->bytes) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                         "%s: the workspace at %p has no room for %zu bytes; allocate what phase one asks for with "
                         "aclrtMalloc",
                         call->op->name, call->workspace, bytes);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus allocate(product *job) {
    const size_t m = (size_t)job->sizes.m, n = (size_t)job->sizes.n, tokens = job->qmm->pertoken ? m : 0;
    job->biases = calloc(n, sizeof *job->biases);
    job->scales = malloc((n + tokens) * sizeof *job->scales);
    if (!job->biases || !job->scales) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the scales of %zu rows and %zu columns",
                         job->qmm->call->op->name, m, n);
    }
    job->tokens = tokens > 0 ? job->scales + n : NULL;
    return ACLNN_SUCCESS;
}

/* The hardware reads 19 bits of a packed scale. */
static void unpack_scales(const stub_row *row, int64_t count, float *scales) {
    for (int64_t first = 0; first < count; first += STUB_CHUNK) {
        stub_chunk chunk;
        const size_t n = stub_chunk_length(count, first);
        const uint8_t *packed = stub_row_read(row, first, n, &chunk);
        for (size_t i = 0; i < n; i++) {
            uint64_t bits;
            memcpy(&bits, packed + i * sizeof bits, sizeof bits);
            scales[first + (int64_t)i] = stub_bits_float((uint32_t)(bits & STUB_QUANT_PARAM_SCALE));
        }
    }
}

static void load_scales(product *job) {
    const aclTensor *scale = job->scale.tensor;
    const int64_t given = stub_tensor_numel(scale);
    stub_row row;
    stub_row_start(&row, &job->scale, scale->rank - 1, 0);
    if (job->scale.bits == 64) {
        unpack_scales(&row, given, job->scales);
    } else {
        stub_row_read_floats(&row, 0, (size_t)given, job->scales);
    }
    for (int64_t i = given; i < job->sizes.n; i++) { /* a single one serves all columns */
        job->scales[i] = job->scales[0];
    }
}

static void load_biases(product *job) {
    stub_row row;
    stub_row_start(&row, &job->bias, 0, 0);
    for (int64_t first = 0; first < job->sizes.n; first += STUB_CHUNK) {
        stub_chunk chunk;
        const size_t n = stub_chunk_length(job->sizes.n, first);
        memcpy(job->biases + first, stub_row_read(&row, first, n, &chunk), n * sizeof *job->biases);
    }
}

static void load_parameters(product *job) {
    load_scales(job);
    if (job->qmm->bias) {
        load_biases(job);
    }
    if (job->tokens) {
        stub_row row;
        stub_row_start(&row, &job->pertoken, 0, 0);
        stub_row_read_floats(&row, 0, (size_t)job->sizes.m, job->tokens);
    }
}

/* Finished sums on their way to y: called on several threads. */
static void finish(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    const product *job = state;
    stub_qmm_epilogue by = {.half = job->half, .limit = job->limit, .pertoken = job->tokens ? job->tokens[row] : 1.0f};
    stub_row x3;
    size_t n;
    if (job->qmm->x3) {
        stub_row_start(&x3, &job->x3, job->x3.tensor->rank - 1, (int64_t)row);
    }
    for (size_t done = 0; done < count; done += n) {
        stub_chunk chunk;
        const size_t at = column + done;
        n = stub_chunk_length((int64_t)count, (int64_t)done);
        by.bias = job->biases + at;
        by.scale = job->scales + at;
        by.x3 = job->qmm->x3 ? stub_row_read(&x3, (int64_t)at, n, &chunk) : NULL;
        stub_qmm_finish(&by, sums + done, n, job->target->bytes + (row * (size_t)job->sizes.n + at) * 2);
    }
}

static aclnnStatus multiply(product *job) {
    const stub_qmm_sizes *sizes = &job->sizes;
    const stub_int8_matmul work = {
        .x = (const int8_t *)job->x1.base + job->x1.tensor->offset,
        .x_stride = (size_t)sizes->k,
        .weight = (const int8_t *)job->x2.base + job->x2.tensor->offset,
        .weight_stride = (size_t)(sizes->layout == STUB_WEIGHT_ROWS ? sizes->n : sizes->k),
        .layout = sizes->layout,
        .m = (size_t)sizes->m,
        .k = (size_t)sizes->k,
        .n = (size_t)sizes->n,
        .finish = finish,
        .state = job,
    };
    return stub_int8_matmul_run(&work);
}

static aclnnStatus prepare(product *job) {
    STUB_REQUIRE(open_views(job));
    STUB_REQUIRE(place_target(job));
    STUB_REQUIRE(allocate(job));
    load_parameters(job);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_qmm_run_rank(const stub_qmm_call *qmm, stub_qmm_target *target) {
    const bool saturates = qmm->output->dtype == ACL_FLOAT16 && !qmm->pertoken;
    product job = {
        .qmm = qmm,
        .sizes = stub_qmm_measure(qmm),
        .target = target,
        .half = stub_half_of(qmm->output),
        .limit = saturates ? LARGEST_FP16 : INFINITY,
    };
    aclnnStatus status = prepare(&job);
    if (status == ACLNN_SUCCESS) {
        status = multiply(&job);
    }
    free(job.biases);
    free(job.scales);
    return status;
}
