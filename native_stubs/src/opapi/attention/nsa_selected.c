/* aclnnNsaSelectedAttention and aclnnNsaSelectedAttentionInfer: every token of a query attends to blocks of keys that
 * have been chosen for it.
 *
 * For each token and head of the keys the chosen tokens are listed; a list is a sequence whose pages hold one token. */
#include "opapi/attention/nsa_selected.h"

#include <stdlib.h>
#include <string.h>

#include "opapi/attention/attention.h"

enum { COPIES = 8, LISTED = 1 << 20 };

/* What a run has opened. */
typedef struct {
    const stub_selection *read;
    uint8_t *query, *key, *value, *out;
    float *largest, *sum;
    int64_t *indices, *table; /* [tokens][kv_heads][count]; [batches][blocks] */
    int32_t *lists;
    stub_sequence *sequences;
    int64_t pending; /* sequences */
} run_state;

static aclnnStatus stub_selected_family_check(const stub_call *call, stub_plan *plan,
                                              const stub_selected_family *data) {
    stub_selection read;
    STUB_REQUIRE(stub_selected_read(call, data, &read));
    plan->nothing_to_run = stub_tensor_numel(stub_selected_tensor(&read, data->at.query)) == 0;
    return ACLNN_SUCCESS;
}

/* The chosen tokens, as numbers of tokens in the keys' storage. -1: a block that is outside of the keys. */
static int64_t list_tokens(const run_state *state, int64_t batch, const int64_t *chosen, int64_t start, int64_t columns,
                           int64_t visible, int32_t *list) {
    const stub_selection *read = state->read;
    int64_t n = 0;
    for (int64_t i = 0; i < read->count; i++) {
        if (chosen[i] < 0 && read->data->paged) {
            continue;
        }
        if (chosen[i] < 0 || chosen[i] > columns / read->size || chosen[i] * read->size >= columns) {
            return -1;
        }
        const int64_t end = (chosen[i] + 1) * read->size;
        for (int64_t t = chosen[i] * read->size; t < (end < visible ? end : visible); t++) {
            const int64_t block = read->data->paged ? state->table[batch * read->blocks + t / read->page] : 0;
            if (read->data->paged && (block < 0 || block >= read->k.batches)) {
                return -1;
            }
            list[n++] = (int32_t)(read->data->paged ? block * read->page + t % read->page : start + t);
        }
    }
    return n;
}

static stub_heads chosen_heads(const stub_layout *layout, const aclTensor *tensor, uint8_t *base, int64_t head,
                               const int32_t *list) {
    stub_heads heads = stub_layout_heads(layout, tensor, base, 0, 0);
    heads.first += head * heads.head;
    heads.pages = list;
    heads.page_size = 1;
    heads.page = heads.token;
    heads.page_count = layout->batches * layout->tokens;
    return heads;
}

static stub_heads own_heads(const stub_layout *layout, const aclTensor *tensor, uint8_t *base, int64_t batch,
                            int64_t token, int64_t head) {
    stub_heads heads = stub_layout_heads(layout, tensor, base, batch, token);
    heads.first += head * heads.head;
    return heads;
}

static stub_statistic statistic_of(const run_state *state, int place, float *first, int64_t token, int64_t head) {
    const aclTensor *tensor = stub_selected_tensor(state->read, place);
    return first ? (stub_statistic){first + tensor->offset + token * tensor->strides[0] + head * tensor->strides[1],
                                    tensor->strides[1], 0, COPIES, tensor->strides[2]}
                 : (stub_statistic){0};
}

static aclnnStatus flush(run_state *state) {
    const stub_selection *read = state->read;
    const stub_attention attention = {.sequences = state->sequences,
                                      .count = state->pending,
                                      .heads = read->heads / read->kv_heads,
                                      .kv_heads = 1,
                                      .d = read->q.d,
                                      .dv = read->v.d,
                                      .scale = read->call->args[read->data->at.scale].real,
                                      .keep = 1};
    state->pending = 0;
    return stub_attention_run(read->call, &attention);
}

/* Sequences that are listed before they run. */
static int64_t capacity(const stub_selection *read) {
    const int64_t fits = LISTED / (read->count * read->size);
    return fits > read->kv_heads ? fits : read->kv_heads;
}

static aclnnStatus add_token(run_state *state, int64_t batch, int64_t row, int64_t rows, int64_t start) {
    const stub_selection *read = state->read;
    const stub_selected_places *at = &read->data->at;
    const int64_t group = read->heads / read->kv_heads;
    const int64_t flat = (read->q.batch_step ? batch * read->q.tokens : start) + row;
    int64_t kv_start;
    const int64_t columns = stub_selected_length(read, at->kv_lengths, batch, 0, &kv_start);
    const int64_t last = read->data->paged ? columns - rows + row : row;
    for (int64_t head = 0; head < read->kv_heads; head++) {
        int32_t *list = state->lists + state->pending * read->count * read->size;
        const int64_t n = list_tokens(state, batch, state->indices + (flat * read->kv_heads + head) * read->count,
                                      kv_start, columns, read->causal && last + 1 < columns ? last + 1 : columns, list);
        if (n < 0) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: topkIndices of token %lld name keys that do not exist",
                             read->call->op->name, (long long)flat);
        }
        state->sequences[state->pending++] = (stub_sequence){
            .q = own_heads(&read->q, stub_selected_tensor(read, at->query), state->query, batch, start + row,
                           head * group),
            .out = own_heads(&read->out, stub_selected_tensor(read, at->out), state->out, batch, start + row,
                             head * group),
            .k = chosen_heads(&read->k, stub_selected_tensor(read, at->key), state->key, head, list),
            .v = chosen_heads(&read->v, stub_selected_tensor(read, at->value), state->value, head, list),
            .rows = 1,
            .columns = n,
            .low = -STUB_UNBOUNDED,
            .high = STUB_UNBOUNDED,
            .largest = statistic_of(state, at->largest, state->largest, start + row, head * group),
            .sum = statistic_of(state, at->sum, state->sum, start + row, head * group)};
    }
    return state->pending + read->kv_heads > capacity(read) ? flush(state) : ACLNN_SUCCESS;
}

static aclnnStatus open_to(const stub_selection *read, int place, void *to) {
    void *base = NULL;
    if (place >= 0) {
        STUB_REQUIRE(stub_tensor_open(read->call, (uint32_t)place, stub_selected_tensor(read, place), &base));
    }
    memcpy(to, &base, sizeof base);
    return ACLNN_SUCCESS;
}

static aclnnStatus load_integers(const stub_selection *read, int place, int64_t **to) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(read->call, (uint32_t)place, &view));
    *to = malloc((size_t)(stub_tensor_numel(view.tensor) + 1) * sizeof **to);
    if (!*to) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", read->call->op->name);
    }
    stub_load_all(&view, ACL_INT64, sizeof **to, *to);
    return ACLNN_SUCCESS;
}

static aclnnStatus open_all(run_state *state) {
    const stub_selection *read = state->read;
    const stub_selected_places *at = &read->data->at;
    STUB_REQUIRE(open_to(read, at->query, &state->query));
    STUB_REQUIRE(open_to(read, at->key, &state->key));
    STUB_REQUIRE(open_to(read, at->value, &state->value));
    STUB_REQUIRE(open_to(read, at->out, &state->out));
    STUB_REQUIRE(open_to(read, at->largest, &state->largest));
    STUB_REQUIRE(open_to(read, at->sum, &state->sum));
    STUB_REQUIRE(load_integers(read, at->indices, &state->indices));
    STUB_REQUIRE(at->table < 0 ? ACLNN_SUCCESS : load_integers(read, at->table, &state->table));
    state->lists = malloc((size_t)(capacity(read) * read->count * read->size) * sizeof *state->lists);
    state->sequences = malloc((size_t)capacity(read) * sizeof *state->sequences);
    return state->lists && state->sequences ? ACLNN_SUCCESS
                                            : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", read->call->op->name);
}

static aclnnStatus run_all(run_state *state) {
    STUB_REQUIRE(open_all(state));
    for (int64_t batch = 0; batch < state->read->batches; batch++) {
        int64_t start;
        const int64_t rows = stub_selected_rows(state->read, batch, &start);
        for (int64_t row = 0; row < rows; row++) {
            STUB_REQUIRE(add_token(state, batch, row, rows, start));
        }
    }
    return flush(state);
}

static aclnnStatus stub_selected_family_run(const stub_call *call, const stub_selected_family *data) {
    stub_selection read;
    STUB_REQUIRE(stub_selected_read(call, data, &read));
    run_state state = {.read = &read};
    const aclnnStatus status = run_all(&state);
    free(state.indices);
    free(state.table);
    free(state.lists);
    free(state.sequences);
    return status;
}

STUB_FAMILY_KERNEL(aclnnNsaSelectedAttention, stub_selected_family,
                   {.at = {.query = 0,
                           .key = 1,
                           .value = 2,
                           .indices = 3,
                           .mask = 4,
                           .table = -1,
                           .q_lengths = 5,
                           .kv_lengths = 6,
                           .scale = 7,
                           .heads = 8,
                           .kv_heads = -1,
                           .layout = 9,
                           .mode = 10,
                           .size = 11,
                           .count = 12,
                           .page = -1,
                           .largest = 13,
                           .sum = 14,
                           .out = 15},
                    .paged = false,
                    .misfit = ACLNN_ERR_PARAM_INVALID})
STUB_FAMILY_KERNEL(aclnnNsaSelectedAttentionInfer, stub_selected_family,
                   {.at = {.query = 0,
                           .key = 1,
                           .value = 2,
                           .indices = 3,
                           .mask = 4,
                           .table = 5,
                           .q_lengths = 6,
                           .kv_lengths = 7,
                           .layout = 8,
                           .heads = 9,
                           .kv_heads = 10,
                           .size = 11,
                           .count = 12,
                           .page = 13,
                           .scale = 14,
                           .mode = 15,
                           .largest = -1,
                           .sum = -1,
                           .out = 16},
                    .paged = true,
                    .misfit = ACLNN_ERR_INNER_TILING_ERROR})
