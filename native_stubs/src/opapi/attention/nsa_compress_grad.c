/* aclnnNsaCompressGrad: every token gets from the windows it is in their gradients times its weight in each; every
 * weight the products of its tokens with the windows' gradients. In fp32 (weights: sums in double), rounded once. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"
#include "opapi/attention/layout.h"
#include "opapi/attention/nsa_compress.h"
#include "opapi/kernel.h"

enum { DY, INPUT, WEIGHT, LENGTHS, BLOCK, STRIDE, LENGTHS_TYPE, LAYOUT, DX, DW };
enum { UNIT = 16 };

typedef struct {
    const stub_call *call;
    stub_view view[DW + 1];
    const aclIntArray *ends;
    int64_t tokens, heads, d, width, block, stride, windows;
    atomic_int status;
} job;

/* One head's arrays. */
typedef struct {
    float *dy;                   /* [windows][width] */
    float *x, *dx;               /* [width] */
    float *weights, *own, *dots; /* [block]; of the windows that a token is in */
    double *dw;                  /* [block] */
} head_state;

static aclnnStatus check_tensors(const stub_call *call) {
    const uint32_t required[] = {DY, INPUT, WEIGHT, DX, DW};
    const stub_dtype_rule rule = {INPUT, STUB_ON_ALL(STUB_HALVES)};
    STUB_REQUIRE(stub_check_given(call, required, sizeof required / sizeof *required));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, required[i], INPUT));
    }
    STUB_REQUIRE(stub_check_rank(call, INPUT, 3, 3));
    const int64_t weight[] = {call->args[BLOCK].integer, stub_tensor_arg(call, INPUT)->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, WEIGHT, weight, 2, "compressBlockSize, heads of input"));
    STUB_REQUIRE(stub_check_same_shape(call, DX, INPUT));
    return stub_check_same_shape(call, DW, WEIGHT);
}

static aclnnStatus check_modes(const stub_call *call) {
    const char *layout = call->args[LAYOUT].text;
    const int64_t block = call->args[BLOCK].integer, stride = call->args[STRIDE].integer;
    if (!layout || strcmp(layout, "TND") != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: layoutOptional is %s; only \"TND\" is supported", call->op->name,
                         layout ? layout : "NULL");
    }
    if (call->args[LENGTHS_TYPE].integer != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: actSeqLenType is %lld; only 0 (running totals) is supported",
                         call->op->name, (long long)call->args[LENGTHS_TYPE].integer);
    }
    if (block % UNIT != 0 || stride % UNIT != 0 || stride <= 0 || stride > block) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: compressBlockSize is %lld, compressStride %lld; both must be multiples of 16, the stride "
                         "at least 16 and at most the block size",
                         call->op->name, (long long)block, (long long)stride);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_lengths(const stub_call *call) {
    const aclIntArray *ends = call->args[LENGTHS].ints;
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    int64_t before = 0, windows = 0;
    for (uint64_t i = 0; ends && i < ends->size; i++) {
        if (ends->values[i] < before || ends->values[i] > input->shape[0]) {
            return stub_fail(
                ACLNN_ERR_PARAM_INVALID,
                "%s: actSeqLenOptional[%llu] is %lld; running totals never decrease (%lld comes before it) "
                "and end within the %lld tokens of input",
                call->op->name, (unsigned long long)i, (long long)ends->values[i], (long long)before,
                (long long)input->shape[0]);
        }
        windows +=
            stub_nsa_compress_windows(ends->values[i] - before, call->args[BLOCK].integer, call->args[STRIDE].integer);
        before = ends->values[i];
    }
    if (!ends || ends->size == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: actSeqLenOptional is %s; give the running total of tokens for "
                         "each batch",
                         call->op->name, ends ? "empty" : "NULL");
    }
    const int64_t dims[] = {windows, input->shape[1], input->shape[2]};
    return stub_check_shape(call, DY, dims, 3, "windows in all batches, heads, head size");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_tensors(call));
    STUB_REQUIRE(check_modes(call));
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, DX)) == 0 && stub_tensor_numel(stub_tensor_arg(call, DW)) == 0;
    return check_lengths(call);
}

static stub_heads heads_of(const job *work, int arg) {
    const stub_view *view = &work->view[arg];
    stub_layout layout;
    (void)stub_layout_of(view->tensor, "TND", 3, work->heads, &layout);
    return stub_layout_heads(&layout, view->tensor, view->base, 0, 0);
}

/* [block][heads]: tokens of one element. */
static stub_heads weights_of(const job *work, int arg) {
    const stub_view *view = &work->view[arg];
    stub_layout layout;
    (void)stub_layout_of(view->tensor, "TN", 2, work->heads, &layout);
    return stub_layout_heads(&layout, view->tensor, view->base, 0, 0);
}

/* Token `local` of a sequence whose windows begin at row `first` of dy; `count` of them. */
static void do_token(const job *work, head_state *state, int64_t local, int64_t first, int64_t count) {
    const int64_t last = local / work->stride < count ? local / work->stride : count - 1;
    const int64_t from = local < work->block ? 0 : (local - work->block) / work->stride + 1;
    const int64_t windows = last - from + 1;
    if (windows <= 0) {
        return;
    }
    const float *dy = state->dy + (first + from) * work->width;
    stub_attention_dots(1, windows, work->width, state->x, dy, state->dots, windows);
    for (int64_t i = 0; i < windows; i++) {
        const int64_t place = local - (from + i) * work->stride;
        state->dw[place] += (double)state->dots[i];
        state->own[i] = state->weights[place];
    }
    stub_attention_sums(1, windows, work->width, state->own, windows, dy, state->dx);
}

/* Tokens from `start` to `end`: those of one sequence, or of none (no windows). */
static void do_tokens(const job *work, head_state *state, int64_t head, int64_t start, int64_t end, int64_t first,
                      int64_t count) {
    const stub_heads x = heads_of(work, INPUT), dx = heads_of(work, DX);
    for (int64_t token = start; token < end; token++) {
        stub_heads_load(&x, head, token, work->d, state->x);
        memset(state->dx, 0, (size_t)work->width * sizeof *state->dx);
        do_token(work, state, token - start, first, count);
        stub_heads_store(&dx, head, token, work->d, state->dx);
    }
}

static void do_head(const job *work, head_state *state, int64_t head) {
    const stub_heads dy = heads_of(work, DY), weights = weights_of(work, WEIGHT), dw = weights_of(work, DW);
    int64_t start = 0, first = 0;
    for (int64_t i = 0; i < work->windows; i++) {
        stub_heads_load(&dy, head, i, work->d, state->dy + i * work->width);
    }
    for (int64_t i = 0; i < work->block; i++) {
        stub_heads_load(&weights, head, i, 1, state->weights + i);
    }
    for (uint64_t i = 0; i < work->ends->size; i++) {
        const int64_t end = work->ends->values[i];
        const int64_t count = stub_nsa_compress_windows(end - start, work->block, work->stride);
        do_tokens(work, state, head, start, end, first, count);
        start = end;
        first += count;
    }
    do_tokens(work, state, head, start, work->tokens, first, 0);
    for (int64_t i = 0; i < work->block; i++) {
        float sum = (float)state->dw[i];
        stub_heads_store(&dw, head, i, 1, &sum);
    }
}

static void do_piece(void *all, size_t head) {
    job *work = all;
    const int64_t windows = work->block / work->stride + 1;
    const int64_t floats = (work->windows + 2) * work->width + work->block + 2 * windows;
    double *memory = calloc((size_t)(work->block + floats / 2 + 1), sizeof *memory);
    if (!memory) {
        atomic_store(&work->status, ACLNN_ERR_INNER);
        return;
    }
    head_state state = {.dw = memory, .dy = (float *)(void *)(memory + work->block)};
    state.x = state.dy + work->windows * work->width;
    state.dx = state.x + work->width;
    state.weights = state.dx + work->width;
    state.own = state.weights + work->block;
    state.dots = state.own + windows;
    do_head(work, &state, (int64_t)head);
    free(memory);
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    const int args[] = {DY, INPUT, WEIGHT, DX, DW};
    job work = {.call = call,
                .ends = call->args[LENGTHS].ints,
                .tokens = input->shape[0],
                .heads = input->shape[1],
                .d = input->shape[2],
                .width = stub_lanes_up(input->shape[2]),
                .block = call->args[BLOCK].integer,
                .stride = call->args[STRIDE].integer,
                .windows = stub_tensor_arg(call, DY)->shape[0]};
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        STUB_REQUIRE(stub_view_open(call, (uint32_t)args[i], &work.view[args[i]]));
    }
    stub_parallel((size_t)work.heads, do_piece, &work);
    return atomic_load(&work.status) == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its windows", call->op->name);
}

STUB_KERNEL(aclnnNsaCompressGrad, check, run)
