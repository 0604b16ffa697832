/* Phase one of attention for inference: NULL (161001), data types (161002), shapes and attributes (561002). */
#include "opapi/attention/infer.h"

#define KEYS (STUB_HALVES | STUB_DTYPE(ACL_INT8))
#define MASKS (STUB_BOOLS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8))

static const struct {
    stub_infer_argument argument;
    stub_dtypes allowed;
} rules[] = {
    {INFER_QUERY, KEYS},
    {INFER_PSE, STUB_HALVES},
    {INFER_MASK, MASKS},
    {INFER_OUT_SCALE, STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16)},
    {INFER_OUT_OFFSET, STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16)},
    {INFER_SCALE, STUB_FLOATS},
    {INFER_OFFSET, STUB_FLOATS},
    {INFER_TABLE, STUB_DTYPE(ACL_INT32)},
    {INFER_QUERY_PADDING, STUB_DTYPE(ACL_INT64)},
    {INFER_KV_PADDING, STUB_DTYPE(ACL_INT64)},
    {INFER_KEY_SCALE, STUB_FLOATS},
    {INFER_KEY_OFFSET, STUB_FLOATS},
    {INFER_VALUE_SCALE, STUB_FLOATS},
    {INFER_VALUE_OFFSET, STUB_FLOATS},
    {INFER_QUERY_ROPE, STUB_HALVES},
    {INFER_KEY_ROPE, STUB_HALVES},
    {INFER_SINK, STUB_FLOATS},
    {INFER_OUT, KEYS},
    {INFER_LSE, STUB_DTYPE(ACL_FLOAT)},
};

static aclnnStatus check_items(const stub_infer *infer, stub_infer_argument argument, const char *name) {
    const aclDataType query = stub_infer_tensor(infer, INFER_QUERY)->dtype;
    const aclDataType first = stub_infer_item(infer, INFER_KEY, 0)->dtype;
    for (uint64_t i = 0; i < stub_infer_items(infer, argument); i++) {
        const aclDataType dtype = stub_infer_item(infer, argument, i)->dtype;
        if (dtype == ACL_INT4 || dtype == ACL_INT32) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for %s of INT4",
                             infer->call->op->name, name);
        }
        if (dtype != first || (dtype != query && dtype != ACL_INT8)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: %s has data type %s, key %s and query %s; key and value both have that of query, or "
                             "INT8",
                             infer->call->op->name, name, stub_dtype_name(dtype), stub_dtype_name(first),
                             stub_dtype_name(query));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_out_dtype(const stub_infer *infer) {
    const aclDataType query = stub_infer_tensor(infer, INFER_QUERY)->dtype;
    const aclDataType out = stub_infer_tensor(infer, INFER_OUT)->dtype;
    const bool quantised = stub_infer_has(infer, INFER_OUT_SCALE);
    if (query == ACL_INT8) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for a query of INT8",
                         infer->call->op->name);
    }
    if (out != (quantised ? ACL_INT8 : query)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: attentionOut has data type %s and query %s; the two must be equal, or attentionOut INT8 "
                         "with quantScale2",
                         infer->call->op->name, stub_dtype_name(out), stub_dtype_name(query));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_dtypes(const stub_infer *infer) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const int arg = infer->arg[rules[i].argument];
        if (arg >= 0) {
            const stub_dtype_rule rule = {(uint32_t)arg, STUB_ON_ALL(rules[i].allowed)};
            STUB_REQUIRE(stub_check_dtypes(infer->call, &rule, 1));
        }
    }
    STUB_REQUIRE(check_out_dtype(infer));
    STUB_REQUIRE(check_items(infer, INFER_KEY, "key"));
    return check_items(infer, INFER_VALUE, "value");
}

static aclnnStatus check_out_scale(const stub_infer *infer) {
    const aclTensor *scale = stub_infer_tensor(infer, INFER_OUT_SCALE);
    const aclTensor *offset = stub_infer_tensor(infer, INFER_OUT_OFFSET);
    const int64_t count = scale ? stub_tensor_numel(scale) : 1;
    if ((count != 1 && count != infer->heads * infer->dv) || (offset && stub_tensor_numel(offset) != count)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: quantScale2 has %lld elements; allowed are 1 or N * D, and as many of quantOffset2",
                         infer->call->op->name, (long long)count);
    }
    return ACLNN_SUCCESS;
}

/* Axes in front of the last two or one are 1 or what they stand for. */
static aclnnStatus check_plane(const stub_infer *infer, stub_infer_argument argument, bool has_heads) {
    const aclTensor *plane = stub_infer_tensor(infer, argument);
    if (!plane || (argument == INFER_MASK && stub_infer_is_compressed(infer))) {
        return ACLNN_SUCCESS;
    }
    const uint32_t rank = plane->rank;
    int64_t columns = 0;
    for (int64_t i = 0; i < infer->batches; i++) {
        const stub_infer_span span = stub_infer_columns(infer, i);
        columns = span.count > columns ? span.count : columns;
    }
    const int64_t rows = infer->rows > 1 && rank >= 2 ? plane->shape[rank - 2] : infer->rows;
    const int64_t batches = rank > 2 || infer->rows == 1 ? plane->shape[0] : 1;
    const bool heads_fit = rank < 4 || plane->shape[1] == 1 || (has_heads && plane->shape[1] == infer->heads);
    if (rank < 2 || rank > 4 || plane->shape[rank - 1] < columns || rows < infer->rows || !heads_fit ||
        (batches != 1 && batches != infer->batches)) {
        char given[160];
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: %s is %s; its last dimensions must hold %lld rows and %lld columns, the first 1 or the "
                         "number of batches",
                         infer->call->op->name, infer->call->op->params[infer->arg[argument]].name,
                         stub_describe(plane, given, sizeof given), (long long)infer->rows, (long long)columns);
    }
    return ACLNN_SUCCESS;
}

/* Parts of queries and keys for the rotated positions: like query and key but for the head size. */
static aclnnStatus check_rope(const stub_infer *infer) {
    const aclTensor *query = stub_infer_tensor(infer, INFER_QUERY_ROPE),
                    *key = stub_infer_tensor(infer, INFER_KEY_ROPE);
    if (!query && !key) {
        return ACLNN_SUCCESS;
    }
    const aclTensor *whole = stub_infer_tensor(infer, INFER_QUERY), *keys = stub_infer_item(infer, INFER_KEY, 0);
    stub_layout q = {0}, k = {0};
    const bool fits =
        query && key && query->dtype == whole->dtype && key->dtype == keys->dtype && key->rank == keys->rank &&
        stub_layout_of(query, infer->letters, infer->letter_count, infer->heads, &q) &&
        stub_infer_key_layout(infer, key, &k) && q.d == k.d && q.tokens == infer->q.tokens &&
        q.batches == infer->q.batches && k.tokens == infer->k.tokens && k.batches == infer->k.batches && !infer->listed;
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                            "%s: queryRope and keyRope must be given together, with the shapes of query and key but "
                            "for the head size",
                            infer->call->op->name);
}

static aclnnStatus check_sink(const stub_infer *infer) {
    const aclTensor *sink = stub_infer_tensor(infer, INFER_SINK);
    return !sink || stub_tensor_numel(sink) == infer->heads
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: learnableSink has %lld elements; it must have numHeads",
                           infer->call->op->name, (long long)stub_tensor_numel(sink));
}

aclnnStatus stub_infer_family_check(const stub_call *call, stub_plan *plan, const stub_infer_family *family) {
    stub_infer infer;
    STUB_REQUIRE(stub_infer_read(call, family, &infer));
    STUB_REQUIRE(check_dtypes(&infer));
    plan->nothing_to_run = stub_tensor_numel(stub_infer_tensor(&infer, INFER_QUERY)) == 0;
    if (plan->nothing_to_run) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_infer_shapes(&infer));
    STUB_REQUIRE(stub_infer_check_factors(&infer));
    STUB_REQUIRE(check_plane(&infer, INFER_MASK, false));
    STUB_REQUIRE(check_plane(&infer, INFER_PSE, true));
    STUB_REQUIRE(check_out_scale(&infer));
    STUB_REQUIRE(check_rope(&infer));
    return check_sink(&infer);
}
