/* aclnnNsaCompress on Atlas A2 and A3: every output row is the sum of one window of tokens, each head of a token times
 * a weight that belongs to the head and the token's place in the window.
 *
 * fp32 products (exact) and sums, then one rounding, halves away from zero (CAST_ROUND). A device adds up a window in
 * one binary tree when the windows do not overlap, and in pieces that depend on its cores when they do; here it is the
 * one tree always. */
#include "opapi/attention/nsa_compress.h"
#include "opapi/kernel.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/cpu.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/attention/nsa_compress_job.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

enum { CACHE_LINE = 64 };

static const stub_window_loops *choose_loops(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        return &stub_window_loops_avx2;
    }
#endif
    return &stub_window_loops_baseline;
}

static void measure(const stub_call *call, stub_compression *job) {
    const aclTensor *input = stub_tensor_arg(call, NSA_COMPRESS_INPUT);
    *job = (stub_compression){
        .half = stub_half_of(input),
        .loops = choose_loops(),
        .heads = input->shape[1],
        .columns = input->shape[2],
        .block = call->args[NSA_COMPRESS_BLOCK].integer,
        .stride = call->args[NSA_COMPRESS_STRIDE].integer,
        .rows = stub_tensor_arg(call, NSA_COMPRESS_OUTPUT)->shape[0],
        .group_count = 2,
        .levels = 1,
    };
    for (; STUB_GROUP_TOKENS * job->group_count < job->block; job->group_count *= 2) {
        job->levels++;
    }
}

static aclnnStatus open_views(const stub_call *call, stub_compression *job) {
    STUB_REQUIRE(stub_view_open(call, NSA_COMPRESS_INPUT, &job->input));
    STUB_REQUIRE(stub_view_open(call, NSA_COMPRESS_WEIGHT, &job->weight));
    return stub_view_open(call, NSA_COMPRESS_OUTPUT, &job->output);
}

static void find_starts(const stub_call *call, stub_compression *job) {
    const aclIntArray *ends = call->args[NSA_COMPRESS_SEQUENCES].ints;
    int64_t first = 0, row = 0;
    for (uint64_t i = 0; i < ends->size; i++) {
        const int64_t windows = stub_nsa_compress_windows(ends->values[i] - first, job->block, job->stride);
        for (int64_t window = 0; window < windows; window++) {
            job->starts[row++] = first + window * job->stride;
        }
        first = ends->values[i];
    }
}

/* Its own inverse. */
static int64_t reverse_bits(int64_t number, int levels) {
    int64_t reversed = 0;
    for (; levels > 0; levels--, number >>= 1) {
        reversed = reversed << 1 | (number & 1);
    }
    return reversed;
}

static int count_pairs(const stub_compression *job, int64_t first) {
    int pairs = 0;
    while (pairs < STUB_GROUP_PAIRS && first + (STUB_GROUP_PAIRS + pairs) * job->group_count < job->block) {
        pairs++;
    }
    return pairs;
}

/* The earlier sums are a binary counter: one for each bit of `i` that is set; the trailing ones are completed. */
static void order_groups(stub_compression *job) {
    for (int64_t i = 0; i < job->group_count; i++) {
        const int64_t first = reverse_bits(i, job->levels);
        size_t completed = 0;
        for (int64_t done = i; done & 1; done >>= 1) {
            completed++;
        }
        job->groups[i] = (stub_token_group){first, count_pairs(job, first), completed};
    }
}

/* Token j of the group that begins with token g is token g + j * group_count. `values` holds a row meanwhile. */
static void load_weights(stub_compression *job, float *values) {
    stub_row row;
    stub_row_start(&row, &job->weight, 1, 0);
    for (int64_t token = 0; token < job->block; token++, stub_row_next(&row)) {
        const int64_t group = reverse_bits(token % job->group_count, job->levels);
        float *weight = job->weights + group * STUB_GROUP_TOKENS + token / job->group_count;
        stub_row_read_floats(&row, 0, (size_t)job->heads, values);
        for (int64_t head = 0; head < job->heads; head++, weight += job->group_count * STUB_GROUP_TOKENS) {
            *weight = values[head];
        }
    }
}

typedef struct {
    const stub_compression *job;
    uint8_t *memory; /* [workers][bytes] */
    size_t bytes;    /* of one worker */
    int64_t spans;
    atomic_int_fast64_t next; /* the first span that nobody has taken */
} work;

static void do_span(const stub_compression *job, uint8_t *scratch, int64_t span) {
    const stub_compression_cut *cut = &job->cut;
    const int64_t head = span / cut->spans_in_line * cut->heads, row = span % cut->spans_in_line * cut->span_rows;
    const int64_t end_head = stub_smaller(head + cut->heads, job->heads);
    const int64_t end_row = stub_smaller(row + cut->span_rows, job->rows);
    stub_compression_tile tile = {row, stub_smaller(row + cut->rows, end_row), head, end_head}, next = tile;
    for (; tile.row < end_row; tile = next) {
        next.row = tile.end_row;
        next.end_row = stub_smaller(next.row + cut->rows, end_row);
        stub_compression_do_tile(job, scratch, &tile, next.row < end_row ? &next : NULL);
    }
}

static void do_spans(void *state, size_t worker) {
    work *all = state;
    uint8_t *scratch = all->memory + worker * all->bytes;
    for (int64_t i; (i = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed)) < all->spans;) {
        do_span(all->job, scratch, i);
    }
}

static aclnnStatus compress(const stub_call *call, stub_compression *job) {
    work all = {.job = job, .spans = job->cut.spans_in_line * job->cut.head_tiles};
    all.bytes = (stub_compression_scratch_bytes(job) + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
    const size_t workers = (size_t)stub_smaller((int64_t)stub_parallel_threads(), all.spans);
    const size_t weights = (size_t)(job->heads * job->group_count * STUB_GROUP_TOKENS);
    job->groups = malloc((size_t)job->group_count * sizeof *job->groups);
    job->weights = calloc(weights + (size_t)job->heads, sizeof *job->weights);
    job->starts = malloc((size_t)job->rows * sizeof *job->starts);
    all.memory = aligned_alloc(CACHE_LINE, workers * all.bytes);
    const bool enough = job->groups && job->weights && job->starts && all.memory;
    if (enough) {
        find_starts(call, job);
        order_groups(job);
        load_weights(job, job->weights + weights);
        stub_parallel(workers, do_spans, &all);
    }
    free(all.memory);
    free(job->starts);
    free(job->weights);
    free(job->groups);
    return enough ? ACLNN_SUCCESS
                  : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld windows of %lld heads", call->op->name,
                              (long long)job->rows, (long long)job->heads);
}

static aclnnStatus run(const stub_call *call) {
    stub_compression job;
    measure(call, &job);
    STUB_REQUIRE(open_views(call, &job));
    stub_compression_plan(&job);
    return compress(call, &job);
}

STUB_KERNEL(aclnnNsaCompress, stub_nsa_compress_check, run)
