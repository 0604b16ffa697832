/* The factors of an int8 cache: (integer + offset) * scale, by channel, tensor, head, token, or token and head, and
 * the last two also in blocks like the cache's. */
#include "opapi/attention/infer.h"

/* antiquantMode and its like. */
enum { BY_CHANNEL, BY_TOKEN, BY_HEAD, BY_TOKEN_AND_HEAD, BY_PAGED_TOKEN, BY_PAGED_TOKEN_AND_HEAD, MODES };

/* Scale and offset of keys or values; of both together, `half` 0 and 1 of the tensors. */
typedef struct {
    stub_infer_argument scale, offset;
    int64_t mode, half, halves;
} part;

static bool is_apart(const stub_infer *infer) {
    return stub_infer_has(infer, INFER_KEY_SCALE);
}

/* half 0: keys, 1: values */
static part part_of(const stub_infer *infer, int half) {
    if (!is_apart(infer)) {
        return (part){INFER_SCALE, INFER_OFFSET, stub_infer_number(infer, INFER_MODE, 0), half, 2};
    }
    return half == 0
               ? (part){INFER_KEY_SCALE, INFER_KEY_OFFSET, stub_infer_number(infer, INFER_KEY_MODE, 0), 0, 1}
               : (part){INFER_VALUE_SCALE, INFER_VALUE_OFFSET, stub_infer_number(infer, INFER_VALUE_MODE, 0), 0, 1};
}

/* Tokens that a row of scales by token has; 0: the number of elements does not fit. */
static int64_t tokens_of(const stub_infer *infer, const part *factors, int64_t count) {
    const int64_t rows = factors->mode == BY_TOKEN ? infer->batches : infer->batches * infer->kv_heads;
    return rows > 0 && count % rows == 0 ? count / rows : 0;
}

static bool fits(const stub_infer *infer, const part *factors, int64_t count, int64_t d) {
    const int64_t most = infer->paged ? infer->blocks * infer->block_size : infer->columns;
    switch (factors->mode) {
    case BY_CHANNEL:
        return count == 1 || count == infer->kv_heads * d;
    case BY_HEAD:
        return count == infer->kv_heads;
    case BY_TOKEN:
    case BY_TOKEN_AND_HEAD:
        return tokens_of(infer, factors, count) >= most;
    case BY_PAGED_TOKEN:
        return infer->paged && count == infer->block_count * infer->block_size;
    case BY_PAGED_TOKEN_AND_HEAD:
        return infer->paged && count == infer->block_count * infer->block_size * infer->kv_heads;
    default:
        return false;
    }
}

static aclnnStatus check_part(const stub_infer *infer, int half) {
    const part factors = part_of(infer, half);
    const aclTensor *scale = stub_infer_tensor(infer, factors.scale),
                    *offset = stub_infer_tensor(infer, factors.offset);
    const char *const name = infer->call->op->name;
    if (!scale) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is INT8; its antiquant scale is required", name,
                         half == 0 ? "key" : "value");
    }
    if (factors.mode < 0 || factors.mode >= MODES) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: the antiquant mode of %s is %lld; allowed are 0 to 5", name,
                         half == 0 ? "key" : "value", (long long)factors.mode);
    }
    const int64_t count = stub_tensor_numel(scale) / factors.halves;
    char given[160];
    if (!fits(infer, &factors, count, half == 0 ? infer->d : infer->dv) ||
        (offset && stub_tensor_numel(offset) != stub_tensor_numel(scale))) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: %s is %s; its shape does not fit the antiquant mode %lld, or not that of its offset",
                         name, infer->call->op->params[infer->arg[factors.scale]].name,
                         stub_describe(scale, given, sizeof given), (long long)factors.mode);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_infer_check_factors(const stub_infer *infer) {
    if (stub_infer_item(infer, INFER_KEY, 0)->dtype != ACL_INT8) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_part(infer, 0));
    return check_part(infer, 1);
}

/* Scales in blocks, in the order of a sequence's tokens: [heads][tokens]. */
static float *unpage(const stub_infer *infer, const float *from, const int32_t *table, int64_t heads,
                     stub_infer_memory *memory) {
    const int64_t tokens = infer->blocks * infer->block_size;
    float *to = stub_infer_take(memory, heads * tokens, sizeof(float));
    for (int64_t head = 0; to && head < heads; head++) {
        for (int64_t t = 0; t < tokens; t++) {
            const int64_t block = table[t / infer->block_size];
            const bool inside = block >= 0 && block < infer->block_count;
            const int64_t row = (block * heads + head) * infer->block_size + t % infer->block_size;
            to[head * tokens + t] = inside ? from[row] : 0;
        }
    }
    return to;
}

static stub_factors steps_of(const stub_infer *infer, const part *factors, int64_t count, int64_t d) {
    const int64_t tokens = tokens_of(infer, factors, count);
    switch (factors->mode) {
    case BY_CHANNEL:
        return count == 1 ? (stub_factors){0} : (stub_factors){.head = d, .element = 1};
    case BY_HEAD:
        return (stub_factors){.head = 1};
    case BY_TOKEN:
        return (stub_factors){.token = 1};
    case BY_TOKEN_AND_HEAD:
        return (stub_factors){.head = tokens, .token = 1};
    case BY_PAGED_TOKEN:
        return (stub_factors){.token = 1};
    default:
        return (stub_factors){.head = infer->blocks * infer->block_size, .token = 1};
    }
}

/* One batch's part of a tensor of scales or offsets. */
static const float *of_batch(const stub_infer *infer, const part *factors, const float *all, int64_t count,
                             int64_t batch, const int32_t *table, stub_infer_memory *memory) {
    const float *own = all ? all + factors->half * count : NULL;
    if (own && factors->mode >= BY_PAGED_TOKEN) {
        return unpage(infer, own, table + batch * infer->blocks, factors->mode == BY_PAGED_TOKEN ? 1 : infer->kv_heads,
                      memory);
    }
    const bool by_batch = factors->mode == BY_TOKEN || factors->mode == BY_TOKEN_AND_HEAD;
    return own && by_batch ? own + batch * (count / infer->batches) : own;
}

static aclnnStatus fill_part(const stub_infer *infer, int half, stub_infer_memory *memory, const int32_t *table,
                             stub_sequence *sequences) {
    const part factors = part_of(infer, half);
    const float *scale = NULL, *offset = NULL;
    STUB_REQUIRE(stub_infer_floats(infer, factors.scale, memory, &scale));
    STUB_REQUIRE(stub_infer_floats(infer, factors.offset, memory, &offset));
    const int64_t count = stub_tensor_numel(stub_infer_tensor(infer, factors.scale)) / factors.halves;
    for (int64_t batch = 0; batch < infer->batches; batch++) {
        stub_factors *to = half == 0 ? &sequences[batch].k_factors : &sequences[batch].v_factors;
        *to = steps_of(infer, &factors, count, half == 0 ? infer->d : infer->dv);
        to->scale = of_batch(infer, &factors, scale, count, batch, table, memory);
        to->offset = of_batch(infer, &factors, offset, count, batch, table, memory);
        if (!to->scale || (offset && !to->offset)) {
            return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the scales", infer->call->op->name);
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_infer_factors(const stub_infer *infer, stub_infer_memory *memory, const int32_t *table,
                               stub_sequence *sequences) {
    if (stub_infer_item(infer, INFER_KEY, 0)->dtype != ACL_INT8) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(fill_part(infer, 0, memory, table, sequences));
    return fill_part(infer, 1, memory, table, sequences);
}
