/* Reading and checking the arguments of attention for training: 161001 and 161002. */
#include <string.h>

#include "opapi/attention/flash.h"

enum { COPIES = 8, MOST_SIZE = 768, COMPRESSED = 2048, COMPRESSED_PREFIX = 3072, TEXT = 160 };

static const char *const names[FLASH_ARGUMENTS][2] = {
    [FLASH_QUERY] = {"query"},
    [FLASH_KEY] = {"key", "keyIn"},
    [FLASH_VALUE] = {"value"},
    [FLASH_QUERY_ROPE] = {"queryRope"},
    [FLASH_KEY_ROPE] = {"keyRope", "keyInRope"},
    [FLASH_PSE] = {"realShift", "pseShift"},
    [FLASH_DROP] = {"dropMask"},
    [FLASH_MASK] = {"attenMask"},
    [FLASH_MAX] = {"softmaxMaxOut", "softmaxMax"},
    [FLASH_SUM] = {"softmaxSumOut", "softmaxSum"},
    [FLASH_OUT] = {"attentionOutOut", "attentionIn"},
    [FLASH_PREFIX] = {"prefix"},
    [FLASH_Q_LENGTHS] = {"actualSeqQLen"},
    [FLASH_KV_LENGTHS] = {"actualSeqKvLen"},
    [FLASH_Q_START] = {"qStartIdx"},
    [FLASH_KV_START] = {"kvStartIdx"},
    [FLASH_SCALE] = {"scaleValue"},
    [FLASH_KEEP] = {"keepProb"},
    [FLASH_PRE_TOKENS] = {"preTokens"},
    [FLASH_NEXT_TOKENS] = {"nextTokens"},
    [FLASH_HEADS] = {"headNum"},
    [FLASH_LAYOUT] = {"inputLayout"},
    [FLASH_SPARSE_MODE] = {"sparseMode"},
    [FLASH_PSE_TYPE] = {"pseType"},
    [FLASH_STATISTICS_LAYOUT] = {"softmaxOutLayout", "softmaxInLayout"},
};

static const struct {
    stub_flash_argument argument;
    stub_dtypes allowed;
} rules[] = {
    {FLASH_QUERY, STUB_FLOATS},          {FLASH_PSE, STUB_FLOATS},
    {FLASH_DROP, STUB_DTYPE(ACL_UINT8)}, {FLASH_MASK, STUB_BOOLS | STUB_DTYPE(ACL_UINT8)},
    {FLASH_MAX, STUB_DTYPE(ACL_FLOAT)},  {FLASH_SUM, STUB_DTYPE(ACL_FLOAT)},
};

const aclTensor *stub_flash_tensor(const stub_flash *flash, stub_flash_argument argument) {
    const aclTensor *tensor = flash->arg[argument] >= 0 ? flash->call->args[flash->arg[argument]].tensor : NULL;
    const bool optional = argument >= FLASH_QUERY_ROPE && argument <= FLASH_MASK;
    return tensor && optional && stub_tensor_numel(tensor) == 0 ? NULL : tensor;
}

int64_t stub_flash_number(const stub_flash *flash, stub_flash_argument argument, int64_t otherwise) {
    return flash->arg[argument] >= 0 ? flash->call->args[flash->arg[argument]].integer : otherwise;
}

const aclIntArray *stub_flash_ints(const stub_flash *flash, stub_flash_argument argument) {
    const aclIntArray *ints = flash->arg[argument] >= 0 ? flash->call->args[flash->arg[argument]].ints : NULL;
    return ints && ints->size > 0 ? ints : NULL;
}

static const char *name_of(const stub_flash *flash, stub_flash_argument argument) {
    return flash->call->op->params[flash->arg[argument]].name;
}

static aclnnStatus refuse(const stub_flash *flash, stub_flash_argument argument, const char *rule) {
    char given[TEXT];
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; %s", flash->call->op->name, name_of(flash, argument),
                     stub_describe(stub_flash_tensor(flash, argument), given, sizeof given), rule);
}

static aclnnStatus refuse_number(const stub_flash *flash, stub_flash_argument argument, const char *rule) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are %s", flash->call->op->name,
                     name_of(flash, argument), (long long)stub_flash_number(flash, argument, 0), rule);
}

static aclnnStatus check_given(const stub_flash *flash) {
    static const stub_flash_argument required[] = {FLASH_QUERY, FLASH_KEY, FLASH_VALUE,
                                                   FLASH_MAX,   FLASH_SUM, FLASH_OUT};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const uint32_t arg = (uint32_t)flash->arg[required[i]];
        STUB_REQUIRE(stub_check_given(flash->call, &arg, 1));
    }
    return flash->call->args[flash->arg[FLASH_LAYOUT]].text
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: inputLayout is NULL", flash->call->op->name);
}

static aclnnStatus check_dtypes(const stub_flash *flash) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const stub_dtype_rule rule = {(uint32_t)flash->arg[rules[i].argument], STUB_ON_ALL(rules[i].allowed)};
        STUB_REQUIRE(stub_check_dtypes(flash->call, &rule, 1));
    }
    static const stub_flash_argument alike[] = {FLASH_KEY, FLASH_VALUE, FLASH_OUT, FLASH_QUERY_ROPE, FLASH_KEY_ROPE};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        if (flash->arg[alike[i]] >= 0) {
            STUB_REQUIRE(
                stub_check_same_dtype(flash->call, (uint32_t)flash->arg[alike[i]], (uint32_t)flash->arg[FLASH_QUERY]));
        }
    }
    const aclTensor *pse = stub_flash_tensor(flash, FLASH_PSE);
    const aclDataType wanted = flash->pse_type >= 2 ? ACL_FLOAT : stub_flash_tensor(flash, FLASH_QUERY)->dtype;
    return !pse || pse->dtype == wanted
               ? ACLNN_SUCCESS
               : refuse(flash, FLASH_PSE, "its data type must be that of query, FLOAT for pseType 2 and 3");
}

static aclnnStatus check_values(const stub_flash *flash) {
    const double keep = flash->call->args[flash->arg[FLASH_KEEP]].real;
    if (flash->heads <= 0) {
        return refuse_number(flash, FLASH_HEADS, "1 and more");
    }
    if (flash->sparse_mode < 0 || flash->sparse_mode > (flash->family->by_tokens ? 8 : 6) ||
        (flash->family->by_tokens && flash->sparse_mode == 5)) {
        return refuse_number(flash, FLASH_SPARSE_MODE, flash->family->by_tokens ? "0 to 4 and 6 to 8" : "0 to 6");
    }
    if (flash->pse_type < 0 || flash->pse_type > 3) {
        return refuse_number(flash, FLASH_PSE_TYPE, "0 to 3");
    }
    if (flash->pse_type >= 2 && !stub_flash_tensor(flash, FLASH_PSE)) {
        return refuse_number(flash, FLASH_PSE_TYPE, "0 and 1 without realShift");
    }
    if (keep < 1 && !stub_flash_tensor(flash, FLASH_DROP)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: keepProb is %g; below 1 it needs dropMask",
                         flash->call->op->name, keep);
    }
    return keep > 0 && keep <= 1
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: keepProb is %g; it must be above 0 and at most 1",
                           flash->call->op->name, keep);
}

/* The letters of H's layouts say nothing about the keys' heads: as many as H has room for. */
static int64_t heads_of(const aclTensor *tensor, const char *letters, int64_t d) {
    for (uint32_t i = 0; i < tensor->rank && letters[i]; i++) {
        if (letters[i] == 'N') {
            return tensor->shape[i];
        }
    }
    return d > 0 && tensor->rank > 0 ? tensor->shape[tensor->rank - 1] / d : 0;
}

static aclnnStatus read_layouts(stub_flash *flash) {
    const char *letters = flash->call->args[flash->arg[FLASH_LAYOUT]].text;
    const aclTensor *query = stub_flash_tensor(flash, FLASH_QUERY), *key = stub_flash_tensor(flash, FLASH_KEY);
    const bool known = flash->family->by_tokens ? strcmp(letters, "TND") == 0
                                                : strcmp(letters, "BSH") == 0 || strcmp(letters, "SBH") == 0 ||
                                                      strcmp(letters, "BSND") == 0 || strcmp(letters, "BNSD") == 0;
    const uint32_t count = (uint32_t)strlen(letters);
    if (!known) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: inputLayout is \"%s\"; allowed are %s", flash->call->op->name,
                         letters, flash->family->by_tokens ? "TND" : "BSH, SBH, BSND and BNSD");
    }
    if (!stub_layout_of(query, letters, count, flash->heads, &flash->q)) {
        return refuse(flash, FLASH_QUERY, "it must have the layout inputLayout and headNum heads");
    }
    flash->kv_heads = heads_of(key, letters, flash->q.d);
    if (flash->kv_heads <= 0 || flash->heads % flash->kv_heads != 0 ||
        !stub_layout_of(key, letters, count, flash->kv_heads, &flash->k) || flash->k.d != flash->q.d) {
        return refuse(flash, FLASH_KEY,
                      "it must have the layout inputLayout, the query's head size, and heads whose "
                      "number divides headNum");
    }
    if (!stub_layout_of(stub_flash_tensor(flash, FLASH_VALUE), letters, count, flash->kv_heads, &flash->v) ||
        flash->v.d > flash->k.d || flash->v.tokens != flash->k.tokens || flash->v.batches != flash->k.batches) {
        return refuse(flash, FLASH_VALUE, "it must have the key's shape, or a smaller head size");
    }
    if (!stub_layout_of(stub_flash_tensor(flash, FLASH_OUT), letters, count, flash->heads, &flash->out) ||
        flash->out.tokens != flash->q.tokens || flash->out.batches != flash->q.batches || flash->out.d != flash->v.d) {
        return refuse(flash, FLASH_OUT, "it must have the query's shape with the value's head size");
    }
    if (flash->q.batches != flash->k.batches || flash->q.d > MOST_SIZE) {
        return refuse(flash, FLASH_QUERY, "it must have the key's batches, and heads of at most 768 elements");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_rope(stub_flash *flash) {
    const aclTensor *query = stub_flash_tensor(flash, FLASH_QUERY_ROPE),
                    *key = stub_flash_tensor(flash, FLASH_KEY_ROPE);
    if (!query && !key) {
        return ACLNN_SUCCESS;
    }
    const bool fits = query && key && stub_layout_of(query, "TND", 3, flash->heads, &flash->q_rope) &&
                      stub_layout_of(key, "TND", 3, flash->kv_heads, &flash->k_rope) &&
                      flash->q_rope.d == flash->k_rope.d && flash->q_rope.tokens == flash->q.tokens &&
                      flash->k_rope.tokens == flash->k.tokens;
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID,
                            "%s: queryRope and keyRope must be given together, with the shapes of query and key but "
                            "for the head size",
                            flash->call->op->name);
}

static aclnnStatus check_ends(const stub_flash *flash, stub_flash_argument argument, int64_t tokens) {
    const aclIntArray *ends = stub_flash_ints(flash, argument);
    if (!ends || (int64_t)ends->size != flash->batches) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must be given, as many values as actualSeqQLen",
                         flash->call->op->name, name_of(flash, argument));
    }
    for (uint64_t i = 0; i < ends->size; i++) {
        if (ends->values[i] < (i > 0 ? ends->values[i - 1] : 0) || ends->values[i] > tokens) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: %s[%llu] is %lld; the ends of the sequences do not decrease, nor go beyond the %lld "
                             "tokens",
                             flash->call->op->name, name_of(flash, argument), (unsigned long long)i,
                             (long long)ends->values[i], (long long)tokens);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_batches(stub_flash *flash) {
    flash->batches = flash->q.batches;
    if (!flash->family->by_tokens) {
        return ACLNN_SUCCESS;
    }
    const aclIntArray *ends = stub_flash_ints(flash, FLASH_Q_LENGTHS);
    flash->batches = ends ? (int64_t)ends->size : 0;
    STUB_REQUIRE(check_ends(flash, FLASH_Q_LENGTHS, flash->q.tokens));
    return check_ends(flash, FLASH_KV_LENGTHS, flash->k.tokens);
}

static aclnnStatus check_statistics(stub_flash *flash, stub_flash_argument argument) {
    const int64_t by_batch[] = {flash->q.batches, flash->heads, flash->q.tokens, COPIES};
    const aclTensor *tensor = stub_flash_tensor(flash, argument);
    if (!flash->family->by_tokens) {
        return stub_check_shape(flash->call, (uint32_t)flash->arg[argument], by_batch, 4, "[B, N, S, 8]");
    }
    const bool fits = tensor->rank == 3 && tensor->shape[2] == COPIES &&
                      tensor->shape[0] * tensor->shape[1] == flash->q.tokens * flash->heads &&
                      stub_tensor_is_contiguous(tensor);
    return fits ? ACLNN_SUCCESS : refuse(flash, argument, "it must be contiguous, [T, N, 8] or [N, T, 8]");
}

/* The last two axes hold the longest sequences; those in front are 1 or what they stand for. */
static bool plane_fits(const stub_flash *flash, const aclTensor *plane, bool one_row) {
    int64_t rows = 0, columns = 0;
    for (int64_t batch = 0; batch < flash->batches; batch++) {
        rows = stub_flash_rows(flash, batch).count > rows ? stub_flash_rows(flash, batch).count : rows;
        columns = stub_flash_columns(flash, batch).count > columns ? stub_flash_columns(flash, batch).count : columns;
    }
    const uint32_t rank = plane->rank;
    const bool rows_fit = plane->shape[rank - 2] >= rows || (one_row && plane->shape[rank - 2] == 1);
    return rows_fit && plane->shape[rank - 1] >= columns &&
           (rank == 2 || ((plane->shape[0] == 1 || plane->shape[0] == flash->batches) &&
                          (plane->shape[1] == 1 || plane->shape[1] == flash->heads)));
}

static aclnnStatus check_mask(const stub_flash *flash) {
    const aclTensor *mask = stub_flash_tensor(flash, FLASH_MASK);
    const int64_t mode = flash->sparse_mode;
    if (!mask) {
        return ACLNN_SUCCESS;
    }
    if (mask->rank != 2 && mask->rank != 4) {
        return refuse(flash, FLASH_MASK, "it must have 2 or 4 dimensions");
    }
    if (mode >= 2 && mode != 5) {
        const bool fits = mask->shape[mask->rank - 1] == COMPRESSED &&
                          mask->shape[mask->rank - 2] == (mode == 6 ? COMPRESSED_PREFIX : COMPRESSED);
        return fits ? ACLNN_SUCCESS
                    : refuse(flash, FLASH_MASK, "this sparseMode takes one of [2048, 2048], mode 6 of [3072, 2048]");
    }
    return plane_fits(flash, mask, false)
               ? ACLNN_SUCCESS
               : refuse(flash, FLASH_MASK, "it must be [S, S], [1, 1, S, S], [B, 1, S, S] or [B, N, S, S]");
}

static aclnnStatus check_pse(const stub_flash *flash) {
    const aclTensor *pse = stub_flash_tensor(flash, FLASH_PSE);
    if (pse && flash->pse_type >= 2) {
        const int64_t count = stub_tensor_numel(pse);
        return pse->rank <= 2 && (count == flash->heads || count == flash->heads * flash->batches)
                   ? ACLNN_SUCCESS
                   : refuse(flash, FLASH_PSE, "slopes are [N] or [B, N]");
    }
    return !pse || (pse->rank == 4 && plane_fits(flash, pse, true))
               ? ACLNN_SUCCESS
               : refuse(flash, FLASH_PSE, "it must be [B, N, S, S], [B, N, 1, S] or [1, N, S, S]");
}

static aclnnStatus check_drop(const stub_flash *flash) {
    const aclTensor *drop = stub_flash_tensor(flash, FLASH_DROP);
    int64_t bits = 0;
    for (int64_t batch = 0; batch < flash->batches; batch++) {
        bits += flash->heads * stub_flash_rows(flash, batch).count * stub_flash_columns(flash, batch).count;
    }
    return !drop || (stub_tensor_is_contiguous(drop) && stub_tensor_numel(drop) >= (bits + 7) / 8)
               ? ACLNN_SUCCESS
               : refuse(flash, FLASH_DROP, "it must be contiguous, a bit for each of [B, N, S, S]");
}

static aclnnStatus check_prefix(const stub_flash *flash) {
    const aclIntArray *prefix = stub_flash_ints(flash, FLASH_PREFIX);
    return flash->sparse_mode != 6 || !stub_flash_tensor(flash, FLASH_MASK) ||
                   (prefix && (int64_t)prefix->size == flash->batches)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: sparseMode is 6; prefix must have a value for each batch",
                           flash->call->op->name);
}

aclnnStatus stub_flash_read(const stub_call *call, const stub_flash_family *family, stub_flash *flash) {
    *flash = (stub_flash){.call = call, .family = family};
    for (int i = 0; i < FLASH_ARGUMENTS; i++) {
        flash->arg[i] = stub_argument(call, names[i][0]);
        if (flash->arg[i] < 0 && names[i][1]) {
            flash->arg[i] = stub_argument(call, names[i][1]);
        }
    }
    STUB_REQUIRE(check_given(flash));
    const char *order =
        flash->arg[FLASH_STATISTICS_LAYOUT] >= 0 ? call->args[flash->arg[FLASH_STATISTICS_LAYOUT]].text : NULL;
    flash->statistics_by_token = order && strcmp(order, "same_as_input") == 0;
    flash->heads = stub_flash_number(flash, FLASH_HEADS, 0);
    flash->sparse_mode = stub_flash_number(flash, FLASH_SPARSE_MODE, 0);
    flash->pse_type = stub_flash_number(flash, FLASH_PSE_TYPE, 1);
    STUB_REQUIRE(check_dtypes(flash));
    STUB_REQUIRE(check_values(flash));
    STUB_REQUIRE(read_layouts(flash));
    STUB_REQUIRE(read_rope(flash));
    STUB_REQUIRE(read_batches(flash));
    STUB_REQUIRE(check_statistics(flash, FLASH_MAX));
    STUB_REQUIRE(check_statistics(flash, FLASH_SUM));
    STUB_REQUIRE(check_mask(flash));
    STUB_REQUIRE(check_pse(flash));
    STUB_REQUIRE(check_drop(flash));
    return check_prefix(flash);
}

static stub_flash_span span_of(const aclIntArray *ends, int64_t batch, int64_t tokens) {
    if (!ends) {
        return (stub_flash_span){0, tokens};
    }
    const int64_t start = batch > 0 ? ends->values[batch - 1] : 0;
    return (stub_flash_span){start, ends->values[batch] - start};
}

stub_flash_span stub_flash_rows(const stub_flash *flash, int64_t batch) {
    return span_of(flash->family->by_tokens ? stub_flash_ints(flash, FLASH_Q_LENGTHS) : NULL, batch, flash->q.tokens);
}

stub_flash_span stub_flash_columns(const stub_flash *flash, int64_t batch) {
    return span_of(flash->family->by_tokens ? stub_flash_ints(flash, FLASH_KV_LENGTHS) : NULL, batch, flash->k.tokens);
}
