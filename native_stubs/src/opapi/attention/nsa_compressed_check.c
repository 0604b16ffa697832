/* Phase one of attention to compressed keys: data types, then what the documents and the vendor's tiling want. */
#include <string.h>

#include "opapi/attention/nsa_compressed.h"

enum { COPIES = 8, UNIT = 16, MOST_BLOCK = 128, MOST_STRIDE = 64, MOST_GROUP = 128, TEXT = 160 };
enum { MOST_COUNT = 32, MOST_COLUMNS = 14000 };                                            /* for training */
enum { MOST_ROWS = 4, MOST_KEYS = 8192, MOST_D = 192, MOST_DV = 128, MOST_BLOCKS = 4096 }; /* for inference */

const aclTensor *stub_compressed_tensor(const stub_compressed *read, int place) {
    return place < 0 ? NULL : read->call->args[place].tensor;
}

static const aclIntArray *ints_at(const stub_compressed *read, int place) {
    const aclIntArray *ints = place < 0 ? NULL : read->call->args[place].ints;
    return ints && ints->size > 0 ? ints : NULL;
}

static aclnnStatus refuse(const stub_compressed *read, int place, const char *rule) {
    char given[TEXT];
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; %s", read->call->op->name,
                     read->call->op->params[place].name,
                     stub_describe(stub_compressed_tensor(read, place), given, sizeof given), rule);
}

static aclnnStatus refuse_number(const stub_compressed *read, int place, const char *rule) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; %s", read->call->op->name,
                     read->call->op->params[place].name, (long long)read->call->args[place].integer, rule);
}

static aclnnStatus check_tensors(const stub_call *call, const stub_compressed_family *data) {
    const stub_compressed_places *at = &data->at;
    const int required[] = {at->query, at->key, at->value, at->largest, at->sum, at->out, at->chosen, at->table};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const uint32_t arg = (uint32_t)required[i];
        STUB_REQUIRE(required[i] < 0 ? ACLNN_SUCCESS : stub_check_given(call, &arg, 1));
    }
    const stub_dtypes masks = STUB_BOOLS | STUB_DTYPE(ACL_UINT8);
    const int mask = data->paged ? -1 : at->mask; /* of the other one nothing is read */
    const struct {
        int place;
        stub_dtypes allowed;
    } rules[] = {{at->query, STUB_HALVES},
                 {mask, masks},
                 {at->wanted, masks},
                 {at->table, STUB_DTYPE(ACL_INT32)},
                 {at->largest, STUB_DTYPE(ACL_FLOAT)},
                 {at->sum, STUB_DTYPE(ACL_FLOAT)},
                 {at->chosen, STUB_DTYPE(ACL_INT32)}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const stub_dtype_rule rule = {(uint32_t)rules[i].place, STUB_ON_ALL(rules[i].allowed)};
        STUB_REQUIRE(rules[i].place < 0 ? ACLNN_SUCCESS : stub_check_dtypes(call, &rule, 1));
    }
    const int alike[] = {at->key, at->value, at->out};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)alike[i], (uint32_t)at->query));
    }
    return ACLNN_SUCCESS;
}

static bool is_size(int64_t size, int64_t most) {
    return size >= UNIT && size <= most && size % UNIT == 0;
}

static aclnnStatus read_numbers(stub_compressed *read) {
    const stub_compressed_places *at = &read->data->at;
    const stub_value *args = read->call->args;
    read->heads = args[at->heads].integer;
    read->block = args[at->block].integer;
    read->stride = args[at->stride].integer;
    read->size = args[at->size].integer;
    read->count = args[at->count].integer;
    read->page = at->page < 0 ? 0 : args[at->page].integer;
    if (!is_size(read->block, MOST_BLOCK)) {
        return refuse_number(read, at->block, "it must be a multiple of 16, at most 128");
    }
    if (!is_size(read->stride, MOST_STRIDE) || read->stride > read->block) {
        return refuse_number(read, at->stride, "it must be a multiple of 16, at most 64 and compressBlockSize");
    }
    if (!is_size(read->size, MOST_BLOCK) || read->size < read->block || read->size % read->stride != 0) {
        return refuse_number(read, at->size,
                             "it must be a multiple of 16 and of the stride, at least compressBlockSize, at most 128");
    }
    if (read->data->paged && !is_size(read->page, MOST_BLOCK)) {
        return refuse_number(read, at->page, "it must be a multiple of 16, at most 128");
    }
    if (!read->data->paged && args[at->mode].integer != 0 && args[at->mode].integer != 1) {
        return refuse_number(read, at->mode, "allowed are 0 and 1");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_keys(stub_compressed *read) {
    const stub_compressed_places *at = &read->data->at;
    const aclTensor *key = stub_compressed_tensor(read, at->key), *value = stub_compressed_tensor(read, at->value);
    const char *letters = read->data->paged ? "BSH" : "TND";
    read->kv_heads = at->kv_heads >= 0 ? read->call->args[at->kv_heads].integer : key->rank == 3 ? key->shape[1] : 0;
    const int64_t group = read->kv_heads > 0 && read->heads % read->kv_heads == 0 ? read->heads / read->kv_heads : 0;
    if (group <= 0 || group > MOST_GROUP - !read->data->paged || MOST_GROUP % group != 0) {
        return refuse_number(read, at->heads,
                             "divided by the key's number of heads it must be a power of two below 128 "
                             "(for inference: up to 128)");
    }
    if (!stub_layout_of(key, letters, 3, read->kv_heads, &read->k) || read->k.d != read->q.d ||
        (read->data->paged && (read->k.tokens != read->page || read->k.d > MOST_D))) {
        return refuse(read, at->key,
                      read->data->paged
                          ? "it must be [blocks, pageBlockSize, H], with the query's head size, at most 192"
                          : "it must be [T, N, D] with the query's head size");
    }
    return stub_layout_of(value, letters, 3, read->kv_heads, &read->v) && read->v.tokens == read->k.tokens &&
                   read->v.batches == read->k.batches && read->v.d <= read->k.d &&
                   (!read->data->paged || read->v.d <= MOST_DV)
               ? ACLNN_SUCCESS
               : refuse(read, at->value,
                        "it must have the key's shape, or a smaller head size (for inference at most 128)");
}

static aclnnStatus read_layouts(stub_compressed *read) {
    const stub_compressed_places *at = &read->data->at;
    const char *letters = read->call->args[at->layout].text;
    if (!letters) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: the layout is NULL", read->call->op->name);
    }
    if (strcmp(letters, "TND") != 0 && !(read->data->paged && strcmp(letters, "BSND") == 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the layout is \"%s\"; allowed are TND%s", read->call->op->name,
                         letters, read->data->paged ? " and BSND" : "");
    }
    const uint32_t rank = (uint32_t)strlen(letters);
    if (!stub_layout_of(stub_compressed_tensor(read, at->query), letters, rank, read->heads, &read->q)) {
        return refuse(read, at->query, "it must have that layout, and the number of heads given");
    }
    STUB_REQUIRE(read_keys(read));
    if (!stub_layout_of(stub_compressed_tensor(read, at->out), letters, rank, read->heads, &read->out) ||
        read->out.tokens != read->q.tokens || read->out.batches != read->q.batches || read->out.d != read->v.d) {
        return refuse(read, at->out, "it must have the query's shape with the value's head size");
    }
    return stub_layout_of(stub_compressed_tensor(read, at->chosen), letters, rank, read->kv_heads, &read->chosen) &&
                   read->chosen.tokens == read->q.tokens && read->chosen.batches == read->q.batches &&
                   read->chosen.d == read->count
               ? ACLNN_SUCCESS
               : refuse(read, at->chosen, "it must be the query's shape with the key's heads and selectBlockCount");
}

bool stub_compressed_next(const stub_compressed *read, stub_compressed_batch *batch) {
    const aclIntArray *rows = ints_at(read, read->data->at.q_lengths);
    const aclIntArray *columns = ints_at(read, read->data->at.kv_lengths);
    batch->row = read->q.batch_step ? 0 : batch->row + batch->rows;
    batch->column = read->data->paged ? 0 : batch->column + batch->columns;
    if (++batch->batch == read->batches) {
        return false;
    }
    const int64_t end = rows ? rows->values[batch->batch] : 1;
    batch->rows = read->data->paged ? end : end - batch->row;
    batch->columns = columns->values[batch->batch] - batch->column;
    return true;
}

int64_t stub_compressed_blocks(const stub_compressed *read, int64_t columns) {
    const int64_t ratio = read->size / read->stride;
    return read->data->paged ? ((columns - 1) * read->stride + read->block + read->size - 1) / read->size
                             : (columns + ratio - 1) / ratio;
}

int64_t stub_compressed_blind(const stub_compressed *read, const stub_compressed_batch *batch) {
    const aclIntArray *all = ints_at(read, read->data->at.all_lengths);
    if (!read->data->paged || !stub_compressed_tensor(read, read->data->at.mask) || read->most_rows <= 1) {
        return 0;
    }
    const int64_t tail = all->values[batch->batch] - (batch->columns - 1) * read->stride - read->block;
    return batch->rows - 1 - tail;
}

static aclnnStatus check_batch(const stub_compressed *read, const stub_compressed_batch *batch) {
    const bool paged = read->data->paged;
    const int64_t most = paged ? read->pages * read->page : read->k.tokens;
    const bool fits = batch->rows >= 0 && batch->row + batch->rows <= read->q.tokens && batch->columns > 0 &&
                      batch->column + batch->columns <= most;
    if (!fits || batch->columns > (paged ? MOST_KEYS : MOST_COLUMNS) ||
        (paged && (batch->rows < 1 || batch->rows > MOST_ROWS))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: batch %lld has %lld tokens of the query%s and %lld compressed keys; there are %lld and "
                         "%lld in all, and one batch may have %d keys",
                         read->call->op->name, (long long)batch->batch, (long long)batch->rows,
                         paged ? " (allowed are 1 to 4)" : "", (long long)batch->columns, (long long)read->q.tokens,
                         (long long)most, paged ? MOST_KEYS : MOST_COLUMNS);
    }
    const int64_t blocks = stub_compressed_blocks(read, batch->columns);
    if (read->count < 1 || read->count > blocks || (!paged && read->count > MOST_COUNT) || blocks > MOST_BLOCKS) {
        return refuse_number(read, read->data->at.count,
                             paged ? "it must be at least 1 and at most the blocks of every batch, and those 4096"
                                   : "allowed are 1 to 32, and at most the blocks of every batch");
    }
    return ACLNN_SUCCESS;
}

/* Several tokens of one batch, and what each of them may see. */
static aclnnStatus check_all_lengths(const stub_compressed *read, const stub_compressed_batch *batch) {
    const aclIntArray *all = ints_at(read, read->data->at.all_lengths);
    if (!read->data->paged || read->most_rows <= 1) {
        return ACLNN_SUCCESS;
    }
    const int64_t length = all && (int64_t)all->size == read->batches ? all->values[batch->batch] : -1;
    if (length < read->block || (length - read->block) / read->stride + 1 != batch->columns) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: actualSelKvSeqLenOptional of batch %lld is %lld; with several tokens of the query it must "
            "be the tokens that the %lld compressed keys were made of",
            read->call->op->name, (long long)batch->batch, (long long)length, (long long)batch->columns);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_batches(stub_compressed *read) {
    const stub_compressed_places *at = &read->data->at;
    const aclIntArray *rows = ints_at(read, at->q_lengths), *columns = ints_at(read, at->kv_lengths);
    if (!columns || (!rows && !read->data->paged) || (rows && rows->size != columns->size)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s and %s must have a value for each batch",
                         read->call->op->name, read->call->op->params[at->q_lengths].name,
                         read->call->op->params[at->kv_lengths].name);
    }
    read->batches = (int64_t)columns->size;
    if (read->data->paged) {
        const aclTensor *table = stub_compressed_tensor(read, at->table);
        if (table->rank != 2 || table->shape[0] != read->batches) {
            return refuse(read, at->table, "it must be [batches, blocks of a sequence]");
        }
        read->pages = table->shape[1];
    }
    if (read->q.batch_step && read->q.batches != read->batches) {
        return refuse(read, at->query, "it must have a batch for each length");
    }
    for (stub_compressed_batch batch = {.batch = -1}; stub_compressed_next(read, &batch);) {
        STUB_REQUIRE(check_batch(read, &batch));
        read->most_rows = batch.rows > read->most_rows ? batch.rows : read->most_rows;
        read->most_columns = batch.columns > read->most_columns ? batch.columns : read->most_columns;
    }
    for (stub_compressed_batch batch = {.batch = -1}; stub_compressed_next(read, &batch);) {
        STUB_REQUIRE(check_all_lengths(read, &batch));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_plane(const stub_compressed *read, int place, int64_t columns, const char *rule) {
    const aclTensor *plane = stub_compressed_tensor(read, place);
    const int64_t dims[] = {read->most_rows, columns};
    return !plane ? ACLNN_SUCCESS : stub_check_shape(read->call, (uint32_t)place, dims, 2, rule);
}

static aclnnStatus check_training(const stub_compressed *read) {
    const stub_compressed_places *at = &read->data->at;
    const int64_t statistics[] = {read->q.tokens, read->heads, COPIES};
    STUB_REQUIRE(check_plane(read, at->mask, read->most_columns, "the most tokens and compressed keys of a batch"));
    STUB_REQUIRE(check_plane(read, at->wanted, stub_compressed_blocks(read, read->most_columns),
                             "the most tokens and blocks of a batch"));
    STUB_REQUIRE(stub_check_shape(read->call, (uint32_t)at->largest, statistics, 3, "[T, N, 8]"));
    return stub_check_shape(read->call, (uint32_t)at->sum, statistics, 3, "[T, N, 8]");
}

aclnnStatus stub_compressed_read(const stub_call *call, const stub_compressed_family *data, stub_compressed *read) {
    *read = (stub_compressed){.call = call, .data = data};
    STUB_REQUIRE(check_tensors(call, data));
    STUB_REQUIRE(read_numbers(read));
    STUB_REQUIRE(read_layouts(read));
    STUB_REQUIRE(read_batches(read));
    return data->paged ? ACLNN_SUCCESS : check_training(read);
}
