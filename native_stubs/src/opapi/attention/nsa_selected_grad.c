/* aclnnNsaSelectedAttentionGrad: every token's gradients go to the blocks of keys that were chosen for it. */
#include <stdlib.h>

#include "opapi/attention/attention_backward.h"
#include "opapi/attention/nsa_selected.h"

enum { COPIES = 8, MOST_GROUP = 32 };

/* Behind the arguments that the forward operator has too. */
enum { DY = 4, DQ = 17, DK = 18, DV = 19 };

typedef struct {
    stub_selected_family forward; /* `out` is attentionOut, an input */
} stub_selected_grad;

/* What a run has opened and taken. */
typedef struct {
    const stub_selection *read;
    stub_view view[DV + 1];
    int64_t *indices; /* [tokens][kv_heads][count] */
    stub_sequence *sequences;
    stub_gradients *gradients;
} run_state;

static aclnnStatus check_gradients(const stub_selection *read) {
    const struct {
        uint32_t arg;
        int model;
    } gradients[] = {
        {DY, read->data->at.out}, {DQ, read->data->at.query}, {DK, read->data->at.key}, {DV, read->data->at.value}};
    for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++) {
        STUB_REQUIRE(stub_check_given(read->call, &gradients[i].arg, 1));
        STUB_REQUIRE(stub_check_same_dtype(read->call, gradients[i].arg, (uint32_t)gradients[i].model));
        STUB_REQUIRE(stub_check_same_shape(read->call, gradients[i].arg, (uint32_t)gradients[i].model));
    }
    return read->heads / read->kv_heads <= MOST_GROUP
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID,
                           "%s: headNum is %lld for %lld heads of the key; allowed are 32 times "
                           "as many",
                           read->call->op->name, (long long)read->heads, (long long)read->kv_heads);
}

static aclnnStatus stub_selected_grad_check(const stub_call *call, stub_plan *plan, const stub_selected_grad *data) {
    stub_selection read;
    STUB_REQUIRE(stub_selected_read(call, &data->forward, &read));
    plan->nothing_to_run = stub_tensor_numel(stub_selected_tensor(&read, data->forward.at.query)) == 0;
    return check_gradients(&read);
}

static aclnnStatus open_all(run_state *state) {
    const stub_selected_places *at = &state->read->data->at;
    const int places[] = {at->query, at->key, at->value, at->out, at->largest, at->sum, at->indices, DY, DQ, DK, DV};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        STUB_REQUIRE(stub_view_open(state->read->call, (uint32_t)places[i], &state->view[places[i]]));
    }
    const stub_view *indices = &state->view[at->indices];
    const size_t batches = (size_t)state->read->batches + 1;
    state->indices = malloc((size_t)(stub_tensor_numel(indices->tensor) + 1) * sizeof *state->indices);
    state->sequences = calloc(batches, sizeof *state->sequences);
    state->gradients = calloc(batches, sizeof *state->gradients);
    if (!state->indices || !state->sequences || !state->gradients) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", state->read->call->op->name);
    }
    stub_load_all(indices, ACL_INT64, sizeof *state->indices, state->indices);
    return ACLNN_SUCCESS;
}

static stub_heads heads_of(const run_state *state, int place, const stub_layout *like, int64_t start) {
    const stub_view *view = &state->view[place];
    stub_layout own;
    (void)stub_layout_of(view->tensor, "TND", 3, like->heads, &own);
    return stub_layout_heads(&own, view->tensor, view->base, 0, start);
}

static stub_statistic statistic_of(const run_state *state, int place, int64_t start) {
    const stub_view *view = &state->view[place];
    const aclTensor *tensor = view->tensor;
    return (stub_statistic){(float *)(void *)view->base + tensor->offset + start * tensor->strides[0],
                            tensor->strides[1], tensor->strides[0], COPIES, tensor->strides[2]};
}

static aclnnStatus check_indices(const run_state *state, int64_t start, int64_t rows, int64_t columns) {
    const stub_selection *read = state->read;
    const int64_t each = read->kv_heads * read->count;
    for (int64_t i = start * each; i < (start + rows) * each; i++) {
        if (state->indices[i] < 0 || state->indices[i] > columns / read->size ||
            state->indices[i] * read->size >= columns) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: topkIndices of token %lld name keys that do not exist",
                             read->call->op->name, (long long)(i / each));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus add_batch(run_state *state, int64_t batch) {
    const stub_selection *read = state->read;
    const stub_selected_places *at = &read->data->at;
    int64_t start, kv_start;
    const int64_t rows = stub_selected_rows(read, batch, &start);
    const int64_t columns = stub_selected_length(read, at->kv_lengths, batch, 0, &kv_start);
    STUB_REQUIRE(check_indices(state, start, rows, columns));
    state->sequences[batch] = (stub_sequence){.q = heads_of(state, at->query, &read->q, start),
                                              .k = heads_of(state, at->key, &read->k, kv_start),
                                              .v = heads_of(state, at->value, &read->v, kv_start),
                                              .out = heads_of(state, at->out, &read->out, start),
                                              .rows = rows,
                                              .columns = columns,
                                              .low = -STUB_UNBOUNDED,
                                              .high = read->causal ? 0 : STUB_UNBOUNDED,
                                              .largest = statistic_of(state, at->largest, start),
                                              .sum = statistic_of(state, at->sum, start)};
    state->gradients[batch] =
        (stub_gradients){.dy = heads_of(state, DY, &read->out, start),
                         .dq = heads_of(state, DQ, &read->q, start),
                         .dk = heads_of(state, DK, &read->k, kv_start),
                         .dv = heads_of(state, DV, &read->v, kv_start),
                         .chosen = {state->indices + start * read->kv_heads * read->count, read->kv_heads * read->count,
                                    read->count, read->count, read->size}};
    return ACLNN_SUCCESS;
}

static aclnnStatus run_all(run_state *state) {
    const stub_selection *read = state->read;
    STUB_REQUIRE(open_all(state));
    for (int64_t batch = 0; batch < read->batches; batch++) {
        STUB_REQUIRE(add_batch(state, batch));
    }
    const stub_attention attention = {.sequences = state->sequences,
                                      .count = read->batches,
                                      .heads = read->heads,
                                      .kv_heads = read->kv_heads,
                                      .d = read->q.d,
                                      .dv = read->v.d,
                                      .scale = read->call->args[read->data->at.scale].real,
                                      .keep = 1};
    return stub_attention_backward(read->call, &attention, state->gradients);
}

/* The mode alone hides keys: the mask is not read, as in the vendor's kernel. */
static aclnnStatus stub_selected_grad_run(const stub_call *call, const stub_selected_grad *data) {
    stub_selection read;
    STUB_REQUIRE(stub_selected_read(call, &data->forward, &read));
    read.causal = call->args[data->forward.at.mode].integer == 2;
    run_state state = {.read = &read};
    const aclnnStatus status = run_all(&state);
    free(state.indices);
    free(state.sequences);
    free(state.gradients);
    return status;
}

STUB_FAMILY_KERNEL(aclnnNsaSelectedAttentionGrad, stub_selected_grad,
                   {.forward = {.at = {.query = 0,
                                       .key = 1,
                                       .value = 2,
                                       .out = 3,
                                       .largest = 5,
                                       .sum = 6,
                                       .indices = 7,
                                       .q_lengths = 8,
                                       .kv_lengths = 9,
                                       .mask = 10,
                                       .scale = 11,
                                       .size = 12,
                                       .count = 13,
                                       .heads = 14,
                                       .layout = 15,
                                       .mode = 16,
                                       .table = -1,
                                       .kv_heads = -1,
                                       .page = -1},
                                .paged = false,
                                .misfit = ACLNN_ERR_PARAM_INVALID}})
