/* Phase one of aclnnDequantRopeQuantKvcache: CANN's checks in CANN's order. CANN generates this operator's interface,
 * so everything but data types is found by the tiling: 561002. It looks at no output, and at no size of weightScale,
 * activationScale and bias; here they are refused where the kernel would reach outside of them. */
#include <string.h>

#include "opapi/attention/dequant_rope.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum { SPLITS = 3, CACHE_RANK = 4, D_STEP = 16, BLOCK = 32 };

#define WORKSPACE_BYTES (UINT64_C(16) << 20)
#define BUFFER_BYTES (INT64_C(192) << 10) /* a vector core's unified buffer */

#define FP16 STUB_DTYPE(ACL_FLOAT16)
#define HALVES (FP16 | STUB_DTYPE(ACL_BF16))
#define INT8 STUB_DTYPE(ACL_INT8)
#define INT32 STUB_DTYPE(ACL_INT32)
#define FP32 STUB_DTYPE(ACL_FLOAT)

/* The same for all: products without the operator are refused at the end, as CANN finds no kernel for them. */
#define EVERYWHERE(set) {set, set, set, set, set}
static const stub_dtype_rule rules[] = {
    {ROPE_X, EVERYWHERE(HALVES | INT32)},
    {ROPE_COS, EVERYWHERE(HALVES)},
    {ROPE_SIN, EVERYWHERE(HALVES)},
    {ROPE_K_CACHE, EVERYWHERE(INT8)},
    {ROPE_V_CACHE, EVERYWHERE(INT8)},
    {ROPE_INDICES, EVERYWHERE(INT32)},
    {ROPE_SCALE_K, EVERYWHERE(FP32)},
    {ROPE_SCALE_V, EVERYWHERE(FP32)},
    {ROPE_OFFSET_K, EVERYWHERE(FP32)},
    {ROPE_OFFSET_V, EVERYWHERE(FP32)},
    {ROPE_WEIGHT_SCALE, EVERYWHERE(FP32)},
    {ROPE_ACTIVATION_SCALE, EVERYWHERE(FP32)},
    {ROPE_BIAS, EVERYWHERE(HALVES | FP32 | INT32)},
    {ROPE_Q, EVERYWHERE(HALVES)},
    {ROPE_K, EVERYWHERE(HALVES)},
    {ROPE_V, EVERYWHERE(HALVES)},
};
static const uint32_t required_inputs[] = {ROPE_X,       ROPE_COS,     ROPE_SIN,     ROPE_K_CACHE,
                                           ROPE_V_CACHE, ROPE_INDICES, ROPE_SCALE_K, ROPE_SCALE_V};
static const uint32_t required_outputs[] = {ROPE_Q, ROPE_K, ROPE_V};

static aclnnStatus check_given(const stub_call *call) {
    STUB_REQUIRE(stub_check_given(call, required_inputs, sizeof required_inputs / sizeof *required_inputs));
    if (call->args[ROPE_SIZE_SPLITS].ints == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: sizeSplits is NULL; it must hold Nq*D, Nkv*D and Nkv*D",
                         call->op->name);
    }
    return stub_check_given(call, required_outputs, sizeof required_outputs / sizeof *required_outputs);
}

/* ND, and what says no more than the names of ND's dimensions. */
static bool is_plain(aclFormat format) {
    switch (format) {
    case ACL_FORMAT_ND:
    case ACL_FORMAT_NCHW:
    case ACL_FORMAT_NHWC:
    case ACL_FORMAT_HWCN:
    case ACL_FORMAT_NDHWC:
    case ACL_FORMAT_NCDHW:
    case ACL_FORMAT_NC:
    case ACL_FORMAT_NCL:
        return true;
    default:
        return false;
    }
}

static aclnnStatus check_formats(const stub_call *call) {
    for (uint32_t arg = 0; arg < call->op->count; arg++) {
        if (call->op->params[arg].kind != STUB_TENSOR) {
            continue;
        }
        const aclTensor *tensor = stub_tensor_arg(call, arg);
        if (tensor != NULL && !is_plain(tensor->format)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has the format %d; it must be ACL_FORMAT_ND (2)",
                             call->op->name, call->op->params[arg].name, (int)tensor->format);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_combination(const stub_call *call) {
    STUB_REQUIRE(check_formats(call));
    STUB_REQUIRE(stub_check_dtypes(call, rules, sizeof rules / sizeof *rules));
    static const uint32_t like_cos[] = {ROPE_SIN, ROPE_Q, ROPE_K, ROPE_V, ROPE_X};
    const uint32_t count = stub_dequant_rope_is_integer(call) ? 4 : 5;
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, like_cos[i], ROPE_COS));
    }
    return ACLNN_SUCCESS;
}

/* The tiling's status for checks that elsewhere are made by hand-written interfaces. */
static aclnnStatus tiling(aclnnStatus status) {
    return status == ACLNN_SUCCESS ? ACLNN_SUCCESS : ACLNN_ERR_INNER_TILING_ERROR;
}

static aclnnStatus check_splits(const stub_call *call) {
    const aclIntArray *splits = call->args[ROPE_SIZE_SPLITS].ints;
    if (splits->size != SPLITS) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: sizeSplits has %llu values; it must have 3: Nq*D, Nkv*D, Nkv*D", call->op->name,
                         (unsigned long long)splits->size);
    }
    const long long q = splits->values[0], k = splits->values[1], v = splits->values[2];
    if (k != v || q < 0 || k < 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: sizeSplits is [%lld, %lld, %lld]; the last two must be equal, and none negative",
                         call->op->name, q, k, v);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_x(const stub_call *call) {
    const int64_t *splits = call->args[ROPE_SIZE_SPLITS].ints->values;
    const aclTensor *x = stub_tensor_arg(call, ROPE_X);
    STUB_REQUIRE(tiling(stub_check_rank(call, ROPE_X, 2, 3)));
    int64_t sum;
    if (__builtin_add_overflow(splits[0], splits[1], &sum) || __builtin_add_overflow(sum, splits[2], &sum) ||
        stub_last_dim(x) != sum) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: the last dimension of x is %lld; it must be the sum of sizeSplits [%lld, %lld, %lld]",
                         call->op->name, (long long)stub_last_dim(x), (long long)splits[0], (long long)splits[1],
                         (long long)splits[2]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus refuse_cache(const stub_call *call, const char *rule) {
    const int64_t *splits = call->args[ROPE_SIZE_SPLITS].ints->values;
    char given[160];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: kCacheRef is %s and sizeSplits [%lld, %lld, %lld]; %s",
                     call->op->name, stub_describe(stub_tensor_arg(call, ROPE_K_CACHE), given, sizeof given),
                     (long long)splits[0], (long long)splits[1], (long long)splits[2], rule);
}

static aclnnStatus check_cache(const stub_call *call) {
    STUB_REQUIRE(tiling(stub_check_rank(call, ROPE_K_CACHE, CACHE_RANK, CACHE_RANK)));
    const int64_t *splits = call->args[ROPE_SIZE_SPLITS].ints->values;
    const int64_t heads = stub_tensor_arg(call, ROPE_K_CACHE)->shape[2];
    const int64_t d = stub_tensor_arg(call, ROPE_K_CACHE)->shape[3];
    int64_t product;
    if (__builtin_mul_overflow(heads, d, &product) || product != splits[1]) {
        return refuse_cache(call, "the cache's last two dimensions, Nkv and D, must multiply to sizeSplits[1]");
    }
    if (d == 0 || d % D_STEP != 0) {
        return refuse_cache(call, "the cache's last dimension, D, must be a multiple of 16");
    }
    if (splits[0] % d != 0) {
        return refuse_cache(call, "sizeSplits[0] must be a multiple of the cache's last dimension, D");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_tables(const stub_call *call, const stub_rope_sizes *sizes) {
    const bool flat = stub_tensor_arg(call, ROPE_X)->rank == 2;
    const int64_t dims[] = {sizes->batches, sizes->length, 1, sizes->d}, flat_dims[] = {sizes->batches, sizes->d};
    for (uint32_t arg = ROPE_COS; arg <= ROPE_SIN; arg++) {
        STUB_REQUIRE(tiling(flat ? stub_check_shape(call, arg, flat_dims, 2, "[B, D] for an x [B, H]")
                                 : stub_check_shape(call, arg, dims, 4, "[B, S, 1, D] for an x [B, S, H]")));
    }
    const bool paged = stub_dequant_rope_is_paged(call);
    return tiling(stub_check_shape(call, ROPE_INDICES, paged ? &sizes->tokens : &sizes->batches, 1,
                                   paged ? "one row per token with cacheMode page"
                                         : "one start row per batch with cacheMode contiguous"));
}

static aclnnStatus check_count(const stub_call *call, uint32_t arg, int64_t least, int64_t most, const char *rule) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (tensor == NULL) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(tiling(stub_check_rank(call, arg, 0, STUB_MAX_RANK)));
    const int64_t count = stub_tensor_numel(tensor);
    if (count >= least && count <= most) {
        return ACLNN_SUCCESS;
    }
    char given[160];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %s; it must have %s %lld elements, %s", call->op->name,
                     call->op->params[arg].name, stub_describe(tensor, given, sizeof given),
                     least == most ? "exactly" : "at least", (long long)least, rule);
}

static aclnnStatus check_parameters(const stub_call *call, const stub_rope_sizes *sizes) {
    const int64_t count = sizes->kv_heads * sizes->d;
    STUB_REQUIRE(tiling(stub_check_same_shape(call, ROPE_V_CACHE, ROPE_K_CACHE)));
    STUB_REQUIRE(check_count(call, ROPE_SCALE_K, count, count, "Nkv * D"));
    STUB_REQUIRE(check_count(call, ROPE_SCALE_V, count, count, "Nkv * D"));
    if (!stub_dequant_rope_is_paged(call) && sizes->cache_batches < sizes->batches) {
        return refuse_cache(call, "with cacheMode contiguous its first dimension must not be less than that of x");
    }
    if (stub_dequant_rope_has_offsets(call)) {
        STUB_REQUIRE(check_count(call, ROPE_OFFSET_K, count, count, "Nkv * D"));
        STUB_REQUIRE(check_count(call, ROPE_OFFSET_V, count, count, "Nkv * D"));
    }
    if (stub_dequant_rope_is_integer(call) && stub_tensor_arg(call, ROPE_WEIGHT_SCALE) == NULL) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: weightScaleOptional is NULL; an INT32 x needs it",
                         call->op->name);
    }
    return ACLNN_SUCCESS;
}

static int64_t align(int64_t bytes) {
    return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* What one token, and what belongs to all tokens, take in the unified buffer. */
static bool fits_buffer(const stub_call *call, const stub_rope_sizes *sizes) {
    if (sizes->columns > BUFFER_BYTES || sizes->d > BUFFER_BYTES) {
        return false;
    }
    const bool is_integer = stub_dequant_rope_is_integer(call);
    const bool wide = is_integer || stub_tensor_arg(call, ROPE_COS)->dtype == ACL_BF16;
    const int64_t q = sizes->q_heads, kv = sizes->kv_heads;
    const int64_t head = align(sizes->d * (wide ? 4 : 2)), head_fp32 = align(sizes->d * 4), head_int8 = align(sizes->d);
    const int64_t inputs_and_q = (2 * q + 2 * kv + 2) * head;
    const int64_t indices = 4, activation = stub_tensor_arg(call, ROPE_ACTIVATION_SCALE) ? 4 : 0;
    const int64_t token = inputs_and_q + kv * (head_fp32 + 2 * head_int8) + indices + activation;
    const int64_t columns_fp32 = is_integer + (stub_tensor_arg(call, ROPE_BIAS) != NULL);
    const int64_t quantisers = stub_dequant_rope_has_offsets(call) ? 4 : 2;
    const int64_t fixed = BLOCK + 512 + quantisers * kv * head_fp32 + columns_fp32 * sizes->columns * 4;
    return fixed + token <= BUFFER_BYTES;
}

static aclnnStatus check_buffer(const stub_call *call, const stub_rope_sizes *sizes) {
    if (fits_buffer(call, sizes)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                     "%s: the last dimension of x is %lld; a token with its tables does not fit the %lld KiB of a "
                     "vector core's buffer (CANN's page allows up to 4096)",
                     call->op->name, (long long)sizes->columns, (long long)BUFFER_BYTES >> 10);
}

static aclnnStatus check_output(const stub_call *call, uint32_t arg, int64_t heads, const char *rule) {
    const aclTensor *x = stub_tensor_arg(call, ROPE_X);
    const int64_t d = stub_tensor_arg(call, ROPE_K_CACHE)->shape[3];
    int64_t dims[CACHE_RANK];
    memcpy(dims, x->shape, x->rank * sizeof *dims);
    dims[x->rank - 1] = heads;
    dims[x->rank] = d;
    return tiling(stub_check_shape(call, arg, dims, x->rank + 1, rule));
}

/* What CANN leaves unchecked. Parameters that are too long are read as far as they are needed. */
static aclnnStatus check_reach(const stub_call *call, const stub_rope_sizes *sizes) {
    STUB_REQUIRE(check_output(call, ROPE_Q, sizes->q_heads, "that of x with Nq, D for the last dimension"));
    if (call->args[ROPE_KV_OUTPUT].flag) {
        STUB_REQUIRE(check_output(call, ROPE_K, sizes->kv_heads, "that of x with Nkv, D for the last dimension"));
        STUB_REQUIRE(check_output(call, ROPE_V, sizes->kv_heads, "that of x with Nkv, D for the last dimension"));
    }
    if (!stub_dequant_rope_is_integer(call)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_count(call, ROPE_WEIGHT_SCALE, sizes->columns, INT64_MAX, "one per column of x"));
    STUB_REQUIRE(check_count(call, ROPE_ACTIVATION_SCALE, sizes->tokens, INT64_MAX, "one per token"));
    return check_count(call, ROPE_BIAS, sizes->columns, INT64_MAX, "one per column of x");
}

static aclnnStatus check_product(const stub_call *call) {
    const stub_product product = stub_get_settings()->product;
    if (product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s: %s has no kernel for this operator; Atlas A2 and A3 have one (ASCEND_STUB_SOC)",
                     call->op->name, stub_product_name());
}

aclnnStatus stub_dequant_rope_check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_given(call));
    STUB_REQUIRE(check_combination(call));
    STUB_REQUIRE(check_splits(call));
    STUB_REQUIRE(check_x(call));
    STUB_REQUIRE(check_cache(call));
    const stub_rope_sizes sizes = stub_dequant_rope_sizes(call);
    STUB_REQUIRE(check_tables(call, &sizes));
    STUB_REQUIRE(check_parameters(call, &sizes));
    STUB_REQUIRE(check_buffer(call, &sizes));
    STUB_REQUIRE(check_reach(call, &sizes));
    STUB_REQUIRE(check_product(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, ROPE_X)) == 0;
    plan->workspace_size = plan->nothing_to_run ? 0 : WORKSPACE_BYTES;
    return ACLNN_SUCCESS;
}
