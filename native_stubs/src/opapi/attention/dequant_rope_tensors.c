/* The tensors of aclnnDequantRopeQuantKvcache that each token has a part of. */
#include "opapi/attention/dequant_rope_job.h"
#include "opapi/validate.h"

/* Whether the elements from `axis` on are neighbours, in row-major order. */
static bool is_whole(const aclTensor *tensor, uint32_t axis) {
    int64_t expected = 1;
    for (uint32_t i = tensor->rank; i-- > axis;) {
        if (tensor->shape[i] != 1 && tensor->strides[i] != expected) {
            return false;
        }
        expected *= tensor->shape[i];
    }
    return true;
}

static aclnnStatus open_tensor(const stub_call *call, uint32_t arg, uint32_t axis, stub_rope_tensor *opened) {
    STUB_REQUIRE(stub_view_open(call, arg, &opened->view));
    const aclTensor *tensor = opened->view.tensor;
    opened->axis = axis;
    opened->batch = tensor->strides[0];
    opened->token = axis > 1 ? tensor->strides[1] : 0;
    opened->whole = is_whole(tensor, axis);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_rope_open_tensors(stub_rope_job *job) {
    const stub_call *call = job->call;
    const uint32_t axis = stub_tensor_arg(call, ROPE_X)->rank - 1;
    STUB_REQUIRE(open_tensor(call, ROPE_X, axis, &job->x));
    STUB_REQUIRE(open_tensor(call, ROPE_COS, axis, &job->cosine));
    STUB_REQUIRE(open_tensor(call, ROPE_SIN, axis, &job->sine));
    STUB_REQUIRE(open_tensor(call, ROPE_K_CACHE, 2, &job->k_cache));
    STUB_REQUIRE(open_tensor(call, ROPE_V_CACHE, 2, &job->v_cache));
    STUB_REQUIRE(open_tensor(call, ROPE_Q, axis, &job->q));
    if (job->kv_output) {
        STUB_REQUIRE(open_tensor(call, ROPE_K, axis, &job->k));
        STUB_REQUIRE(open_tensor(call, ROPE_V, axis, &job->v));
    }
    return ACLNN_SUCCESS;
}
