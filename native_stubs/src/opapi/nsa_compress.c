/* aclnnNsaCompress on Atlas A2 and A3: every output row is the sum of one window of tokens, each head of a token times
 * a weight that belongs to the head and the token's place in the window.
 *
 * fp32 products (exact) and sums, then one rounding, halves away from zero (CAST_ROUND). A device adds up a window in
 * one binary tree when the windows do not overlap, and in pieces that depend on its cores when they do; here it is the
 * one tree always. */
#include "opapi/nsa_compress.h"

#include <stdlib.h>
#include <string.h>

#include "core/cpu.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

enum {
    HALF = 2,                  /* bytes of an element */
    WINDOW_BYTES = 512 * 1024, /* what the next window, if it overlaps, still finds in a usual second cache */
    TILE_BYTES = 512 * 1024,   /* of input for one piece of work */
    PACKING_BYTES = 256 * 1024 /* of input that are brought together in one piece of work */
};

typedef struct {
    stub_view input, weight, output;
    int64_t tokens, heads, columns; /* of input; columns are those of one head */
    int64_t block, stride, rows;
    stub_window window;
    stub_window_sum *sum;
    stub_token_pair *pairs;                  /* the window's */
    float *weights;                          /* [heads][pairs][2], then a row of the weight tensor while it is read */
    int64_t *starts;                         /* the first token of each row's window */
    uint8_t *packed;                         /* the input without gaps between columns, where it has some; else NULL */
    const uint8_t *x;                        /* element [0, 0, 0] of the input or of its packed copy */
    int64_t token_step, head_step;           /* of x, in bytes */
    int64_t tile_heads, tile_rows, rowtiles; /* a piece of work, and how many of them lie behind one another */
} compression;

static stub_window_sum *choose_sum(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        return stub_window_sum_avx2;
    }
#endif
    return stub_window_sum_baseline;
}

static void measure(const stub_call *call, compression *job) {
    const aclTensor *input = stub_tensor_arg(call, NSA_COMPRESS_INPUT);
    *job = (compression){
        .tokens = input->shape[0],
        .heads = input->shape[1],
        .columns = input->shape[2],
        .block = call->args[NSA_COMPRESS_BLOCK].integer,
        .stride = call->args[NSA_COMPRESS_STRIDE].integer,
        .rows = stub_tensor_arg(call, NSA_COMPRESS_OUTPUT)->shape[0],
        .window = {.half = stub_half_of(input), .pair_count = STUB_FEWEST_PAIRS},
        .sum = choose_sum(),
    };
    while (2 * (int64_t)job->window.pair_count < job->block) {
        job->window.pair_count *= 2;
    }
    job->window.has_lone = 2 * (int64_t)job->window.pair_count > job->block;
}

static aclnnStatus open_views(const stub_call *call, compression *job) {
    STUB_REQUIRE(stub_view_open(call, NSA_COMPRESS_INPUT, &job->input));
    STUB_REQUIRE(stub_view_open(call, NSA_COMPRESS_WEIGHT, &job->weight));
    return stub_view_open(call, NSA_COMPRESS_OUTPUT, &job->output);
}

/* Whether the columns of a head are neighbours. */
static bool is_dense(const stub_view *view) {
    return view->tensor->shape[2] == 1 || view->tensor->strides[2] == 1;
}

static aclnnStatus allocate(const stub_call *call, compression *job) {
    const size_t heads = (size_t)job->heads, pairs = job->window.pair_count;
    const bool dense = is_dense(&job->input);
    job->pairs = malloc(pairs * sizeof *job->pairs);
    job->weights = calloc(heads * (2 * pairs + 1), sizeof *job->weights);
    job->starts = malloc((size_t)job->rows * sizeof *job->starts);
    job->packed = dense ? NULL : malloc((size_t)stub_tensor_numel(job->input.tensor) * HALF);
    if (job->pairs && job->weights && job->starts && (dense || job->packed)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld windows of %lld heads", call->op->name,
                     (long long)job->rows, (long long)job->heads);
}

static void release(compression *job) {
    free(job->pairs);
    free(job->weights);
    free(job->starts);
    free(job->packed);
}

static void find_starts(const stub_call *call, compression *job) {
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

typedef struct {
    compression *job;
    int64_t tokens; /* of one piece */
} packing;

static void pack_piece(void *state, size_t index) {
    const packing *work = state;
    const compression *job = work->job;
    const int64_t first = (int64_t)index * work->tokens * job->heads;
    const int64_t end = job->tokens * job->heads, rows = work->tokens * job->heads;
    stub_row row;
    stub_row_start(&row, &job->input, 2, first);
    for (int64_t i = first; i < end && i < first + rows; i++) {
        for (int64_t column = 0; column < job->columns; column += STUB_CHUNK) {
            stub_chunk chunk;
            const size_t n = stub_chunk_length(job->columns, column);
            memcpy(job->packed + (i * job->columns + column) * HALF, stub_row_read(&row, column, n, &chunk), n * HALF);
        }
        stub_row_next(&row);
    }
}

/* As a device does: what is not contiguous is copied first. Here only columns have to be. */
static void locate_input(compression *job) {
    const aclTensor *tensor = job->input.tensor;
    if (!job->packed) {
        job->x = job->input.base + tensor->offset * HALF;
        job->token_step = tensor->strides[0] * HALF;
        job->head_step = job->heads > 1 ? tensor->strides[1] * HALF : 0; /* a single head's stride may be anything */
        return;
    }
    job->x = job->packed;
    job->head_step = job->columns * HALF;
    job->token_step = job->heads * job->head_step;
    packing work = {job, 1 + PACKING_BYTES / job->token_step};
    stub_parallel((size_t)((job->tokens + work.tokens - 1) / work.tokens), pack_piece, &work);
}

static void load_weights(compression *job, int64_t token, size_t slot) {
    const size_t per_head = 2 * job->window.pair_count;
    float *values = job->weights + (size_t)job->heads * per_head;
    stub_row row;
    stub_row_start(&row, &job->weight, 1, token);
    stub_row_read_floats(&row, 0, (size_t)job->heads, values);
    for (size_t head = 0; head < (size_t)job->heads; head++) {
        job->weights[head * per_head + slot] = values[head];
    }
}

static int64_t reverse_bits(size_t number, size_t count) {
    int64_t reversed = 0;
    for (; count > 1; count /= 2, number /= 2) {
        reversed = 2 * reversed + (int64_t)(number & 1);
    }
    return reversed;
}

static void order_tokens(compression *job) {
    const size_t count = job->window.pair_count;
    for (size_t k = 0; k < count; k++) {
        const int64_t first = reverse_bits(k, count), second = first + (int64_t)count;
        const bool lone = second >= job->block;
        job->pairs[k] = (stub_token_pair){first * job->token_step, lone ? 0 : second * job->token_step, lone};
        load_weights(job, first, 2 * k);
        if (!lone) {
            load_weights(job, second, 2 * k + 1);
        }
    }
    job->window.pairs = job->pairs;
}

static void compress_head(const compression *job, int64_t row, int64_t head, stub_ahead *ahead) {
    const aclTensor *output = job->output.tensor;
    const uint8_t *x = job->x + job->starts[row] * job->token_step + head * job->head_step;
    const float *weights = job->weights + (size_t)head * 2 * job->window.pair_count;
    const int64_t at = output->offset + row * output->strides[0] + head * output->strides[1];
    if (is_dense(&job->output)) {
        job->sum(&job->window, x, weights, (size_t)job->columns, ahead, job->output.base + at * HALF);
        return;
    }
    const stub_row y = {.view = &job->output, .offset = at, .step = output->strides[2]};
    for (int64_t column = 0; column < job->columns; column += STUB_CHUNK) {
        stub_chunk chunk;
        const size_t n = stub_chunk_length(job->columns, column);
        job->sum(&job->window, x + column * HALF, weights, n, ahead, chunk.bytes);
        stub_row_write(&y, column, n, chunk.bytes);
    }
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Some heads of `tokens` tokens: a run for each token, or one for all when nothing lies between them. */
static stub_ahead look_ahead(const compression *job, int64_t token, int64_t tokens, int64_t head, int64_t heads) {
    const int64_t bytes = heads * job->columns * HALF;
    const bool dense = bytes == job->token_step;
    const size_t run_bytes = (size_t)(dense ? tokens * bytes : bytes);
    return (stub_ahead){
        .run = job->x + token * job->token_step + head * job->head_step,
        .run_bytes = run_bytes,
        .run_step = job->token_step,
        .lines_left = (run_bytes + STUB_LINE - 1) / STUB_LINE * (size_t)(dense ? 1 : tokens),
        .lines_per_step = (size_t)tokens * STUB_AHEAD_STEP * HALF / STUB_LINE,
    };
}

static void compress_tile(void *state, size_t index) {
    const compression *job = state;
    const int64_t first_row = (int64_t)index % job->rowtiles * job->tile_rows;
    const int64_t first_head = (int64_t)index / job->rowtiles * job->tile_heads;
    const int64_t heads = smaller(job->tile_heads, job->heads - first_head);
    const int64_t end = smaller(first_row + job->tile_rows, job->rows);
    stub_ahead ahead = look_ahead(job, job->starts[first_row], job->block, first_head, heads);
    stub_fetch_ahead(&ahead, ahead.lines_left);
    for (int64_t row = first_row; row < end; row++) {
        if (row + 1 < end) { /* of windows that overlap the last `stride` tokens are new */
            const int64_t token = job->starts[row + 1] + job->block - job->stride;
            ahead = look_ahead(job, token, job->stride, first_head, heads);
        }
        for (int64_t head = first_head; head < first_head + heads; head++) {
            compress_head(job, row, head, &ahead);
        }
    }
}

/* Heads that are worked on together: as many as possible, so that neighbouring bytes are read in long runs. */
static int64_t choose_heads(const compression *job) {
    const int64_t head_bytes = job->columns * HALF;
    if (job->head_step != head_bytes) {
        return 1;
    }
    const int64_t fitting = WINDOW_BYTES / (job->block * head_bytes);
    return job->stride == job->block ? job->heads : smaller(fitting > 0 ? fitting : 1, job->heads);
}

/* A tile is some heads of some windows. */
static void run_tiles(compression *job) {
    job->tile_heads = choose_heads(job);
    job->tile_rows = 1 + TILE_BYTES / (job->tile_heads * job->columns * HALF * job->stride);
    job->rowtiles = (job->rows + job->tile_rows - 1) / job->tile_rows;
    const int64_t headtiles = (job->heads + job->tile_heads - 1) / job->tile_heads;
    stub_parallel((size_t)(job->rowtiles * headtiles), compress_tile, job);
}

static aclnnStatus run(const stub_call *call) {
    compression job;
    measure(call, &job);
    STUB_REQUIRE(open_views(call, &job));
    const aclnnStatus status = allocate(call, &job);
    if (status == ACLNN_SUCCESS) {
        find_starts(call, &job);
        locate_input(&job);
        order_tokens(&job);
        run_tiles(&job);
    }
    release(&job);
    return status;
}

extern const stub_kernel stub_kernel_aclnnNsaCompress;
const stub_kernel stub_kernel_aclnnNsaCompress = {stub_nsa_compress_check, run};
