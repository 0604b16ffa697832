/* What the arguments of aclnnDequantRopeQuantKvcache say, for both phases. */
#include <strings.h>

#include "opapi/attention/dequant_rope.h"
#include "opapi/validate.h"

bool stub_dequant_rope_is_paged(const stub_call *call) {
    const char *mode = call->args[ROPE_CACHE_MODE].text;
    return mode != NULL && strcasecmp(mode, "page") == 0; /* anything else is contiguous, as in CANN */
}

bool stub_dequant_rope_is_integer(const stub_call *call) {
    return stub_tensor_arg(call, ROPE_X)->dtype == ACL_INT32;
}

bool stub_dequant_rope_has_offsets(const stub_call *call) {
    return stub_tensor_arg(call, ROPE_OFFSET_K) != NULL && stub_tensor_arg(call, ROPE_OFFSET_V) != NULL;
}

stub_rope_sizes stub_dequant_rope_sizes(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, ROPE_X), *cache = stub_tensor_arg(call, ROPE_K_CACHE);
    stub_rope_sizes sizes = {
        .batches = x->shape[0],
        .length = x->rank > 2 ? x->shape[1] : 1,
        .kv_heads = cache->shape[2],
        .d = cache->shape[3],
        .columns = stub_last_dim(x),
        .cache_batches = cache->shape[0],
        .cache_rows = cache->shape[1],
    };
    sizes.q_heads = call->args[ROPE_SIZE_SPLITS].ints->values[0] / sizes.d;
    if (__builtin_mul_overflow(sizes.batches, sizes.length, &sizes.tokens)) {
        sizes.tokens = INT64_MAX;
    }
    return sizes;
}
