/* aclnnMoeDistributeDispatch and V2: every token goes to the ranks of its experts, as it is or quantised to int8 per
 * token (quantMode 2: y = rint(x * smooth / scale), scale = max|x * smooth| / 127). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "opapi/elements.h"
#include "opapi/expert_parallel/exchange.h"

/* The arguments that both versions have in these places. */
enum { X, EXPERT_IDS, SCALES, ACTIVE_MASK, EXPERT_SCALES };
enum { AS_IT_IS = 0, PER_TOKEN = 2 };

typedef struct {
    stub_ep_args group;
    uint32_t quant_mode, token_nums_type;
    uint32_t expand_x, dynamic_scales, expand_idx, token_nums, recv_counts, tp_recv_counts, expand_scales;
} stub_dispatch;

/* What a rank shows to the others: a header, the experts of its tokens (-1: not active), their weights, the tokens. */
typedef struct {
    int64_t tokens, choices, width;
} header;

typedef struct {
    int64_t tokens, choices, width;
    size_t ids_at, scales_at, rows_at, bytes;
} layout;

static layout layout_of(int64_t tokens, int64_t choices, int64_t width) {
    layout at = {.tokens = tokens, .choices = choices, .width = width, .ids_at = stub_ep_aligned(sizeof(header))};
    const size_t chosen = (size_t)(tokens * choices);
    at.scales_at = at.ids_at + stub_ep_aligned(chosen * sizeof(int64_t));
    at.rows_at = at.scales_at + stub_ep_aligned(chosen * sizeof(float));
    at.bytes = at.rows_at + (size_t)(tokens * width) * sizeof(float);
    return at;
}

static layout layout_of_call(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    return layout_of(x->shape[0], stub_tensor_arg(call, EXPERT_IDS)->shape[1], x->shape[1]);
}

static aclnnStatus check_types(const stub_call *call, const stub_dispatch *args) {
    const bool quantises = call->args[args->quant_mode].integer == PER_TOKEN;
    const aclDataType x = stub_tensor_arg(call, X)->dtype;
    const stub_dtype_rule rules[] = {
        {X, STUB_ON_ALL(STUB_HALVES)},
        {EXPERT_IDS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {SCALES, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
        {ACTIVE_MASK, STUB_ON_ALL(STUB_BOOLS)},
        {EXPERT_SCALES, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
        {args->expand_x, STUB_ON_ALL(STUB_DTYPE(quantises ? ACL_INT8 : x))},
        {args->dynamic_scales, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
        {args->expand_idx, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {args->token_nums, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))},
        {args->recv_counts, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {args->expand_scales, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
    };
    return stub_check_dtypes(call, rules, sizeof rules / sizeof *rules);
}

static aclnnStatus check_mode(const stub_call *call, const stub_dispatch *args) {
    const int64_t mode = call->args[args->quant_mode].integer;
    if (mode != AS_IT_IS && mode != PER_TOKEN) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: quantMode is %lld; the stand-in has kernels for 0 (none) and 2 (int8 per token)",
                         call->op->name, (long long)mode);
    }
    if (mode == AS_IT_IS && stub_tensor_arg(call, SCALES)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: scales must be NULL with quantMode 0", call->op->name);
    }
    if (mode == PER_TOKEN) {
        return stub_check_given(call, &args->dynamic_scales, 1);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const stub_dispatch *args) {
    STUB_REQUIRE(stub_ep_check_matrix(call, X, -1, -1));
    const aclTensor *x = stub_tensor_arg(call, X), *expanded = stub_tensor_arg(call, args->expand_x);
    STUB_REQUIRE(stub_ep_check_matrix(call, EXPERT_IDS, x->shape[0], -1));
    const int64_t choices = stub_tensor_arg(call, EXPERT_IDS)->shape[1], local = stub_ep_local(call, &args->group);
    const int64_t experts = call->args[args->group.experts].integer;
    STUB_REQUIRE(stub_ep_check_matrix(call, SCALES, experts, x->shape[1]));
    STUB_REQUIRE(stub_ep_check_matrix(call, EXPERT_SCALES, x->shape[0], choices));
    STUB_REQUIRE(stub_ep_check_matrix(call, args->expand_x, -1, x->shape[1]));
    STUB_REQUIRE(stub_ep_check_length(call, ACTIVE_MASK, x->shape[0], "the rows of x"));
    STUB_REQUIRE(stub_ep_check_length(call, args->dynamic_scales, expanded->shape[0], "the rows of expandX"));
    STUB_REQUIRE(stub_ep_check_length(call, args->expand_idx, x->shape[0] * choices, "tokens * choices"));
    STUB_REQUIRE(stub_ep_check_length(call, args->token_nums, local, "the experts of a rank"));
    STUB_REQUIRE(stub_ep_check_length(call, args->recv_counts, experts, "moeExpertNum"));
    return stub_ep_check_length(call, args->expand_scales, expanded->shape[0], "the rows of expandX");
}

static aclnnStatus stub_dispatch_check(const stub_call *call, stub_plan *plan, const stub_dispatch *args) {
    const uint32_t given[] = {X, EXPERT_IDS, args->expand_x, args->expand_idx, args->token_nums, args->recv_counts};
    STUB_REQUIRE(stub_check_given(call, given, sizeof given / sizeof *given));
    STUB_REQUIRE(check_mode(call, args));
    STUB_REQUIRE(check_types(call, args));
    STUB_REQUIRE(stub_ep_check(call, &args->group, plan));
    STUB_REQUIRE(check_shapes(call, args));
    plan->workspace_size = layout_of_call(call).bytes;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    const stub_dispatch *args;
    int64_t local, ranks, room; /* experts here; rows of expandX */
    stub_view x, ids, mask, weights, smooth;
    stub_view expanded, dynamic_scales, expand_idx, token_nums, recv_counts, expand_scales;
} job;

static aclnnStatus open_given(const stub_call *call, uint32_t arg, stub_view *view) {
    return stub_tensor_arg(call, arg) ? stub_view_open(call, arg, view) : ACLNN_SUCCESS;
}

static aclnnStatus open_all(job *work) {
    const stub_call *call = work->call;
    const stub_dispatch *args = work->args;
    STUB_REQUIRE(open_given(call, X, &work->x));
    STUB_REQUIRE(open_given(call, EXPERT_IDS, &work->ids));
    STUB_REQUIRE(open_given(call, SCALES, &work->smooth));
    STUB_REQUIRE(open_given(call, ACTIVE_MASK, &work->mask));
    STUB_REQUIRE(open_given(call, EXPERT_SCALES, &work->weights));
    STUB_REQUIRE(open_given(call, args->expand_x, &work->expanded));
    STUB_REQUIRE(open_given(call, args->dynamic_scales, &work->dynamic_scales));
    STUB_REQUIRE(open_given(call, args->expand_idx, &work->expand_idx));
    STUB_REQUIRE(open_given(call, args->token_nums, &work->token_nums));
    STUB_REQUIRE(open_given(call, args->recv_counts, &work->recv_counts));
    return open_given(call, args->expand_scales, &work->expand_scales);
}

static aclnnStatus check_ids(const job *work, const int64_t *ids, int64_t count) {
    const int64_t experts = work->local * work->ranks;
    for (int64_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= experts) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: expertIds has %lld at %lld; allowed are 0 to %lld",
                             work->call->op->name, (long long)ids[i], (long long)i, (long long)experts - 1);
        }
    }
    return ACLNN_SUCCESS;
}

/* Tokens that are not active go nowhere. */
static aclnnStatus leave_out(const job *work, int64_t *ids, const layout *at) {
    uint8_t *active = work->mask.tensor ? malloc((size_t)stub_tensor_numel(work->mask.tensor)) : NULL;
    if (!work->mask.tensor) {
        return ACLNN_SUCCESS;
    }
    if (!active) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the mask", work->call->op->name);
    }
    stub_ep_read(&work->mask, ACL_BOOL, active);
    for (int64_t i = 0; i < at->tokens * at->choices; i++) {
        ids[i] = active[i / at->choices] ? ids[i] : -1;
    }
    free(active);
    return ACLNN_SUCCESS;
}

static aclnnStatus pack(const job *work, const layout *at) {
    uint8_t *base = stub_ep_workspace(work->call, at->bytes);
    if (!base) {
        return ACL_ERROR_RT_AICORE_EXCEPTION;
    }
    const header head = {at->tokens, at->choices, at->width};
    memcpy(base, &head, sizeof head);
    int64_t *ids = (int64_t *)(void *)(base + at->ids_at);
    stub_ep_read(&work->ids, ACL_INT64, ids);
    STUB_REQUIRE(check_ids(work, ids, at->tokens * at->choices));
    STUB_REQUIRE(leave_out(work, ids, at));
    if (work->weights.tensor) {
        stub_ep_read(&work->weights, ACL_FLOAT, base + at->scales_at);
    }
    stub_ep_read(&work->x, ACL_FLOAT, base + at->rows_at);
    return ACLNN_SUCCESS;
}

/* For each choice: how many choices before it have the same expert. Combine counts from there. */
static void count_before(const job *work, const layout *at, const int64_t *ids, int64_t *seen) {
    for (int64_t i = 0; i < at->tokens * at->choices; i++) {
        int64_t before = ids[i] < 0 ? -1 : seen[ids[i]]++;
        stub_row place;
        stub_row_start(&place, &work->expand_idx, 1, i);
        stub_store(ACL_INT64, &before, 1, ACL_INT32, work->expand_idx.base + place.offset * 4, 0);
    }
}

static void put(const stub_view *view, int64_t index, aclDataType as, void *number) {
    stub_row place;
    stub_row_start(&place, view, 1, index);
    stub_store(as, number, 1, view->tensor->dtype, view->base + place.offset * (view->bits / 8), 0);
}

/* Quantises a row in place; returns its scale. */
static float quantise(float *row, const float *smooth, int64_t width) {
    float largest = 0;
    for (int64_t i = 0; i < width; i++) {
        row[i] = smooth ? row[i] * smooth[i] : row[i];
        largest = fmaxf(largest, fabsf(row[i]));
    }
    const float scale = largest / 127.0f, factor = largest == 0 ? 0 : 127.0f / largest;
    for (int64_t i = 0; i < width; i++) {
        row[i] = rintf(row[i] * factor);
    }
    return scale;
}

static void store_row(const job *work, int64_t row, float *numbers, int64_t width) {
    const bool quantised = work->expanded.bits == 8;
    stub_row place;
    stub_row_start(&place, &work->expanded, 1, row);
    const int64_t size = work->expanded.bits / 8;
    uint8_t *to = work->expanded.base + place.offset * size;
    for (int64_t first = 0; first < width; first += STUB_STRETCH) {
        const size_t n = (size_t)(width - first < STUB_STRETCH ? width - first : STUB_STRETCH);
        stub_store(quantised ? ACL_FLOAT : work->expanded.tensor->dtype, numbers + first, n,
                   work->expanded.tensor->dtype, to + first * place.step * size, place.step * size);
    }
}

/* One received row. `numbers` and `smooth` are scratch of a row each. */
static void receive(const job *work, const uint8_t *peer, const layout *at, int64_t choice, int64_t expert, int64_t row,
                    float *numbers, const float *smooth) {
    const float *tokens = (const float *)(const void *)(peer + at->rows_at);
    memcpy(numbers, tokens + choice / at->choices * at->width, (size_t)at->width * sizeof *numbers);
    if (work->call->args[work->args->quant_mode].integer == PER_TOKEN) {
        float scale = quantise(numbers, smooth ? smooth + expert * at->width : NULL, at->width);
        put(&work->dynamic_scales, row, ACL_FLOAT, &scale);
    }
    if (work->expand_scales.tensor && work->weights.tensor) {
        float weight;
        memcpy(&weight, peer + at->scales_at + (size_t)choice * sizeof weight, sizeof weight);
        put(&work->expand_scales, row, ACL_FLOAT, &weight);
    }
    store_row(work, row, numbers, at->width);
}

static aclnnStatus too_many(const job *work) {
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                     "%s: rank %u receives more than the %lld rows of expandX; make it BS * epWorldSize * "
                     "min(local experts, K) rows",
                     work->call->op->name, stub_comm_rank(work->call->comm), (long long)work->room);
}

static aclnnStatus receive_from(const job *work, uint32_t rank, int64_t expert, int64_t *row, float *numbers,
                                const float *smooth) {
    const uint8_t *peer = stub_comm_peer(work->call->comm, rank, STUB_COMM_SEND);
    header head;
    memcpy(&head, peer, sizeof head);
    const layout at = layout_of(head.tokens, head.choices, head.width);
    const int64_t *ids = (const int64_t *)(const void *)(peer + at.ids_at);
    for (int64_t i = 0; i < at.tokens * at.choices; i++) {
        if (ids[i] != expert) {
            continue;
        }
        if (*row == work->room) {
            return too_many(work);
        }
        receive(work, peer, &at, i, expert, (*row)++, numbers, smooth);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus receive_all(const job *work, float *numbers, const float *smooth) {
    const int64_t first = stub_comm_rank(work->call->comm) * work->local;
    const bool counts = work->call->args[work->args->token_nums_type].integer == 1;
    int64_t row = 0;
    for (int64_t e = 0; e < work->local; e++) {
        const int64_t before = row;
        for (int64_t rank = 0; rank < work->ranks; rank++) {
            STUB_REQUIRE(receive_from(work, (uint32_t)rank, first + e, &row, numbers, smooth));
            put(&work->recv_counts, e * work->ranks + rank, ACL_INT64, &row);
        }
        int64_t number = counts ? row - before : row;
        put(&work->token_nums, e, ACL_INT64, &number);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus exchange(const job *work, const layout *at) {
    const int64_t experts = work->local * work->ranks;
    const size_t smooth = work->smooth.tensor ? (size_t)(experts * at->width) : 0;
    float *numbers = malloc(((size_t)at->width + smooth) * sizeof *numbers);
    int64_t *seen = calloc((size_t)experts, sizeof *seen);
    aclnnStatus status = ACLNN_SUCCESS;
    if (!numbers || !seen) {
        status = stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a row", work->call->op->name);
    } else {
        const uint8_t *own = stub_comm_peer(work->call->comm, stub_comm_rank(work->call->comm), STUB_COMM_SEND);
        count_before(work, at, (const int64_t *)(const void *)(own + at->ids_at), seen);
        if (smooth > 0) {
            stub_ep_read(&work->smooth, ACL_FLOAT, numbers + at->width);
        }
        status = receive_all(work, numbers, smooth > 0 ? numbers + at->width : NULL);
    }
    free(numbers);
    free(seen);
    return status;
}

static aclnnStatus stub_dispatch_run(const stub_call *call, const stub_dispatch *args) {
    job work = {.call = call, .args = args, .local = stub_ep_local(call, &args->group)};
    work.ranks = call->args[args->group.world_size].integer;
    work.room = stub_tensor_arg(call, args->expand_x)->shape[0];
    const layout at = layout_of_call(call);
    const stub_comm_operation operation = {.name = call->op->name,
                                           .data_type = -1,
                                           .reduce_op = -1,
                                           .root = -1,
                                           .dims = {at.width, at.choices, work.local, 0}};
    aclnnStatus status = open_all(&work);
    if (status == ACLNN_SUCCESS) {
        status = pack(&work, &at);
    }
    if (status != ACLNN_SUCCESS) {
        return stub_comm_fail(call->comm, call->ticket, &operation, status);
    }
    const stub_comm_buffer buffers[STUB_COMM_BUFFERS] = {{call->workspace, at.bytes}, {NULL, 0}};
    status = stub_comm_begin(call->comm, call->ticket, &operation, buffers);
    if (status == ACLNN_SUCCESS) {
        status = exchange(&work, &at);
    }
    return stub_comm_end(call->comm, call->ticket, status);
}

STUB_FAMILY_KERNEL(aclnnMoeDistributeDispatch, stub_dispatch,
                   {.group = {5, 6, 7, 8, 10, 13, 14},
                    .quant_mode = 15,
                    .token_nums_type = 17,
                    .expand_x = 18,
                    .dynamic_scales = 19,
                    .expand_idx = 20,
                    .token_nums = 21,
                    .recv_counts = 22,
                    .tp_recv_counts = 23,
                    .expand_scales = 24})
STUB_FAMILY_KERNEL(aclnnMoeDistributeDispatchV2, stub_dispatch,
                   {.group = {5, 6, 7, 8, 10, 13, 14},
                    .quant_mode = 15,
                    .token_nums_type = 17,
                    .expand_x = 19,
                    .dynamic_scales = 20,
                    .expand_idx = 21,
                    .token_nums = 22,
                    .recv_counts = 23,
                    .tp_recv_counts = 24,
                    .expand_scales = 25})
