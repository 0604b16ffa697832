/* aclnnRotaryPositionEmbedding and aclnnInterleaveRope: vectors of one tensor. */
#include "opapi/rope/rope.h"

enum { X, COS, SIN };
enum { RANK = 4, MOST_SIZE = 896, INTERLEAVED_SIZE = 64 };

typedef struct {
    uint32_t mode, out; /* numbers of the arguments; mode 0: interleave-half */
    stub_dtypes allowed;
    int64_t size; /* the only head size, or 0 */
} family;

static stub_rope_mode mode_of(const stub_call *call, const family *data) {
    return data->mode ? (stub_rope_mode)call->args[data->mode].integer : STUB_ROPE_INTERLEAVE_HALF;
}

static aclnnStatus check_mode(const stub_call *call, const family *data) {
    const int64_t mode = data->mode ? call->args[data->mode].integer : 0;
    if (data->mode && mode > STUB_ROPE_INTERLEAVE && stub_get_settings()->product != STUB_PRODUCT_950) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: mode is %lld; %s has 0 (half) and 1 (interleave)",
                         call->op->name, (long long)mode, stub_product_name());
    }
    return mode >= 0 && mode < STUB_ROPE_MODES
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                           "%s: mode is %lld; allowed are 0 (half), 1 (interleave), 2 (quarter), 3 (interleave-half)",
                           call->op->name, (long long)mode);
}

static aclnnStatus check_shapes(const stub_call *call, const family *data) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const uint32_t tensors[] = {X, COS, SIN, data->out};
    for (uint32_t i = 0; i < 4; i++) {
        STUB_REQUIRE(stub_check_rank(call, tensors[i], RANK, RANK));
    }
    STUB_REQUIRE(stub_check_same_shape(call, data->out, X));
    if (data->size ? stub_last_dim(x) != data->size : stub_last_dim(x) >= MOST_SIZE) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: the last dimension of x is %lld; it must be %s",
                         call->op->name, (long long)stub_last_dim(x), data->size ? "64" : "below 896");
    }
    return data->size && stub_tensor_arg(call, COS)->shape[1] != 1
               ? stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: the second dimension of cos must be 1", call->op->name)
               : ACLNN_SUCCESS;
}

static aclnnStatus family_check(const stub_call *call, stub_plan *plan, const family *data) {
    const uint32_t tensors[] = {X, COS, SIN, data->out};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    for (uint32_t i = 0; i < 4; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(data->allowed)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], X));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    if (plan->nothing_to_run) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_mode(call, data));
    if (check_shapes(call, data) != ACLNN_SUCCESS) {
        return ACLNN_ERR_INNER_TILING_ERROR;
    }
    STUB_REQUIRE(stub_rope_check_broadcast(call, X, COS, SIN));
    return stub_rope_check_size(call, X, mode_of(call, data));
}

static aclnnStatus family_run(const stub_call *call, const family *data) {
    stub_view x, cosines, sines, out;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, COS, &cosines));
    STUB_REQUIRE(stub_view_open(call, SIN, &sines));
    STUB_REQUIRE(stub_view_open(call, data->out, &out));
    return stub_rope_run(call, mode_of(call, data), &x, &cosines, &sines, &out);
}

STUB_FAMILY_KERNEL(aclnnRotaryPositionEmbedding, family, {3, 4, STUB_FLOATS, 0})
STUB_FAMILY_KERNEL(aclnnInterleaveRope, family, {0, 3, STUB_HALVES, INTERLEAVED_SIZE})
