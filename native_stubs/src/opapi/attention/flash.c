/* Phase two of attention for training: a sequence for each batch. */
#include "opapi/attention/flash.h"

#include <stdlib.h>

#include "opapi/elements.h"

enum { COPIES = 8 };

typedef struct {
    const stub_flash *flash;
    uint8_t *base[FLASH_TENSORS];
    int64_t drop_bit, statistic; /* where the batch's part starts: in bits, in rows of copies */
    float *slopes;
} run_state;

static aclnnStatus open_all(run_state *state) {
    const stub_flash *flash = state->flash;
    for (int i = 0; i < FLASH_TENSORS; i++) {
        const aclTensor *tensor = stub_flash_tensor(flash, (stub_flash_argument)i);
        if (tensor) {
            void *base;
            STUB_REQUIRE(stub_tensor_open(flash->call, (uint32_t)flash->arg[i], tensor, &base));
            state->base[i] = base;
        }
    }
    return ACLNN_SUCCESS;
}

static stub_heads heads_of(const run_state *state, stub_flash_argument argument, const stub_layout *layout,
                           int64_t batch, int64_t start) {
    const aclTensor *tensor = stub_flash_tensor(state->flash, argument);
    return tensor ? stub_layout_heads(layout, tensor, state->base[argument], batch, start) : (stub_heads){0};
}

/* Masks of all tokens against all, of TND, start where the batch does. */
static stub_plane plane_of(const run_state *state, stub_flash_argument argument, int64_t batch, stub_flash_span rows,
                           stub_flash_span columns) {
    const stub_flash *flash = state->flash;
    const aclTensor *tensor = stub_flash_tensor(flash, argument);
    if (!tensor) {
        return (stub_plane){0};
    }
    const uint32_t rank = tensor->rank;
    const int64_t size = stub_dtype_bits(tensor->dtype) / 8;
    const int64_t row = tensor->shape[rank - 2] == 1 ? 0 : tensor->strides[rank - 2],
                  column = tensor->strides[rank - 1];
    const bool whole = flash->batches > 1 && rank == 2 && tensor->shape[0] == flash->q.tokens &&
                       tensor->shape[1] == flash->k.tokens && flash->family->by_tokens;
    int64_t first = tensor->offset + (rank == 4 && tensor->shape[0] > 1 ? batch * tensor->strides[0] : 0);
    first += whole ? rows.start * row + columns.start * column : 0;
    return (stub_plane){.first = state->base[argument] + first * size,
                        .dtype = tensor->dtype,
                        .head = rank == 4 && tensor->shape[1] > 1 ? tensor->strides[1] * size : 0,
                        .row = row * size,
                        .column = column * size};
}

static int64_t bounded(int64_t tokens) {
    return tokens > STUB_UNBOUNDED ? STUB_UNBOUNDED : tokens < -STUB_UNBOUNDED ? -STUB_UNBOUNDED : tokens;
}

/* Whether the batch is the one of the modes 7 and 8 that a cut through the queries made a band. */
static bool is_cut(const stub_flash *flash, int64_t batch) {
    const bool last = flash->sparse_mode == 7;
    int64_t at = last ? flash->batches - 1 : 0;
    while (at >= 0 && at < flash->batches && stub_flash_rows(flash, at).count == 0) {
        at += last ? -1 : 1;
    }
    return at == batch;
}

static void set_band(const stub_flash *flash, stub_sequence *sequence, int64_t corner) {
    sequence->low = corner - bounded(stub_flash_number(flash, FLASH_PRE_TOKENS, 0));
    sequence->high = corner + bounded(stub_flash_number(flash, FLASH_NEXT_TOKENS, 0));
}

/* Without a mask, all is seen, whatever the mode. */
static void set_window(const stub_flash *flash, int64_t batch, stub_sequence *sequence) {
    const int64_t corner = sequence->columns - sequence->rows, mode = flash->sparse_mode;
    sequence->low = -STUB_UNBOUNDED;
    sequence->high = STUB_UNBOUNDED;
    if (!stub_flash_tensor(flash, FLASH_MASK)) {
        return;
    }
    if (mode == 0) {
        set_band(flash, sequence, 0);
    } else if (mode == 4 || (mode >= 7 && is_cut(flash, batch))) {
        set_band(flash, sequence, corner);
    } else if (mode == 2 || mode == 8) {
        sequence->high = 0;
    } else if (mode == 3 || mode == 6 || mode == 7) {
        sequence->high = corner;
        sequence->prefix = mode == 6 ? stub_flash_ints(flash, FLASH_PREFIX)->values[batch] : 0;
    }
}

static stub_statistic statistic_of(const run_state *state, stub_flash_argument argument, int64_t batch, int64_t rows) {
    const stub_flash *flash = state->flash;
    const aclTensor *tensor = stub_flash_tensor(flash, argument);
    float *first = (float *)(void *)state->base[argument];
    if (!first) {
        return (stub_statistic){0};
    }
    first += tensor->offset;
    if (!flash->family->by_tokens) {
        return (stub_statistic){first + batch * tensor->strides[0], tensor->strides[1], tensor->strides[2], COPIES,
                                tensor->strides[3]};
    }
    first += state->statistic * COPIES;
    return flash->statistics_by_token ? (stub_statistic){first, COPIES, flash->heads * COPIES, COPIES, 1}
                                      : (stub_statistic){first, rows * COPIES, COPIES, COPIES, 1};
}

static void set_bias(const run_state *state, int64_t batch, stub_flash_span rows, stub_flash_span columns,
                     stub_sequence *sequence) {
    const stub_flash *flash = state->flash;
    const aclTensor *pse = stub_flash_tensor(flash, FLASH_PSE);
    if (!state->slopes) {
        sequence->bias = plane_of(state, FLASH_PSE, batch, rows, columns);
        return;
    }
    const aclIntArray *q = stub_flash_ints(flash, FLASH_Q_START), *kv = stub_flash_ints(flash, FLASH_KV_START);
    sequence->slope = state->slopes + (stub_tensor_numel(pse) > flash->heads ? batch * flash->heads : 0);
    sequence->slope_shift = (q ? q->values[0] : 0) - (kv ? kv->values[0] : 0);
}

static void set_sequence(run_state *state, int64_t batch, stub_sequence *sequence) {
    const stub_flash *flash = state->flash;
    const stub_flash_span rows = stub_flash_rows(flash, batch), columns = stub_flash_columns(flash, batch);
    const bool compressed = flash->sparse_mode >= 2 && flash->sparse_mode != 5;
    sequence->rows = rows.count;
    sequence->columns = columns.count;
    sequence->q = heads_of(state, FLASH_QUERY, &flash->q, batch, rows.start);
    sequence->k = heads_of(state, FLASH_KEY, &flash->k, batch, columns.start);
    sequence->v = heads_of(state, FLASH_VALUE, &flash->v, batch, columns.start);
    sequence->q_more = heads_of(state, FLASH_QUERY_ROPE, &flash->q_rope, batch, rows.start);
    sequence->k_more = heads_of(state, FLASH_KEY_ROPE, &flash->k_rope, batch, columns.start);
    sequence->out = heads_of(state, FLASH_OUT, &flash->out, batch, rows.start);
    sequence->mask = compressed ? (stub_plane){0} : plane_of(state, FLASH_MASK, batch, rows, columns);
    sequence->largest = statistic_of(state, FLASH_MAX, batch, rows.count);
    sequence->sum = statistic_of(state, FLASH_SUM, batch, rows.count);
    set_bias(state, batch, rows, columns, sequence);
    set_window(flash, batch, sequence);
    if (state->base[FLASH_DROP] && flash->call->args[flash->arg[FLASH_KEEP]].real < 1) {
        sequence->drop = (stub_bits){.first = state->base[FLASH_DROP] + stub_flash_tensor(flash, FLASH_DROP)->offset,
                                     .head = rows.count * columns.count,
                                     .row = columns.count,
                                     .bit = state->drop_bit};
    }
    state->drop_bit += flash->heads * rows.count * columns.count;
    state->statistic += flash->heads * rows.count;
}

/* Slopes of the heads, [N] or [B, N]. */
static aclnnStatus load_slopes(run_state *state) {
    const aclTensor *pse = stub_flash_tensor(state->flash, FLASH_PSE);
    if (state->flash->pse_type < 2 || !pse) {
        return ACLNN_SUCCESS;
    }
    const stub_view view = {pse, state->base[FLASH_PSE], 32};
    const int64_t count = stub_tensor_numel(pse);
    state->slopes = malloc((size_t)count * sizeof(float));
    for (int64_t i = 0; state->slopes && i < count; i++) {
        stub_row row;
        stub_row_start(&row, &view, pse->rank, i);
        stub_load(ACL_FLOAT, view.base + row.offset * 4, 4, 1, ACL_FLOAT, &state->slopes[i]);
    }
    return state->slopes ? ACLNN_SUCCESS
                         : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", state->flash->call->op->name);
}

static aclnnStatus run(run_state *state, stub_sequence *sequences, stub_flash_use *use, void *user) {
    const stub_flash *flash = state->flash;
    STUB_REQUIRE(open_all(state));
    STUB_REQUIRE(load_slopes(state));
    for (int64_t batch = 0; batch < flash->batches; batch++) {
        set_sequence(state, batch, &sequences[batch]);
    }
    const stub_attention attention = {.sequences = sequences,
                                      .count = flash->batches,
                                      .heads = flash->heads,
                                      .kv_heads = flash->kv_heads,
                                      .d = flash->q.d,
                                      .d_more = flash->q_rope.d,
                                      .dv = flash->v.d,
                                      .scale = flash->call->args[flash->arg[FLASH_SCALE]].real,
                                      .bias_first = flash->pse_type == 1,
                                      .slope_root = flash->pse_type == 3,
                                      .keep = flash->call->args[flash->arg[FLASH_KEEP]].real};
    return use(flash, &attention, user);
}

aclnnStatus stub_flash_run(const stub_flash *flash, stub_flash_use *use, void *user) {
    run_state state = {.flash = flash};
    stub_sequence *sequences = calloc((size_t)flash->batches + 1, sizeof *sequences);
    const aclnnStatus status = sequences ? run(&state, sequences, use, user)
                                         : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", flash->call->op->name);
    free(sequences);
    free(state.slopes);
    return status;
}

static aclnnStatus attend(const stub_flash *flash, const stub_attention *attention, void *user) {
    (void)user;
    return stub_attention_run(flash->call, attention);
}

static aclnnStatus stub_flash_family_check(const stub_call *call, stub_plan *plan, const stub_flash_family *family) {
    stub_flash flash;
    STUB_REQUIRE(stub_flash_read(call, family, &flash));
    plan->nothing_to_run = stub_tensor_numel(stub_flash_tensor(&flash, FLASH_QUERY)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_flash_family_run(const stub_call *call, const stub_flash_family *family) {
    stub_flash flash;
    STUB_REQUIRE(stub_flash_read(call, family, &flash));
    return stub_flash_run(&flash, attend, NULL);
}

STUB_FAMILY_KERNEL(aclnnFlashAttentionScore, stub_flash_family, {false})
STUB_FAMILY_KERNEL(aclnnFlashAttentionScoreV2, stub_flash_family, {false})
STUB_FAMILY_KERNEL(aclnnFlashAttentionVarLenScore, stub_flash_family, {true})
STUB_FAMILY_KERNEL(aclnnFlashAttentionVarLenScoreV2, stub_flash_family, {true})
STUB_FAMILY_KERNEL(aclnnFlashAttentionVarLenScoreV3, stub_flash_family, {true})
STUB_FAMILY_KERNEL(aclnnFlashAttentionVarLenScoreV4, stub_flash_family, {true})
