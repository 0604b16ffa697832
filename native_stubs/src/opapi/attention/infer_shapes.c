/* Layouts, lengths and blocks of attention for inference. The vendor finds misfits here while tiling: 561002. */
#include <string.h>

#include "opapi/attention/infer.h"

enum { TEXT = 160, COMPRESSED_MASK = 2048 };

static aclnnStatus refuse_tensor(const stub_infer *infer, const char *name, const aclTensor *tensor, const char *rule) {
    char given[TEXT];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %s; %s", infer->call->op->name, name,
                     stub_describe(tensor, given, sizeof given), rule);
}

/* "BNSD_BSND": the query's layout and the result's. */
static aclnnStatus read_layout(stub_infer *infer) {
    const char *text = infer->call->args[infer->arg[INFER_LAYOUT]].text;
    const char *at = strstr(infer->family->layouts, text);
    const size_t length = strlen(text);
    if (length == 0 || !at || at[length] != ' ' || at[-1] != ' ') {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: inputLayout is \"%s\"; allowed are%s",
                         infer->call->op->name, text, infer->family->layouts);
    }
    const char *split = strchr(text, '_');
    infer->letters = text;
    infer->letter_count = (uint32_t)(split ? (size_t)(split - text) : length);
    infer->out_letters = split ? split + 1 : text;
    infer->out_letter_count = (uint32_t)strlen(infer->out_letters);
    infer->by_tokens = memchr(text, 'T', length) != NULL;
    return ACLNN_SUCCESS;
}

static aclnnStatus read_heads(stub_infer *infer) {
    infer->heads = stub_infer_number(infer, INFER_HEADS, 0);
    const int64_t given = stub_infer_number(infer, INFER_KV_HEADS, 0);
    infer->kv_heads = given == 0 ? infer->heads : given;
    if (infer->heads <= 0 || infer->kv_heads <= 0 || infer->heads % infer->kv_heads != 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: numHeads is %lld and numKeyValueHeads %lld; the first must be a multiple of the second "
                         "(0: as many)",
                         infer->call->op->name, (long long)infer->heads, (long long)given);
    }
    return ACLNN_SUCCESS;
}

bool stub_infer_key_layout(const stub_infer *infer, const aclTensor *tensor, stub_layout *layout) {
    if (infer->paged) {
        return stub_layout_of(tensor, tensor->rank == 3 ? "BSH" : "BNSD", tensor->rank == 3 ? 3 : 4, infer->kv_heads,
                              layout);
    }
    return stub_layout_of(tensor, infer->letters, infer->letter_count, infer->kv_heads, layout);
}

bool stub_infer_is_compressed(const stub_infer *infer) {
    const aclTensor *mask = stub_infer_tensor(infer, INFER_MASK);
    return infer->sparse_mode >= 2 && mask && mask->rank >= 2 && mask->rank <= 4 &&
           mask->shape[mask->rank - 1] == COMPRESSED_MASK && mask->shape[mask->rank - 2] == COMPRESSED_MASK;
}

/* Caches: [blocks, block_size, H] or [blocks, heads, block_size, D]. */
static aclnnStatus read_cache(stub_infer *infer, const char *name, const aclTensor *tensor, stub_layout *layout) {
    if (tensor->rank == 5) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: %s has 5 dimensions; the stand-in has no kernel for caches in FRACTAL_NZ",
                         infer->call->op->name, name);
    }
    if (!stub_infer_key_layout(infer, tensor, layout) || layout->tokens != infer->block_size) {
        return refuse_tensor(infer, name, tensor,
                             "a cache is [blocks, blockSize, numKeyValueHeads * D] or [blocks, numKeyValueHeads, "
                             "blockSize, D]");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_keys(stub_infer *infer, stub_infer_argument argument, const char *name, stub_layout *layout) {
    for (uint64_t i = stub_infer_items(infer, argument); i-- > 0;) {
        const aclTensor *tensor = stub_infer_item(infer, argument, i);
        if (infer->paged) {
            STUB_REQUIRE(read_cache(infer, name, tensor, layout));
        } else if (!stub_infer_key_layout(infer, tensor, layout) || (infer->listed && layout->batches != 1)) {
            return refuse_tensor(infer, name, tensor,
                                 infer->listed ? "each of a list has one batch, the layout inputLayout, and "
                                                 "numKeyValueHeads heads"
                                               : "it must have the layout inputLayout and numKeyValueHeads heads");
        }
        infer->columns = layout->tokens > infer->columns ? layout->tokens : infer->columns;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_table(stub_infer *infer) {
    const aclTensor *table = stub_infer_tensor(infer, INFER_TABLE);
    infer->paged = table != NULL;
    if (!infer->paged) {
        return ACLNN_SUCCESS;
    }
    infer->block_size = stub_infer_number(infer, INFER_BLOCK_SIZE, 0);
    if (infer->block_size <= 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: blockSize is %lld with a blockTable; it must be the number of tokens in a block",
                         infer->call->op->name, (long long)infer->block_size);
    }
    if (table->rank != 2 || table->shape[0] < 0 || table->shape[1] < 0) {
        return refuse_tensor(infer, "blockTable", table, "it must be [batches, blocks of a sequence]");
    }
    infer->blocks = table->shape[1];
    return ACLNN_SUCCESS;
}

static aclnnStatus check_lengths(const stub_infer *infer, stub_infer_argument argument, const char *name, int64_t most,
                                 bool cumulative) {
    const aclIntArray *lengths = stub_infer_ints(infer, argument);
    if (!lengths) {
        return ACLNN_SUCCESS;
    }
    if (lengths->size != 1 && (int64_t)lengths->size < infer->batches) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s has %llu values; there are %lld batches",
                         infer->call->op->name, name, (unsigned long long)lengths->size, (long long)infer->batches);
    }
    for (uint64_t i = 0; i < lengths->size && (int64_t)i < infer->batches; i++) {
        const int64_t value = lengths->values[i], before = cumulative && i > 0 ? lengths->values[i - 1] : 0;
        if (value < before || value > most) {
            return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s[%llu] is %lld; allowed are %lld to %lld",
                             infer->call->op->name, name, (unsigned long long)i, (long long)value, (long long)before,
                             (long long)most);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_all_lengths(const stub_infer *infer) {
    const int64_t most = infer->paged ? infer->blocks * infer->block_size : infer->columns;
    const bool cumulative = infer->by_tokens && !infer->paged;
    if (infer->family->incremental) {
        STUB_REQUIRE(check_lengths(infer, INFER_LENGTHS, "actualSeqLengths", most, false));
    } else {
        STUB_REQUIRE(check_lengths(infer, INFER_LENGTHS, "actualSeqLengths", infer->q.tokens, infer->by_tokens));
        STUB_REQUIRE(check_lengths(infer, INFER_KV_LENGTHS, "actualSeqLengthsKv", most, cumulative));
    }
    const stub_infer_argument keys = infer->family->incremental ? INFER_LENGTHS : INFER_KV_LENGTHS;
    if (infer->paged && !stub_infer_ints(infer, keys)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: a blockTable is given without the keys' lengths (actualSeqLengthsKv)",
                         infer->call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_batches(const stub_infer *infer) {
    const char *name = infer->call->op->name;
    const int64_t lists = (int64_t)stub_infer_items(infer, INFER_KEY),
                  values = (int64_t)stub_infer_items(infer, INFER_VALUE);
    if (lists != values || (infer->listed && lists != infer->batches)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: key and value hold %lld and %lld tensors; both hold 1, or one for each of %lld batches",
                         name, (long long)lists, (long long)values, (long long)infer->batches);
    }
    if (!infer->paged && !infer->listed && !infer->by_tokens &&
        (infer->k.batches != infer->batches || infer->v.batches != infer->batches)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: key has %lld batches and value %lld; query has %lld", name,
                         (long long)infer->k.batches, (long long)infer->v.batches, (long long)infer->batches);
    }
    if (infer->k.tokens != infer->v.tokens || infer->k.d != infer->q.d) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: heads are %lld long in query and %lld in key, tokens %lld in key and %lld in value; each "
                         "pair must be equal",
                         name, (long long)infer->q.d, (long long)infer->k.d, (long long)infer->k.tokens,
                         (long long)infer->v.tokens);
    }
    if (infer->paged && stub_infer_tensor(infer, INFER_TABLE)->shape[0] < infer->batches) {
        return refuse_tensor(infer, "blockTable", stub_infer_tensor(infer, INFER_TABLE),
                             "its first dimension must be the number of batches");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_out(stub_infer *infer) {
    const aclTensor *out = stub_infer_tensor(infer, INFER_OUT), *sums = stub_infer_tensor(infer, INFER_LSE);
    if (!stub_layout_of(out, infer->out_letters, infer->out_letter_count, infer->heads, &infer->out) ||
        infer->out.d != infer->dv || infer->out.tokens != infer->q.tokens || infer->out.batches != infer->q.batches) {
        return refuse_tensor(infer, "attentionOut", out,
                             "it must have the query's shape with the value's head size, in inputLayout");
    }
    if (!stub_infer_number(infer, INFER_LSE_FLAG, 0)) {
        return ACLNN_SUCCESS;
    }
    if (!sums) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: softmaxLseFlag is true and softmaxLse NULL",
                         infer->call->op->name);
    }
    const int64_t by_token[] = {infer->q.tokens, infer->heads, 1};
    const int64_t by_batch[] = {infer->q.batches, infer->heads, infer->q.tokens, 1};
    return stub_check_shape(infer->call, (uint32_t)infer->arg[INFER_LSE], infer->by_tokens ? by_token : by_batch,
                            infer->by_tokens ? 3 : 4, infer->by_tokens ? "[T, N, 1]" : "[B, N, S, 1]") == ACLNN_SUCCESS
               ? ACLNN_SUCCESS
               : ACLNN_ERR_INNER_TILING_ERROR;
}

static aclnnStatus check_mask(const stub_infer *infer) {
    const aclTensor *mask = stub_infer_tensor(infer, INFER_MASK);
    const int64_t mode = infer->sparse_mode;
    if (mode < 0 || mode > 4) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: sparseMode is %lld; allowed are 0 to 4",
                         infer->call->op->name, (long long)mode);
    }
    if (mode != 0 && !mask && infer->rows > 1) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: sparseMode is %lld and attenMask NULL; the mask is required", infer->call->op->name,
                         (long long)mode);
    }
    if (mode >= 2 && infer->rows > 1 && !stub_infer_is_compressed(infer)) {
        return refuse_tensor(infer, "attenMask", mask, "sparseMode 2, 3 and 4 take a mask of [2048, 2048]");
    }
    return ACLNN_SUCCESS;
}

/* Batches without an axis of their own are those whose lengths are given. */
static aclnnStatus count_batches(stub_infer *infer) {
    infer->batches = infer->q.batches;
    infer->rows = infer->q.tokens;
    if (!infer->by_tokens) {
        return ACLNN_SUCCESS;
    }
    const aclIntArray *rows = stub_infer_ints(infer, INFER_LENGTHS), *keys = stub_infer_ints(infer, INFER_KV_LENGTHS);
    if (!rows || !keys || rows->size != keys->size) {
        return stub_fail(
            ACLNN_ERR_INNER_TILING_ERROR,
            "%s: with tokens of all batches in one axis, actualSeqLengths and actualSeqLengthsKv must both "
            "be given, with a value for each batch",
            infer->call->op->name);
    }
    infer->batches = (int64_t)rows->size;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_infer_shapes(stub_infer *infer) {
    const aclTensor *query = stub_infer_tensor(infer, INFER_QUERY);
    STUB_REQUIRE(read_layout(infer));
    STUB_REQUIRE(read_heads(infer));
    if (!stub_layout_of(query, infer->letters, infer->letter_count, infer->heads, &infer->q)) {
        return refuse_tensor(infer, "query", query, "it must have the layout inputLayout and numHeads heads");
    }
    STUB_REQUIRE(count_batches(infer));
    STUB_REQUIRE(read_table(infer));
    infer->listed = stub_infer_items(infer, INFER_KEY) > 1;
    STUB_REQUIRE(read_keys(infer, INFER_KEY, "key", &infer->k));
    STUB_REQUIRE(read_keys(infer, INFER_VALUE, "value", &infer->v));
    infer->d = infer->q.d;
    infer->dv = infer->v.d;
    infer->block_count = infer->paged ? infer->k.batches : 0;
    infer->sparse_mode = stub_infer_number(infer, INFER_SPARSE_MODE, 0);
    STUB_REQUIRE(check_batches(infer));
    STUB_REQUIRE(check_all_lengths(infer));
    STUB_REQUIRE(check_mask(infer));
    return check_out(infer);
}

static stub_infer_span span_of(const aclIntArray *lengths, int64_t batch, int64_t otherwise, bool cumulative) {
    if (!lengths) {
        return (stub_infer_span){0, otherwise};
    }
    if (!cumulative) {
        return (stub_infer_span){0, lengths->values[lengths->size == 1 ? 0 : batch]};
    }
    const int64_t start = batch > 0 ? lengths->values[batch - 1] : 0;
    return (stub_infer_span){start, lengths->values[batch] - start};
}

stub_infer_span stub_infer_rows(const stub_infer *infer, int64_t batch) {
    const bool fixed = infer->family->incremental || (infer->rows == 1 && !infer->by_tokens);
    return span_of(fixed ? NULL : stub_infer_ints(infer, INFER_LENGTHS), batch, infer->rows, infer->by_tokens);
}

stub_infer_span stub_infer_columns(const stub_infer *infer, int64_t batch) {
    const stub_infer_argument keys = infer->family->incremental ? INFER_LENGTHS : INFER_KV_LENGTHS;
    stub_layout layout = infer->k;
    if (infer->listed) {
        stub_infer_key_layout(infer, stub_infer_item(infer, INFER_KEY, (uint64_t)batch), &layout);
    }
    return span_of(stub_infer_ints(infer, keys), batch, layout.tokens, infer->by_tokens && !infer->paged);
}
