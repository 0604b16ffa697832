/* Phase one of attention to chosen blocks: data types, then what the documents and the vendor's tiling want. */
#include <string.h>

#include "opapi/attention/nsa_selected.h"

enum { COPIES = 8, MOST_BLOCK = 128, BLOCK_UNIT = 16, MOST_COUNT = 32, TEXT = 160 };

const aclTensor *stub_selected_tensor(const stub_selection *read, int place) {
    return place < 0 ? NULL : read->call->args[place].tensor;
}

static const aclIntArray *ints_at(const stub_selection *read, int place) {
    const aclIntArray *ints = read->call->args[place].ints;
    return ints && ints->size > 0 ? ints : NULL;
}

static aclnnStatus refuse(const stub_selection *read, int place, const char *rule) {
    char given[TEXT];
    return stub_fail(read->data->misfit, "%s: %s is %s; %s", read->call->op->name, read->call->op->params[place].name,
                     stub_describe(stub_selected_tensor(read, place), given, sizeof given), rule);
}

static aclnnStatus refuse_number(const stub_selection *read, int place, const char *rule) {
    return stub_fail(read->data->misfit, "%s: %s is %lld; %s", read->call->op->name, read->call->op->params[place].name,
                     (long long)read->call->args[place].integer, rule);
}

static aclnnStatus check_tensors(const stub_call *call, const stub_selected_family *data) {
    const stub_selected_places *at = &data->at;
    const int required[] = {at->query, at->key, at->value, at->indices, at->out, at->largest, at->sum, at->table};
    const int alike[] = {at->key, at->value, at->out};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const uint32_t arg = (uint32_t)required[i];
        STUB_REQUIRE(required[i] < 0 ? ACLNN_SUCCESS : stub_check_given(call, &arg, 1));
    }
    if (!call->args[at->layout].text && !data->paged) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: inputLayout is NULL", call->op->name);
    }
    const stub_dtypes statistics = data->paged ? STUB_HALVES : STUB_DTYPE(ACL_FLOAT);
    const stub_dtype_rule rules[] = {
        {(uint32_t)at->query, STUB_ON_ALL(STUB_HALVES)},
        {(uint32_t)at->indices, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {(uint32_t)(data->paged ? at->table : at->indices), STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {(uint32_t)(data->paged ? at->query : at->largest), STUB_ON_ALL(statistics)},
        {(uint32_t)(data->paged ? at->query : at->sum), STUB_ON_ALL(statistics)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, sizeof rules / sizeof *rules));
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)alike[i], (uint32_t)at->query));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_numbers(stub_selection *read) {
    const stub_selected_places *at = &read->data->at;
    const stub_call *call = read->call;
    read->heads = call->args[at->heads].integer;
    read->size = call->args[at->size].integer;
    read->count = call->args[at->count].integer;
    read->page = read->data->paged ? call->args[at->page].integer : 0;
    const int64_t mode = call->args[at->mode].integer;
    if (read->size <= 0 || read->size > MOST_BLOCK || read->size % BLOCK_UNIT != 0) {
        return refuse_number(read, at->size, "it must be a multiple of 16, at most 128");
    }
    if (read->count <= 0 || (!read->data->paged && read->count > MOST_COUNT)) {
        return refuse_number(read, at->count, "allowed are 1 to 32");
    }
    if (read->data->paged && read->page <= 0) {
        return refuse_number(read, at->page, "it must be the number of tokens in a block of the cache");
    }
    if (!read->data->paged && mode != 0 && mode != 2) {
        return refuse_number(read, at->mode, "allowed are 0 and 2");
    }
    read->causal = read->data->paged || (mode == 2 && stub_selected_tensor(read, at->mask));
    return ACLNN_SUCCESS;
}

static aclnnStatus read_keys(stub_selection *read) {
    const stub_selected_places *at = &read->data->at;
    const aclTensor *key = stub_selected_tensor(read, at->key), *value = stub_selected_tensor(read, at->value);
    const bool four = read->data->paged && key->rank == 4;
    const char *letters = !read->data->paged ? "TND" : four ? "BSND" : "BSH";
    const uint32_t rank = four ? 4 : 3;
    read->kv_heads = at->kv_heads >= 0 ? read->call->args[at->kv_heads].integer : key->rank == 3 ? key->shape[1] : 0;
    if (read->kv_heads <= 0 || read->heads % read->kv_heads != 0 ||
        !stub_layout_of(key, letters, rank, read->kv_heads, &read->k) || read->k.d != read->q.d ||
        (read->data->paged && read->k.tokens != read->page)) {
        return refuse(read, at->key,
                      "its heads must divide the query's and be as long; blocks hold pageBlockSize tokens");
    }
    return stub_layout_of(value, letters, rank, read->kv_heads, &read->v) && read->v.tokens == read->k.tokens &&
                   read->v.batches == read->k.batches && read->v.d <= read->k.d
               ? ACLNN_SUCCESS
               : refuse(read, at->value, "it must have the key's shape, or a smaller head size");
}

static aclnnStatus read_query(stub_selection *read) {
    const stub_selected_places *at = &read->data->at;
    const char *text = read->call->args[at->layout].text;
    const char *letters = text ? text : "BSND";
    const bool known = strcmp(letters, "TND") == 0 ||
                       (read->data->paged && (strcmp(letters, "BSND") == 0 || strcmp(letters, "BSH") == 0));
    if (!known) {
        return stub_fail(read->data->misfit, "%s: the layout is \"%s\"; allowed are TND%s", read->call->op->name,
                         letters, read->data->paged ? ", BSND and BSH" : "");
    }
    const uint32_t rank = (uint32_t)strlen(letters);
    if (!stub_layout_of(stub_selected_tensor(read, at->query), letters, rank, read->heads, &read->q)) {
        return refuse(read, at->query, "it must have that layout, and the number of heads given");
    }
    STUB_REQUIRE(read_keys(read));
    return stub_layout_of(stub_selected_tensor(read, at->out), letters, rank, read->heads, &read->out) &&
                   read->out.tokens == read->q.tokens && read->out.batches == read->q.batches &&
                   read->out.d == read->v.d
               ? ACLNN_SUCCESS
               : refuse(read, at->out, "it must have the query's shape with the value's head size");
}

/* Tokens of a batch: the first, and how many. */
int64_t stub_selected_length(const stub_selection *read, int place, int64_t batch, int64_t otherwise, int64_t *start) {
    const aclIntArray *ints = ints_at(read, place);
    if (!read->data->paged) {
        *start = batch > 0 ? ints->values[batch - 1] : 0;
        return ints->values[batch] - *start;
    }
    *start = 0;
    for (int64_t i = 0; i < batch; i++) {
        *start += ints ? ints->values[i] : otherwise;
    }
    return ints ? ints->values[batch] : otherwise;
}

int64_t stub_selected_rows(const stub_selection *read, int64_t batch, int64_t *start) {
    const int64_t each = read->q.batch_step ? read->q.tokens : 1;
    const int64_t count = stub_selected_length(read, read->data->at.q_lengths, batch, each, start);
    *start = read->q.batch_step ? 0 : *start;
    return count;
}

static aclnnStatus check_lengths(const stub_selection *read) {
    const stub_selected_places *at = &read->data->at;
    const int64_t most = read->data->paged ? read->blocks * read->page : read->k.tokens;
    for (int64_t batch = 0; batch < read->batches; batch++) {
        int64_t start, unused;
        const int64_t rows = stub_selected_rows(read, batch, &start),
                      columns = stub_selected_length(read, at->kv_lengths, batch, 0, &unused);
        if (rows < 0 || start + rows > read->q.tokens || columns < 0 || columns > most ||
            (!read->data->paged && unused + columns > most)) {
            return stub_fail(read->data->misfit,
                             "%s: batch %lld has %lld tokens of the query and %lld keys; there are "
                             "%lld and %lld in all",
                             read->call->op->name, (long long)batch, (long long)rows, (long long)columns,
                             (long long)read->q.tokens, (long long)most);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_batches(stub_selection *read) {
    const stub_selected_places *at = &read->data->at;
    const aclIntArray *rows = ints_at(read, at->q_lengths), *columns = ints_at(read, at->kv_lengths);
    if (!columns || (!rows && !read->data->paged) || (rows && rows->size != columns->size)) {
        return stub_fail(read->data->misfit, "%s: %s and %s must have a value for each batch", read->call->op->name,
                         read->call->op->params[at->q_lengths].name, read->call->op->params[at->kv_lengths].name);
    }
    read->batches = (int64_t)columns->size;
    if (read->data->paged) {
        const aclTensor *table = stub_selected_tensor(read, at->table);
        if (table->rank != 2 || table->shape[0] < read->batches) {
            return refuse(read, at->table, "it must be [batches, blocks of a sequence]");
        }
        read->blocks = table->shape[1];
    }
    if (read->q.batch_step && read->q.batches != read->batches) {
        return refuse(read, at->query, "it must have a batch for each length");
    }
    return check_lengths(read);
}

aclnnStatus stub_selected_read(const stub_call *call, const stub_selected_family *data, stub_selection *read) {
    *read = (stub_selection){.call = call, .data = data};
    const stub_selected_places *at = &data->at;
    STUB_REQUIRE(check_tensors(call, data));
    STUB_REQUIRE(read_numbers(read));
    STUB_REQUIRE(read_query(read));
    STUB_REQUIRE(read_batches(read));
    const int64_t chosen = read->q.batches * read->q.tokens * read->kv_heads * read->count;
    if (stub_tensor_numel(stub_selected_tensor(read, at->indices)) != chosen) {
        return refuse(read, at->indices, "it must have the count of blocks for each token and head of the keys");
    }
    const int64_t statistics[] = {read->q.tokens, read->heads, COPIES};
    STUB_REQUIRE(data->paged ? ACLNN_SUCCESS
                             : stub_check_shape(call, (uint32_t)at->largest, statistics, 3, "[T, N, 8]"));
    return data->paged ? ACLNN_SUCCESS : stub_check_shape(call, (uint32_t)at->sum, statistics, 3, "[T, N, 8]");
}
