/* aclnnNsaCompressWithCache: when the tokens of a sequence have filled one more window, the weighted sum of the last
 * window's tokens becomes one vector of the compressed cache. In fp32, rounded once, half to even. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"
#include "opapi/attention/layout.h"
#include "opapi/kernel.h"

enum { INPUT, WEIGHT, SLOTS, LENGTHS, TABLE, LAYOUT, BLOCK, STRIDE, LENGTHS_TYPE, PAGE, OUTPUT };
enum {
    UNIT = 16,
    MOST_BLOCK = 64,
    MOST_STRIDE = 64,
    MOST_D = 256,
    MOST_HEADS = 64,
    MOST_ODD = 50,
    MOST_BATCHES = 2048
};

typedef struct {
    const stub_call *call;
    stub_view input, weight, output;
    int64_t *slots, *table;
    int32_t *pages;
    int64_t batches, heads, d, width, block, stride, page, pages_each;
    atomic_int status;
} job;

static aclnnStatus refuse(const stub_call *call, uint32_t arg, const char *rule) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; %s", call->op->name, call->op->params[arg].name,
                     (long long)call->args[arg].integer, rule);
}

static aclnnStatus check_numbers(const stub_call *call) {
    const int64_t block = call->args[BLOCK].integer, stride = call->args[STRIDE].integer;
    const int64_t page = call->args[PAGE].integer;
    if (block < UNIT || block > MOST_BLOCK || block % UNIT != 0) {
        return refuse(call, BLOCK, "it must be a multiple of 16, at most 64");
    }
    if (stride < UNIT || stride > MOST_STRIDE || stride % UNIT != 0 || stride > block) {
        return refuse(call, STRIDE, "it must be a multiple of 16, at most 64 and compressBlockSize");
    }
    if (call->args[LENGTHS_TYPE].integer != 1) {
        return refuse(call, LENGTHS_TYPE, "only 1 (the tokens of each batch) is supported");
    }
    return page == 64 || page == 128 ? ACLNN_SUCCESS : refuse(call, PAGE, "allowed are 64 and 128");
}

static aclnnStatus check_tensors(const stub_call *call) {
    const uint32_t required[] = {INPUT, WEIGHT, SLOTS, OUTPUT};
    const stub_dtype_rule rules[] = {{INPUT, STUB_ON_ALL(STUB_HALVES)},
                                     {SLOTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {TABLE, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))}};
    STUB_REQUIRE(stub_check_given(call, required, sizeof required / sizeof *required));
    STUB_REQUIRE(stub_check_dtypes(call, rules, sizeof rules / sizeof *rules));
    STUB_REQUIRE(stub_check_same_dtype(call, WEIGHT, INPUT));
    STUB_REQUIRE(stub_check_same_dtype(call, OUTPUT, INPUT));
    if (!stub_tensor_arg(call, TABLE)) {
        return stub_fail(
            ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
            "%s: the stand-in has no kernel for an input without blockTableOptional: CANN's reads the table "
            "always",
            call->op->name);
    }
    STUB_REQUIRE(stub_check_rank(call, INPUT, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, TABLE, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, SLOTS, 1, 1));
    return stub_check_rank(call, OUTPUT, 3, 3);
}

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT), *slots = stub_tensor_arg(call, SLOTS);
    const int64_t heads = input->shape[2], d = input->shape[3], batches = slots->shape[0];
    const aclIntArray *lengths = call->args[LENGTHS].ints;
    const int64_t in[] = {input->shape[0], call->args[PAGE].integer, heads, d};
    const int64_t weight[] = {call->args[BLOCK].integer, heads};
    const int64_t table[] = {batches, stub_tensor_arg(call, TABLE)->shape[1]};
    const int64_t out[] = {stub_tensor_arg(call, OUTPUT)->shape[0], heads, d};
    STUB_REQUIRE(stub_check_shape(call, INPUT, in, 4, "[blocks, pageBlockSize, N, D]"));
    if (d < UNIT || d > MOST_D || d % UNIT != 0 || heads < 1 || heads > MOST_HEADS ||
        (heads > MOST_ODD && heads % 2 != 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: input has %lld heads of %lld elements; allowed are 64 heads (above 50: even numbers) of "
                         "256, in multiples of 16",
                         call->op->name, (long long)heads, (long long)d);
    }
    STUB_REQUIRE(stub_check_shape(call, WEIGHT, weight, 2, "compressBlockSize, heads of input"));
    STUB_REQUIRE(stub_check_shape(call, TABLE, table, 2, "[batches, blocks of a sequence]"));
    STUB_REQUIRE(stub_check_shape(call, OUTPUT, out, 3, "[vectors, N, D] of input"));
    if (!lengths || (int64_t)lengths->size != batches || batches > MOST_BATCHES) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: actSeqLenOptional has %llu values; it must have one for each of slotMapping's %lld, at "
                         "most 2048",
                         call->op->name, lengths ? (unsigned long long)lengths->size : 0ull, (long long)batches);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_tensors(call));
    STUB_REQUIRE(check_numbers(call));
    STUB_REQUIRE(check_shapes(call));
    const aclIntArray *lengths = call->args[LENGTHS].ints;
    const int64_t most = stub_tensor_arg(call, TABLE)->shape[1] * call->args[PAGE].integer;
    for (uint64_t i = 0; i < lengths->size; i++) {
        if (lengths->values[i] < 0 || lengths->values[i] > most) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: actSeqLenOptional[%llu] is %lld; the blocks of blockTableOptional hold %lld tokens",
                             call->op->name, (unsigned long long)i, (long long)lengths->values[i], (long long)most);
        }
    }
    plan->nothing_to_run = lengths->size == 0;
    return ACLNN_SUCCESS;
}

static stub_heads heads_of(const job *work, const stub_view *view, const char *letters) {
    stub_layout layout;
    (void)stub_layout_of(view->tensor, letters, (uint32_t)strlen(letters), work->heads, &layout);
    stub_heads heads = stub_layout_heads(&layout, view->tensor, view->base, 0, 0);
    heads.page = layout.batch_step * stub_dtype_bits(view->tensor->dtype) / 8;
    heads.page_count = layout.batches;
    return heads;
}

/* The last window of a batch, to its slot. */
static bool compress(const job *work, int64_t batch, int64_t head, float *weights, float *window, float *sum) {
    const int64_t first = work->call->args[LENGTHS].ints->values[batch] - work->block, slot = work->slots[batch];
    const stub_heads weight = heads_of(work, &work->weight, "TN"), out = heads_of(work, &work->output, "TND");
    stub_heads input = heads_of(work, &work->input, "BSND");
    input.pages = work->pages + batch * work->pages_each;
    input.page_size = work->page;
    if (slot < 0 || slot >= work->output.tensor->shape[0]) {
        return false;
    }
    memset(sum, 0, (size_t)work->width * sizeof *sum);
    for (int64_t i = 0; i < work->block; i++) {
        stub_heads_load(&weight, head, i, 1, weights + i);
        if (!stub_heads_load(&input, head, first + i, work->d, window + i * work->width)) {
            return false;
        }
    }
    stub_attention_sums(1, work->block, work->width, weights, work->block, window, sum);
    stub_heads_store(&out, head, slot, work->d, sum);
    return true;
}

static void do_batch(void *all, size_t batch) {
    job *work = all;
    const int64_t length = work->call->args[LENGTHS].ints->values[batch];
    if (length < work->block || (length - work->block) % work->stride != 0) {
        return;
    }
    float *memory = calloc((size_t)(work->block * (work->width + 1) + work->width), sizeof *memory);
    for (int64_t head = 0; memory && head < work->heads; head++) {
        float *window = memory + work->block, *sum = window + work->block * work->width;
        if (!compress(work, (int64_t)batch, head, memory, window, sum)) {
            atomic_store(&work->status, ACL_ERROR_RT_AICORE_EXCEPTION);
            break;
        }
    }
    if (!memory) {
        atomic_store(&work->status, ACLNN_ERR_INNER);
    }
    free(memory);
}

static aclnnStatus load(job *work, uint32_t arg, int64_t **to) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(work->call, arg, &view));
    *to = malloc((size_t)(stub_tensor_numel(view.tensor) + 1) * sizeof **to);
    if (!*to) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", work->call->op->name);
    }
    stub_load_all(&view, ACL_INT64, sizeof **to, *to);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_all(job *work) {
    STUB_REQUIRE(stub_view_open(work->call, INPUT, &work->input));
    STUB_REQUIRE(stub_view_open(work->call, WEIGHT, &work->weight));
    STUB_REQUIRE(stub_view_open(work->call, OUTPUT, &work->output));
    STUB_REQUIRE(load(work, SLOTS, &work->slots));
    STUB_REQUIRE(load(work, TABLE, &work->table));
    work->pages = malloc((size_t)(work->batches * work->pages_each + 1) * sizeof *work->pages);
    for (int64_t i = 0; work->pages && i < work->batches * work->pages_each; i++) {
        work->pages[i] = (int32_t)work->table[i];
    }
    if (!work->pages) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", work->call->op->name);
    }
    stub_parallel((size_t)work->batches, do_batch, work);
    switch (atomic_load(&work->status)) {
    case 0:
        return ACLNN_SUCCESS;
    case ACLNN_ERR_INNER:
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a window", work->call->op->name);
    default:
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                         "%s: blockTableOptional names a block, or slotMapping a slot, outside of its cache",
                         work->call->op->name);
    }
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    job work = {.call = call,
                .batches = stub_tensor_arg(call, SLOTS)->shape[0],
                .heads = input->shape[2],
                .d = input->shape[3],
                .width = stub_lanes_up(input->shape[3]),
                .block = call->args[BLOCK].integer,
                .stride = call->args[STRIDE].integer,
                .page = call->args[PAGE].integer,
                .pages_each = stub_tensor_arg(call, TABLE)->shape[1]};
    const aclnnStatus status = run_all(&work);
    free(work.slots);
    free(work.table);
    free(work.pages);
    return status;
}

STUB_KERNEL(aclnnNsaCompressWithCache, check, run)
