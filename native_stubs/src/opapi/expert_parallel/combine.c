/* aclnnMoeDistributeCombine and V2: every token gets back what its experts made of it, weighted:
 *
 *     x[t] = sum over k of expertScales[t, k] * (the row of expert expertIds[t, k])        in fp32, rounded once */
#include <stdlib.h>
#include <string.h>

#include "opapi/elements.h"
#include "opapi/expert_parallel/exchange.h"

/* The arguments that both versions have in these places. */
enum { EXPAND_X, EXPERT_IDS, EXPAND_IDX, SEND_COUNTS, EXPERT_SCALES, TP_SEND_COUNTS, ACTIVE_MASK };

typedef struct {
    stub_ep_args group;
    int shared_x; /* -1: the version has none */
    uint32_t comm_quant_mode, out;
} stub_combine;

/* What a rank shows to the others: the ends of its rows by expert and rank, and the rows. */
typedef struct {
    size_t rows_at, bytes;
} layout;

static layout layout_of(int64_t experts, int64_t rows, int64_t width) {
    layout at = {.rows_at = stub_ep_aligned((size_t)experts * sizeof(int64_t))};
    at.bytes = at.rows_at + (size_t)(rows * width) * sizeof(float);
    return at;
}

static layout layout_of_call(const stub_call *call, const stub_combine *args) {
    const aclTensor *rows = stub_tensor_arg(call, EXPAND_X);
    return layout_of(call->args[args->group.experts].integer, rows->shape[0], rows->shape[1]);
}

static aclnnStatus check_types(const stub_call *call, const stub_combine *args) {
    const stub_dtype_rule rules[] = {
        {EXPAND_X, STUB_ON_ALL(STUB_HALVES)},
        {EXPERT_IDS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {EXPAND_IDX, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {SEND_COUNTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {EXPERT_SCALES, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
        {ACTIVE_MASK, STUB_ON_ALL(STUB_BOOLS)},
        {args->out, STUB_ON_ALL(STUB_HALVES)},
    };
    STUB_REQUIRE(stub_check_dtypes(call, rules, sizeof rules / sizeof *rules));
    return stub_check_same_dtype(call, args->out, EXPAND_X);
}

static aclnnStatus check_shapes(const stub_call *call, const stub_combine *args) {
    STUB_REQUIRE(stub_ep_check_matrix(call, EXPAND_X, -1, -1));
    STUB_REQUIRE(stub_ep_check_matrix(call, EXPERT_IDS, -1, -1));
    const int64_t width = stub_tensor_arg(call, EXPAND_X)->shape[1], experts = call->args[args->group.experts].integer;
    const int64_t *ids = stub_tensor_arg(call, EXPERT_IDS)->shape;
    STUB_REQUIRE(stub_ep_check_matrix(call, EXPERT_SCALES, ids[0], ids[1]));
    STUB_REQUIRE(stub_ep_check_length(call, EXPAND_IDX, ids[0] * ids[1], "tokens * choices"));
    STUB_REQUIRE(stub_ep_check_length(call, SEND_COUNTS, experts, "moeExpertNum"));
    STUB_REQUIRE(stub_ep_check_length(call, ACTIVE_MASK, ids[0], "the rows of expertIds"));
    return stub_ep_check_matrix(call, args->out, ids[0], width);
}

static aclnnStatus refuse(const stub_call *call, const char *what) {
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for %s", call->op->name, what);
}

static aclnnStatus stub_combine_check(const stub_call *call, stub_plan *plan, const stub_combine *args) {
    const uint32_t given[] = {EXPAND_X, EXPERT_IDS, EXPAND_IDX, SEND_COUNTS, EXPERT_SCALES, args->out};
    STUB_REQUIRE(stub_check_given(call, given, sizeof given / sizeof *given));
    if (args->shared_x >= 0 && stub_tensor_arg(call, (uint32_t)args->shared_x)) {
        return refuse(call, "sharedExpertXOptional");
    }
    if (call->args[args->comm_quant_mode].integer != 0) {
        return refuse(call, "a commQuantMode other than 0");
    }
    STUB_REQUIRE(check_types(call, args));
    STUB_REQUIRE(stub_ep_check(call, &args->group, plan));
    STUB_REQUIRE(check_shapes(call, args));
    plan->workspace_size = layout_of_call(call, args).bytes;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    int64_t local, ranks, rows, width, tokens, choices;
    layout at;
    stub_view expanded, counts, out;
    int64_t *ids, *before; /* of each choice; before: among this rank's choices of the same expert */
    float *weights, *sum;
    uint8_t *active; /* of each token; NULL: all */
} job;

static aclnnStatus pack(job *work) {
    uint8_t *base = stub_ep_workspace(work->call, work->at.bytes);
    if (!base) {
        return ACL_ERROR_RT_AICORE_EXCEPTION;
    }
    int64_t *counts = malloc((size_t)stub_tensor_numel(work->counts.tensor) * sizeof *counts);
    if (!counts) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the counts", work->call->op->name);
    }
    stub_ep_read(&work->counts, ACL_INT64, counts);
    memcpy(base, counts, (size_t)(work->local * work->ranks) * sizeof *counts);
    free(counts);
    stub_ep_read(&work->expanded, ACL_FLOAT, base + work->at.rows_at);
    return ACLNN_SUCCESS;
}

static aclnnStatus read(job *work, uint32_t arg, aclDataType as, size_t size, void **numbers) {
    stub_view view;
    if (!stub_tensor_arg(work->call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(work->call, arg, &view));
    *numbers = malloc((size_t)stub_tensor_numel(view.tensor) * size + 1);
    if (!*numbers) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %s", work->call->op->name,
                         work->call->op->params[arg].name);
    }
    stub_ep_read(&view, as, *numbers);
    return ACLNN_SUCCESS;
}

static aclnnStatus prepare(job *work, const stub_combine *args) {
    STUB_REQUIRE(stub_view_open(work->call, EXPAND_X, &work->expanded));
    STUB_REQUIRE(stub_view_open(work->call, SEND_COUNTS, &work->counts));
    STUB_REQUIRE(stub_view_open(work->call, args->out, &work->out));
    void *ids = NULL, *before = NULL, *weights = NULL, *active = NULL;
    aclnnStatus status = read(work, EXPERT_IDS, ACL_INT64, sizeof *work->ids, &ids);
    status = status ? status : read(work, EXPAND_IDX, ACL_INT64, sizeof *work->before, &before);
    status = status ? status : read(work, EXPERT_SCALES, ACL_FLOAT, sizeof *work->weights, &weights);
    status = status ? status : read(work, ACTIVE_MASK, ACL_BOOL, 1, &active);
    work->ids = ids, work->before = before, work->weights = weights, work->active = active;
    work->sum = malloc((size_t)work->width * sizeof *work->sum + 1);
    if (status == ACLNN_SUCCESS && !work->sum) {
        status = stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a row", work->call->op->name);
    }
    return status ? status : pack(work);
}

/* The row of a choice, on the rank of its expert; NULL with a text when the counts do not lead to one. */
static const float *find_row(const job *work, int64_t choice) {
    const int64_t expert = work->ids[choice], experts = work->local * work->ranks;
    if (expert >= 0 && expert < experts) {
        const uint8_t *peer = stub_comm_peer(work->call->comm, (uint32_t)(expert / work->local), STUB_COMM_SEND);
        const int64_t *ends = (const int64_t *)(const void *)peer;
        const int64_t slot = expert % work->local * work->ranks + stub_comm_rank(work->call->comm);
        const int64_t row = (slot > 0 ? ends[slot - 1] : 0) + work->before[choice];
        const uint64_t bytes = (uint64_t)work->width * sizeof(float);
        if (work->before[choice] >= 0 && row >= 0 && row < ends[slot] && row < work->rows) {
            return (const float *)(const void *)(peer + work->at.rows_at + (uint64_t)row * bytes);
        }
    }
    stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
              "%s: expertIds, expandIdx and epSendCounts do not name a row for choice %lld; pass what dispatch gave",
              work->call->op->name, (long long)choice);
    return NULL;
}

static aclnnStatus combine_token(const job *work, int64_t token) {
    memset(work->sum, 0, (size_t)work->width * sizeof *work->sum);
    for (int64_t k = 0; k < work->choices && (!work->active || work->active[token]); k++) {
        const int64_t choice = token * work->choices + k;
        const float *row = find_row(work, choice), weight = work->weights[choice];
        if (!row) {
            return ACL_ERROR_RT_AICORE_EXCEPTION;
        }
        for (int64_t i = 0; i < work->width; i++) {
            work->sum[i] += weight * row[i];
        }
    }
    const int64_t size = work->out.bits / 8;
    stub_row place;
    stub_row_start(&place, &work->out, 1, token);
    for (int64_t i = 0; i < work->width; i += STUB_STRETCH) {
        const size_t n = (size_t)(work->width - i < STUB_STRETCH ? work->width - i : STUB_STRETCH);
        stub_store(ACL_FLOAT, work->sum + i, n, work->out.tensor->dtype,
                   work->out.base + (place.offset + i * place.step) * size, place.step * size);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus exchange(const job *work) {
    for (int64_t token = 0; token < work->tokens; token++) {
        STUB_REQUIRE(combine_token(work, token));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_with(job *work, const stub_combine *args) {
    const stub_call *call = work->call;
    const stub_comm_operation operation = {.name = call->op->name,
                                           .data_type = -1,
                                           .reduce_op = -1,
                                           .root = -1,
                                           .dims = {work->width, work->choices, work->local, work->rows}};
    aclnnStatus status = prepare(work, args);
    if (status != ACLNN_SUCCESS) {
        return stub_comm_fail(call->comm, call->ticket, &operation, status);
    }
    const stub_comm_buffer buffers[STUB_COMM_BUFFERS] = {{call->workspace, work->at.bytes}, {NULL, 0}};
    status = stub_comm_begin(call->comm, call->ticket, &operation, buffers);
    if (status == ACLNN_SUCCESS) {
        status = exchange(work);
    }
    return stub_comm_end(call->comm, call->ticket, status);
}

static aclnnStatus stub_combine_run(const stub_call *call, const stub_combine *args) {
    const int64_t *ids = stub_tensor_arg(call, EXPERT_IDS)->shape, *rows = stub_tensor_arg(call, EXPAND_X)->shape;
    job work = {.call = call,
                .local = stub_ep_local(call, &args->group),
                .ranks = call->args[args->group.world_size].integer,
                .rows = rows[0],
                .width = rows[1],
                .tokens = ids[0],
                .choices = ids[1],
                .at = layout_of_call(call, args)};
    const aclnnStatus status = run_with(&work, args);
    free(work.ids);
    free(work.before);
    free(work.weights);
    free(work.active);
    free(work.sum);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMoeDistributeCombine, stub_combine,
                   {.group = {11, 12, 13, 14, 16, 19, 20}, .shared_x = -1, .comm_quant_mode = 23, .out = 25})
STUB_FAMILY_KERNEL(aclnnMoeDistributeCombineV2, stub_combine,
                   {.group = {12, 13, 14, 15, 17, 20, 21}, .shared_x = 11, .comm_quant_mode = 24, .out = 27})
