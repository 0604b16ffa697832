/* The parameters of aclnnDequantRopeQuantKvcache that all tokens share, read once: scales, offsets, and what
 * dequantises an int32 x. Their shapes do not matter, only the order of their elements. */
#include <string.h>

#include "opapi/attention/dequant_rope_job.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

/* The first `count` elements in row-major order, floating point as fp32, integers as they are. */
static void read_elements(const stub_view *view, int64_t count, void *values) {
    const uint32_t rank = view->tensor->rank, dims = rank > 0 ? rank - 1 : 0;
    const int64_t length = stub_last_dim(view->tensor);
    float *to = values; /* integers have the same width */
    stub_row row;
    if (count == 0) {
        return;
    }
    stub_row_start(&row, view, dims, 0);
    for (int64_t done = 0; done < count; done += length) {
        const int64_t n = count - done < length ? count - done : length;
        stub_row_read_floats(&row, 0, (size_t)n, to + done);
        stub_row_next(&row);
    }
}

/* `count` elements of either kind: their place when they are what loops want, else a copy. */
static aclnnStatus load(stub_rope_job *job, uint32_t arg, int64_t count, void *target) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(job->call, arg, &view));
    const void *values = view.base + view.tensor->offset * (int64_t)sizeof(float);
    if (view.bits != 32 || !stub_tensor_is_contiguous(view.tensor) || (uintptr_t)values % _Alignof(float) != 0) {
        void *copy = stub_rope_allocate(job, (size_t)count * sizeof(float), job->call->op->params[arg].name);
        if (copy == NULL) {
            return ACLNN_ERR_INNER;
        }
        read_elements(&view, count, copy);
        values = copy;
    }
    memcpy(target, &values, sizeof values);
    return ACLNN_SUCCESS;
}

static aclnnStatus load_quantisers(stub_rope_job *job) {
    const int64_t count = job->sizes.kv_heads * job->sizes.d;
    STUB_REQUIRE(load(job, ROPE_SCALE_K, count, &job->scale_k));
    STUB_REQUIRE(load(job, ROPE_SCALE_V, count, &job->scale_v));
    if (stub_dequant_rope_has_offsets(job->call)) {
        STUB_REQUIRE(load(job, ROPE_OFFSET_K, count, &job->offset_k));
        STUB_REQUIRE(load(job, ROPE_OFFSET_V, count, &job->offset_v));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus load_dequantiser(stub_rope_job *job) {
    const aclTensor *bias = stub_tensor_arg(job->call, ROPE_BIAS);
    STUB_REQUIRE(load(job, ROPE_WEIGHT_SCALE, job->sizes.columns, &job->weight));
    if (stub_tensor_arg(job->call, ROPE_ACTIVATION_SCALE)) {
        STUB_REQUIRE(load(job, ROPE_ACTIVATION_SCALE, job->sizes.tokens, &job->activation));
    }
    if (bias && bias->dtype == ACL_INT32) {
        return load(job, ROPE_BIAS, job->sizes.columns, &job->integer_bias);
    }
    return bias ? load(job, ROPE_BIAS, job->sizes.columns, &job->bias) : ACLNN_SUCCESS;
}

aclnnStatus stub_rope_load_parameters(stub_rope_job *job) {
    STUB_REQUIRE(load_quantisers(job));
    return job->is_integer ? load_dequantiser(job) : ACLNN_SUCCESS;
}
