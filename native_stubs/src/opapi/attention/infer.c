/* Phase two of attention for inference: a sequence for each batch. */
#include "opapi/attention/infer.h"

#include <math.h>
#include <string.h>

#include "opapi/elements.h"

/* What a run has opened. */
typedef struct {
    const stub_infer *infer;
    stub_infer_memory memory;
    uint8_t *base[INFER_ARGUMENTS];
    const int64_t *query_padding, *kv_padding;
    int32_t *table; /* [batches][blocks] */
    stub_sequence *sequences;
    stub_attention attention;
} run_state;

static aclnnStatus no_memory(const run_state *state) {
    return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", state->infer->call->op->name);
}

static aclnnStatus open_all(run_state *state) {
    static const stub_infer_argument tensors[] = {INFER_QUERY,      INFER_PSE,      INFER_MASK, INFER_OUT,
                                                  INFER_QUERY_ROPE, INFER_KEY_ROPE, INFER_LSE};
    const stub_infer *infer = state->infer;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const bool unused = tensors[i] == INFER_LSE && !stub_infer_number(infer, INFER_LSE_FLAG, 0);
        const aclTensor *tensor = stub_infer_tensor(infer, tensors[i]);
        if (tensor && !unused) {
            void *base;
            STUB_REQUIRE(stub_tensor_open(infer->call, (uint32_t)infer->arg[tensors[i]], tensor, &base));
            state->base[tensors[i]] = base;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_table(run_state *state) {
    const int64_t *table;
    STUB_REQUIRE(stub_infer_integers(state->infer, INFER_TABLE, &state->memory, &table));
    const int64_t count = table ? stub_tensor_numel(stub_infer_tensor(state->infer, INFER_TABLE)) : 0;
    state->table = table ? stub_infer_take(&state->memory, count + 1, sizeof(int32_t)) : NULL;
    if (table && !state->table) {
        return no_memory(state);
    }
    for (int64_t i = 0; i < count; i++) {
        state->table[i] = (int32_t)table[i];
    }
    return ACLNN_SUCCESS;
}

/* Left padding: the tokens end `padding` before the last one. */
static stub_infer_span pad(stub_infer_span span, const int64_t *padding, int64_t tokens) {
    if (padding) {
        const int64_t behind = padding[0] > 0 ? padding[0] : 0;
        span.start = tokens - behind - span.count;
        if (span.start < 0) {
            span = (stub_infer_span){0, 0};
        }
    }
    return span;
}

static aclnnStatus open_keys(run_state *state, stub_infer_argument argument, int64_t batch, int64_t start,
                             stub_heads *heads) {
    const stub_infer *infer = state->infer;
    const aclTensor *tensor = stub_infer_item(infer, argument, infer->listed ? (uint64_t)batch : 0);
    stub_layout own;
    void *base;
    STUB_REQUIRE(stub_tensor_open(infer->call, (uint32_t)infer->arg[argument], tensor, &base));
    stub_infer_key_layout(infer, tensor, &own);
    *heads = stub_layout_heads(&own, tensor, base, infer->listed || infer->paged ? 0 : batch, start);
    if (infer->paged) {
        heads->pages = state->table + batch * infer->blocks;
        heads->page_size = infer->block_size;
        heads->page = own.batch_step * (stub_dtype_bits(tensor->dtype) / 8);
        heads->page_count = infer->block_count;
    }
    return ACLNN_SUCCESS;
}

/* Of a mask or a bias: the plane of one batch, from a row and a column on. */
static stub_plane plane_of(const run_state *state, stub_infer_argument argument, int64_t batch, int64_t row,
                           int64_t column) {
    const aclTensor *tensor = stub_infer_tensor(state->infer, argument);
    if (!tensor) {
        return (stub_plane){0};
    }
    const int64_t size = stub_dtype_bits(tensor->dtype) / 8;
    const uint32_t rank = tensor->rank;
    const bool flat = rank == 2 && state->infer->rows == 1; /* [batches, columns] */
    const int64_t first = rank > 2 || flat ? (tensor->shape[0] > 1 ? batch * tensor->strides[0] : 0) : 0;
    const int64_t row_step = flat || tensor->shape[rank - 2] == 1 ? 0 : tensor->strides[rank - 2];
    const int64_t at = tensor->offset + first + row * row_step + column * tensor->strides[rank - 1];
    return (stub_plane){.first = state->base[argument] + at * size,
                        .dtype = tensor->dtype,
                        .head = rank == 4 && tensor->shape[1] > 1 ? tensor->strides[1] * size : 0,
                        .row = row_step * size,
                        .column = tensor->strides[rank - 1] * size};
}

static int64_t bounded(int64_t tokens) {
    return tokens > STUB_UNBOUNDED ? STUB_UNBOUNDED : tokens < -STUB_UNBOUNDED ? -STUB_UNBOUNDED : tokens;
}

/* A single query token sees all keys, whatever the mode. */
static void set_window(const stub_infer *infer, stub_sequence *sequence) {
    const int64_t pre = bounded(stub_infer_number(infer, INFER_PRE_TOKENS, STUB_UNBOUNDED));
    const int64_t next = bounded(stub_infer_number(infer, INFER_NEXT_TOKENS, STUB_UNBOUNDED));
    const int64_t corner = sequence->columns - sequence->rows;
    const bool masked = stub_infer_has(infer, INFER_MASK);
    sequence->low = -STUB_UNBOUNDED;
    sequence->high = STUB_UNBOUNDED;
    if (infer->rows == 1 && !infer->by_tokens) {
        return;
    }
    if (infer->sparse_mode == 0 && masked && !stub_infer_has(infer, INFER_QUERY_PADDING) &&
        !stub_infer_has(infer, INFER_KV_PADDING)) {
        sequence->low = -pre;
        sequence->high = next;
    } else if (infer->sparse_mode == 2) {
        sequence->high = 0;
    } else if (infer->sparse_mode == 3) {
        sequence->high = corner;
    } else if (infer->sparse_mode == 4) {
        sequence->low = corner - pre;
        sequence->high = corner + next;
    }
}

static stub_statistic sums_of(const run_state *state, int64_t batch, int64_t start) {
    const aclTensor *sums = stub_infer_tensor(state->infer, INFER_LSE);
    if (!state->base[INFER_LSE]) {
        return (stub_statistic){0};
    }
    const bool by_tokens = state->infer->by_tokens;
    const int64_t row = sums->strides[by_tokens ? 0 : 2], first = by_tokens ? 0 : batch * sums->strides[0];
    return (stub_statistic){.first = (float *)(void *)state->base[INFER_LSE] + sums->offset + first + start * row,
                            .head = sums->strides[1],
                            .row = row,
                            .copies = 1};
}

static aclnnStatus set_keys(run_state *state, int64_t batch, stub_infer_span keys) {
    const stub_infer *infer = state->infer;
    stub_sequence *sequence = &state->sequences[batch];
    sequence->columns = keys.count;
    STUB_REQUIRE(open_keys(state, INFER_KEY, batch, keys.start, &sequence->k));
    STUB_REQUIRE(open_keys(state, INFER_VALUE, batch, keys.start, &sequence->v));
    return stub_infer_has(infer, INFER_KEY_ROPE)
               ? open_keys(state, INFER_KEY_ROPE, batch, keys.start, &sequence->k_more)
               : ACLNN_SUCCESS;
}

static void set_rows(run_state *state, int64_t batch, stub_infer_span rows) {
    const stub_infer *infer = state->infer;
    const aclTensor *rope = stub_infer_tensor(infer, INFER_QUERY_ROPE);
    stub_sequence *sequence = &state->sequences[batch];
    sequence->rows = rows.count;
    sequence->q = stub_layout_heads(&infer->q, stub_infer_tensor(infer, INFER_QUERY), state->base[INFER_QUERY], batch,
                                    rows.start);
    sequence->out =
        stub_layout_heads(&infer->out, stub_infer_tensor(infer, INFER_OUT), state->base[INFER_OUT], batch, rows.start);
    if (rope) {
        stub_layout layout;
        stub_layout_of(rope, infer->letters, infer->letter_count, infer->heads, &layout);
        sequence->q_more = stub_layout_heads(&layout, rope, state->base[INFER_QUERY_ROPE], batch, rows.start);
        state->attention.d_more = layout.d;
    }
}

static aclnnStatus set_sequence(run_state *state, int64_t batch) {
    const stub_infer *infer = state->infer;
    stub_sequence *sequence = &state->sequences[batch];
    const stub_infer_span keys = pad(stub_infer_columns(infer, batch), state->kv_padding, infer->k.tokens);
    const stub_infer_span rows = pad(stub_infer_rows(infer, batch), state->query_padding, infer->q.tokens);
    set_rows(state, batch, rows);
    STUB_REQUIRE(set_keys(state, batch, keys));
    if (!stub_infer_is_compressed(infer)) {
        sequence->mask = plane_of(state, INFER_MASK, batch, rows.start, keys.start);
    }
    sequence->bias = plane_of(state, INFER_PSE, batch, rows.start, keys.start);
    sequence->log_sum = sums_of(state, batch, rows.start);
    set_window(infer, sequence);
    return ACLNN_SUCCESS;
}

/* Rows that belong to no sequence: an attention that sees nothing. */
static aclnnStatus clear_padding(const run_state *state) {
    const stub_infer *infer = state->infer;
    stub_sequence all = {.rows = infer->q.tokens, .low = -STUB_UNBOUNDED, .high = STUB_UNBOUNDED};
    stub_attention nothing = state->attention;
    nothing.sequences = &all;
    nothing.count = 1;
    nothing.sink = nothing.out_offset = NULL;
    nothing.d_more = 0;
    for (int64_t batch = 0; batch < infer->q.batches; batch++) {
        all.q = stub_layout_heads(&infer->q, stub_infer_tensor(infer, INFER_QUERY), state->base[INFER_QUERY], batch, 0);
        all.out = stub_layout_heads(&infer->out, stub_infer_tensor(infer, INFER_OUT), state->base[INFER_OUT], batch, 0);
        all.log_sum = sums_of(state, batch, 0);
        STUB_REQUIRE(stub_attention_run(infer->call, &nothing));
    }
    return ACLNN_SUCCESS;
}

static bool has_padding(const stub_infer *infer) {
    int64_t rows = 0;
    for (int64_t batch = 0; batch < infer->batches; batch++) {
        rows += stub_infer_rows(infer, batch).count;
    }
    return rows < infer->q.batches * infer->q.tokens;
}

static aclnnStatus set_factors(run_state *state) {
    const stub_infer *infer = state->infer;
    stub_attention *attention = &state->attention;
    STUB_REQUIRE(stub_infer_floats(infer, INFER_OUT_SCALE, &state->memory, &attention->out_scale));
    STUB_REQUIRE(stub_infer_floats(infer, INFER_OUT_OFFSET, &state->memory, &attention->out_offset));
    STUB_REQUIRE(stub_infer_floats(infer, INFER_SINK, &state->memory, &attention->sink));
    STUB_REQUIRE(stub_infer_integers(infer, INFER_QUERY_PADDING, &state->memory, &state->query_padding));
    STUB_REQUIRE(stub_infer_integers(infer, INFER_KV_PADDING, &state->memory, &state->kv_padding));
    const aclTensor *scale = stub_infer_tensor(infer, INFER_OUT_SCALE);
    if (scale && stub_tensor_numel(scale) > 1) {
        attention->out_scale_head = infer->dv;
        attention->out_scale_element = 1;
    }
    return stub_infer_factors(infer, &state->memory, state->table, state->sequences);
}

static aclnnStatus run(run_state *state) {
    const stub_infer *infer = state->infer;
    state->sequences = stub_infer_take(&state->memory, infer->batches + 1, sizeof(stub_sequence));
    if (!state->sequences) {
        return no_memory(state);
    }
    state->attention = (stub_attention){.sequences = state->sequences,
                                        .count = infer->batches,
                                        .heads = infer->heads,
                                        .kv_heads = infer->kv_heads,
                                        .d = infer->d,
                                        .dv = infer->dv,
                                        .scale = infer->call->args[infer->arg[INFER_SCALE_VALUE]].real,
                                        .keep = 1};
    STUB_REQUIRE(open_all(state));
    STUB_REQUIRE(read_table(state));
    STUB_REQUIRE(set_factors(state));
    if (has_padding(infer)) {
        STUB_REQUIRE(clear_padding(state));
    }
    for (int64_t batch = 0; batch < infer->batches; batch++) {
        STUB_REQUIRE(set_sequence(state, batch));
    }
    return stub_attention_run(infer->call, &state->attention);
}

aclnnStatus stub_infer_family_run(const stub_call *call, const stub_infer_family *family) {
    stub_infer infer;
    STUB_REQUIRE(stub_infer_read(call, family, &infer));
    STUB_REQUIRE(stub_infer_shapes(&infer));
    run_state state = {.infer = &infer};
    const aclnnStatus status = run(&state);
    stub_infer_free(&state.memory);
    return status;
}
