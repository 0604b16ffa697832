/* aclnnNsaCompressAttention and aclnnNsaCompressAttentionInfer: attention to compressed keys, and the blocks of tokens
 * that this attention finds important.
 *
 * Statistics lie as the vendor's kernel leaves them: [heads][tokens][8] of one batch behind the other, though their
 * shape is [T, N, 8]. */
#include "opapi/attention/nsa_compressed.h"

#include <stdlib.h>

#include "opapi/attention/attention.h"
#include "opapi/attention/nsa_importance.h"

enum { COPIES = 8 };

/* What a run has opened and taken. */
typedef struct {
    const stub_compressed *read;
    stub_view query, key, value, out, chosen, mask, wanted, largest, sum;
    int32_t *table;
    float *statistics; /* [2][tokens * heads] */
    uint8_t *blind;    /* [rows][columns]: the mask of a batch, one behind the other */
    stub_sequence *sequences;
    stub_choice *choices;
} run_state;

static aclnnStatus stub_compressed_family_check(const stub_call *call, stub_plan *plan,
                                                const stub_compressed_family *data) {
    stub_compressed read;
    STUB_REQUIRE(stub_compressed_read(call, data, &read));
    plan->nothing_to_run = stub_tensor_numel(stub_compressed_tensor(&read, data->at.query)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus open_all(run_state *state) {
    const stub_compressed_places *at = &state->read->data->at;
    const struct {
        int place;
        stub_view *view;
    } views[] = {{at->query, &state->query},
                 {at->key, &state->key},
                 {at->value, &state->value},
                 {at->out, &state->out},
                 {at->chosen, &state->chosen},
                 {state->read->data->paged ? -1 : at->mask, &state->mask},
                 {state->read->data->paged ? -1 : at->wanted, &state->wanted},
                 {at->largest, &state->largest},
                 {at->sum, &state->sum}};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        if (stub_compressed_tensor(state->read, views[i].place)) {
            STUB_REQUIRE(stub_view_open(state->read->call, (uint32_t)views[i].place, views[i].view));
        }
    }
    return ACLNN_SUCCESS;
}

/* Pages are INT32, as numbers they are int64_t. */
static aclnnStatus load_table(run_state *state) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(state->read->call, (uint32_t)state->read->data->at.table, &view));
    const int64_t count = stub_tensor_numel(view.tensor);
    int64_t *numbers = malloc((size_t)(count + 1) * sizeof *numbers);
    state->table = malloc((size_t)(count + 1) * sizeof *state->table);
    if (numbers && state->table) {
        stub_load_all(&view, ACL_INT32, sizeof *numbers, numbers);
        for (int64_t i = 0; i < count; i++) {
            state->table[i] = (int32_t)numbers[i];
        }
    }
    const bool enough = numbers && state->table;
    free(numbers);
    return enough ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", state->read->call->op->name);
}

static aclnnStatus take_memory(run_state *state) {
    const stub_compressed *read = state->read;
    const size_t batches = (size_t)read->batches;
    const size_t rows = (size_t)(read->q.batches * read->q.tokens * read->heads);
    const size_t seen = (size_t)(read->most_rows * read->most_columns);
    STUB_REQUIRE(read->data->paged ? load_table(state) : ACLNN_SUCCESS);
    state->statistics = malloc((2 * rows + 1) * sizeof *state->statistics);
    state->blind = calloc(read->data->paged ? batches * seen + 1 : 1, 1);
    state->sequences = calloc(batches, sizeof *state->sequences);
    state->choices = calloc(batches, sizeof *state->choices);
    const bool enough =
        state->statistics && state->blind && state->sequences && state->choices && (state->table || !read->data->paged);
    return enough ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", read->call->op->name);
}

static stub_plane plane_of(const stub_view *view) {
    const aclTensor *tensor = view->tensor;
    return tensor ? (stub_plane){view->base + tensor->offset, tensor->dtype, 0, tensor->strides[0], tensor->strides[1]}
                  : (stub_plane){0};
}

/* The last compressed key is hidden from tokens that came before some of its own. */
static stub_plane hide_last(run_state *state, const stub_compressed_batch *batch) {
    const stub_compressed *read = state->read;
    uint8_t *mask = state->blind + batch->batch * read->most_rows * read->most_columns;
    const int64_t blind = stub_compressed_blind(read, batch);
    for (int64_t row = 0; row < blind && row < batch->rows; row++) {
        mask[(row + 1) * batch->columns - 1] = 1;
    }
    return (stub_plane){mask, ACL_BOOL, 0, batch->columns, 1};
}

static stub_heads keys_of(const run_state *state, const stub_layout *layout, const stub_view *view,
                          const stub_compressed_batch *batch) {
    const stub_compressed *read = state->read;
    stub_heads heads = stub_layout_heads(layout, view->tensor, view->base, 0, batch->column);
    if (read->data->paged) {
        heads.pages = state->table + batch->batch * read->pages;
        heads.page_size = read->page;
        heads.page = layout->batch_step * stub_dtype_bits(view->tensor->dtype) / 8;
        heads.page_count = layout->batches;
    }
    return heads;
}

/* Rows of a batch's part of the statistics; with a query [B, S, N, D] every batch has S. */
static int64_t first_row(const stub_compressed *read, const stub_compressed_batch *batch) {
    return read->q.batch_step ? batch->batch * read->q.tokens : batch->row;
}

static void add_batch(run_state *state, const stub_compressed_batch *batch) {
    const stub_compressed *read = state->read;
    const int64_t all = read->q.batches * read->q.tokens * read->heads;
    const stub_statistic largest = {state->statistics + first_row(read, batch) * read->heads, batch->rows, 1, 1, 0};
    stub_statistic sum = largest;
    sum.first += all;
    state->sequences[batch->batch] = (stub_sequence){
        .q = stub_layout_heads(&read->q, state->query.tensor, state->query.base, batch->batch, batch->row),
        .k = keys_of(state, &read->k, &state->key, batch),
        .v = keys_of(state, &read->v, &state->value, batch),
        .out = stub_layout_heads(&read->out, state->out.tensor, state->out.base, batch->batch, batch->row),
        .rows = batch->rows,
        .columns = batch->columns,
        .low = -STUB_UNBOUNDED,
        .high = STUB_UNBOUNDED,
        .mask = read->data->paged ? hide_last(state, batch) : plane_of(&state->mask),
        .largest = largest,
        .sum = sum};
    const int64_t first =
        state->chosen.tensor->offset + batch->batch * read->chosen.batch_step + batch->row * read->chosen.token_step;
    state->choices[batch->batch] = (stub_choice){.blocks = stub_compressed_blocks(read, batch->columns),
                                                 .wanted = plane_of(&state->wanted),
                                                 .chosen = (int32_t *)(void *)state->chosen.base + first,
                                                 .token = read->chosen.token_step,
                                                 .head = read->chosen.head_step,
                                                 .element = read->chosen.element_step};
}

static void store_statistic(const stub_view *view, const float *statistic, int64_t rows, int64_t heads) {
    const aclTensor *tensor = view->tensor;
    float *to = (float *)(void *)view->base + tensor->offset;
    for (int64_t i = 0; i < rows * heads; i++) {
        for (int64_t copy = 0; copy < COPIES; copy++) {
            to[i / heads * tensor->strides[0] + i % heads * tensor->strides[1] + copy * tensor->strides[2]] =
                statistic[i];
        }
    }
}

static aclnnStatus compute(run_state *state) {
    const stub_compressed *read = state->read;
    const stub_attention attention = {.sequences = state->sequences,
                                      .count = read->batches,
                                      .heads = read->heads,
                                      .kv_heads = read->kv_heads,
                                      .d = read->q.d,
                                      .dv = read->v.d,
                                      .scale = read->call->args[read->data->at.scale].real,
                                      .least = true,
                                      .keep = 1};
    const stub_importance importance = {.attention = &attention,
                                        .choices = state->choices,
                                        .stride = read->size / read->stride,
                                        .overlap = read->block / read->stride,
                                        .count = read->count,
                                        .ends = read->data->paged};
    STUB_REQUIRE(stub_attention_run(read->call, &attention));
    return stub_importance_run(read->call, &importance);
}

static aclnnStatus run_all(run_state *state) {
    const stub_compressed *read = state->read;
    int64_t rows = 0;
    STUB_REQUIRE(open_all(state));
    STUB_REQUIRE(take_memory(state));
    for (stub_compressed_batch batch = {.batch = -1}; stub_compressed_next(read, &batch);) {
        add_batch(state, &batch);
        rows = batch.row + batch.rows;
    }
    STUB_REQUIRE(compute(state));
    if (!read->data->paged) {
        store_statistic(&state->largest, state->statistics, rows, read->heads);
        store_statistic(&state->sum, state->statistics + read->q.tokens * read->heads, rows, read->heads);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_compressed_family_run(const stub_call *call, const stub_compressed_family *data) {
    stub_compressed read;
    STUB_REQUIRE(stub_compressed_read(call, data, &read));
    run_state state = {.read = &read};
    const aclnnStatus status = run_all(&state);
    free(state.table);
    free(state.statistics);
    free(state.blind);
    free(state.sequences);
    free(state.choices);
    return status;
}

STUB_FAMILY_KERNEL(aclnnNsaCompressAttention, stub_compressed_family,
                   {.at = {.query = 0,
                           .key = 1,
                           .value = 2,
                           .mask = 3,
                           .wanted = 4,
                           .table = -1,
                           .q_lengths = 5,
                           .kv_lengths = 6,
                           .all_lengths = -1,
                           .scale = 8,
                           .heads = 9,
                           .kv_heads = -1,
                           .layout = 10,
                           .mode = 11,
                           .block = 12,
                           .stride = 13,
                           .size = 14,
                           .count = 15,
                           .page = -1,
                           .largest = 16,
                           .sum = 17,
                           .out = 18,
                           .chosen = 19},
                    .paged = false})
STUB_FAMILY_KERNEL(aclnnNsaCompressAttentionInfer, stub_compressed_family,
                   {.at = {.query = 0,
                           .key = 1,
                           .value = 2,
                           .mask = 3,
                           .wanted = -1,
                           .table = 4,
                           .q_lengths = 5,
                           .kv_lengths = 6,
                           .all_lengths = 7,
                           .heads = 9,
                           .kv_heads = 10,
                           .size = 11,
                           .count = 12,
                           .block = 13,
                           .stride = 14,
                           .scale = 15,
                           .layout = 16,
                           .page = 17,
                           .mode = -1,
                           .largest = -1,
                           .sum = -1,
                           .out = 19,
                           .chosen = 20},
                    .paged = true})
