/* aclnnApplyRotaryPosEmb and V2: queries and keys in place, with the same cosines and sines for all heads. */
#include <string.h>

#include "opapi/rope/rope.h"

enum { QUERY, KEY, COS, SIN, LAYOUT, MODE };
enum { RANK = 4, HEAD_SIZE = 128 };

typedef struct {
    int64_t layouts; /* allowed: 1 to this. 1 BSND, 2 SBND, 3 BNSD */
    bool has_mode;
} family;

static aclnnStatus refuse_value(const stub_call *call, const char *name, const char *allowed) {
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s must be %s", call->op->name, name, allowed);
}

static aclnnStatus read_mode(const stub_call *call, const family *data, stub_rope_mode *mode) {
    *mode = STUB_ROPE_HALF;
    const char *text = data->has_mode ? call->args[MODE].text : "half";
    if (!text) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: rotaryMode is NULL", call->op->name);
    }
    if (strcmp(text, "interleave") == 0) {
        *mode = STUB_ROPE_INTERLEAVE;
    } else if (strcmp(text, "quarter") == 0) {
        *mode = STUB_ROPE_QUARTER;
    } else if (strcmp(text, "half") != 0) {
        return refuse_value(call, "rotaryMode", "\"half\", \"interleave\" or \"quarter\"");
    }
    return ACLNN_SUCCESS;
}

static uint32_t heads_axis(const stub_call *call) {
    return call->args[LAYOUT].integer == 3 ? 1 : 2;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *query = stub_tensor_arg(call, QUERY), *key = stub_tensor_arg(call, KEY);
    const aclTensor *cosines = stub_tensor_arg(call, COS);
    const uint32_t heads = heads_axis(call);
    for (uint32_t i = 0; i < RANK; i++) {
        if (i != heads && (query->shape[i] != key->shape[i] || cosines->shape[i] != key->shape[i])) {
            return refuse_value(call, "keyRef and cos", "as large as queryRef in all axes but the heads'");
        }
    }
    if (cosines->shape[heads] != 1) {
        return refuse_value(call, "cos", "1 in the heads' axis");
    }
    if (stub_last_dim(query) != HEAD_SIZE) {
        return refuse_value(call, "the last dimension of queryRef", "128");
    }
    return stub_tensor_numel(query) > 0 && stub_tensor_numel(key) > 0
               ? ACLNN_SUCCESS
               : refuse_value(call, "queryRef and keyRef", "tensors with elements");
}

static aclnnStatus family_check(const stub_call *call, stub_plan *plan, const family *data) {
    (void)plan;
    static const uint32_t tensors[] = {QUERY, KEY, COS, SIN};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    for (uint32_t i = 0; i < 4; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], QUERY));
    }
    stub_rope_mode mode;
    STUB_REQUIRE(read_mode(call, data, &mode));
    if (call->args[LAYOUT].integer < 1 || call->args[LAYOUT].integer > data->layouts) {
        return refuse_value(call, "layout", data->layouts == 1 ? "1 (BSND)" : "1 (BSND), 2 (SBND) or 3 (BNSD)");
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (stub_check_rank(call, tensors[i], RANK, RANK) != ACLNN_SUCCESS) {
            return ACLNN_ERR_INNER_TILING_ERROR;
        }
    }
    STUB_REQUIRE(check_shapes(call));
    STUB_REQUIRE(stub_rope_check_broadcast(call, QUERY, COS, SIN));
    return stub_rope_check_size(call, QUERY, mode);
}

static aclnnStatus family_run(const stub_call *call, const family *data) {
    stub_rope_mode mode;
    stub_view query, key, cosines, sines;
    STUB_REQUIRE(read_mode(call, data, &mode));
    STUB_REQUIRE(stub_view_open(call, QUERY, &query));
    STUB_REQUIRE(stub_view_open(call, KEY, &key));
    STUB_REQUIRE(stub_view_open(call, COS, &cosines));
    STUB_REQUIRE(stub_view_open(call, SIN, &sines));
    STUB_REQUIRE(stub_rope_run(call, mode, &query, &cosines, &sines, &query));
    return stub_rope_run(call, mode, &key, &cosines, &sines, &key);
}

STUB_FAMILY_KERNEL(aclnnApplyRotaryPosEmb, family, {1, false})
STUB_FAMILY_KERNEL(aclnnApplyRotaryPosEmbV2, family, {3, true})
