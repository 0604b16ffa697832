/* One tile of aclnnNsaCompress, and the way to the next. */
#include "opapi/attention/nsa_compress_job.h"
#include "opapi/rows.h"

/* Columns [column, column + window->columns) of one window and head. */
static void do_window(const stub_compression *job, const stub_direct_window *window, int64_t row, int64_t head,
                      int64_t column, stub_ahead *ahead) {
    const int64_t offset = stub_head_offset(&job->input, job->starts[row], head) + column;
    stub_row y = {.view = &job->output, .step = stub_is_dense(&job->output) ? 1 : job->output.tensor->strides[2]};
    y.offset = stub_head_offset(&job->output, row, head);
    uint8_t raw[STUB_DIRECT_COLUMNS * STUB_HALF_BYTES], *place = stub_row_place(&y, column);
    job->loops->sum_window(window, job->input.base + offset * STUB_HALF_BYTES, stub_head_weights(job, head), ahead,
                           place ? place : raw);
    if (!place) {
        stub_row_write(&y, column, window->columns, raw);
    }
}

/* The last columns overlap those before where they would be too few. */
static void do_head_directly(const stub_compression *job, int64_t row, int64_t windows, int64_t head,
                             stub_ahead *ahead) {
    stub_direct_window window = {
        .half = job->half,
        .whole = STUB_GROUP_TOKENS * job->group_count == job->block,
        .step = job->input.tensor->strides[0] * STUB_HALF_BYTES,
        .group_count = (size_t)job->group_count,
        .groups = job->groups,
    };
    for (int64_t done = 0; done < job->columns; done += STUB_DIRECT_COLUMNS) {
        const int64_t left = stub_larger(job->columns - done, STUB_DIRECT_UNIT);
        const int64_t columns = stub_smaller(left, STUB_DIRECT_COLUMNS);
        window.columns = (size_t)columns;
        for (int64_t i = row; i < row + windows; i++) {
            do_window(job, &window, i, head, stub_smaller(done, job->columns - columns), ahead);
        }
    }
}

/* Of `ahead`, for a window of a head. */
static int64_t direct_steps(const stub_compression *job) {
    return stub_pieces(job->columns, STUB_DIRECT_COLUMNS) * job->group_count / 2;
}

/* The lines of a tile, in the order of memory: a run for each token, or one for all when nothing lies between them. */
static stub_ahead look_ahead(const stub_compression *job, const stub_compression_tile *next, int64_t steps) {
    const int64_t step = job->input.tensor->strides[0] * STUB_HALF_BYTES;
    const int64_t token = stub_larger(job->starts[next->row], job->starts[next->row - 1] + job->block);
    const int64_t end = stub_smaller(job->starts[next->end_row - 1] + job->block, token + 2 * job->cut.tokens);
    const int64_t bytes = (next->end_head - next->head) * job->columns * STUB_HALF_BYTES;
    const int64_t runs = bytes == step ? 1 : end - token, lines = stub_pieces((end - token) * bytes / runs, STUB_LINE);
    return (stub_ahead){
        .next = job->input.base + stub_head_offset(&job->input, token, next->head) * STUB_HALF_BYTES,
        .left = (size_t)lines,
        .per_step = (size_t)stub_pieces(lines * runs, steps),
        .runs_left = (size_t)runs - 1,
        .run_lines = (size_t)lines,
        .gap = step - lines * STUB_LINE,
    };
}

/* Windows of [row, end) until the first one that is not `stride` behind the one before: that of another batch. */
static int64_t count_windows(const stub_compression *job, int64_t row, int64_t end) {
    int64_t next = row + 1;
    while (next < end && job->starts[next] - job->starts[next - 1] == job->stride) {
        next++;
    }
    return next - row;
}

void stub_compression_do_tile(const stub_compression *job, uint8_t *scratch, const stub_compression_tile *tile,
                              const stub_compression_tile *next) {
    const int64_t heads = tile->end_head - tile->head, rows = tile->end_row - tile->row;
    const int64_t steps = heads * (job->direct ? rows * direct_steps(job) : stub_compression_plane_steps(job, rows));
    stub_ahead ahead = next ? look_ahead(job, next, steps) : (stub_ahead){0};
    for (int64_t row = tile->row, windows; row < tile->end_row; row += windows) {
        windows = count_windows(job, row, tile->end_row);
        for (int64_t head = tile->head; head < tile->end_head; head++) {
            if (job->direct) {
                do_head_directly(job, row, windows, head, &ahead);
            } else {
                stub_compression_do_planes(job, scratch, row, windows, head, &ahead);
            }
        }
    }
}
