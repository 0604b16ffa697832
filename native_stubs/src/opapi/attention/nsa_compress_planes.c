/* Windows of aclnnNsaCompress whose tokens are widened first, once for all windows they belong to. */
#include <string.h>

#include "opapi/attention/nsa_compress_job.h"
#include "opapi/rows.h"

/* Planes [plane, plane + planes) of a head in some windows that are `stride` apart. */
typedef struct {
    int64_t row, windows, head, plane, planes;
} strip;

static int64_t plane_columns(const stub_compression *job) {
    return stub_smaller(job->columns, STUB_PLANE);
}

/* Planes of a head follow one another, but the last one ends where the head does. */
static int64_t first_column(const stub_compression *job, int64_t plane) {
    return stub_smaller(plane * STUB_PLANE, job->columns - plane_columns(job));
}

/* x is the place of the strip's token `first`. */
static void gather(const stub_compression *job, const strip *at, int64_t first, int64_t tokens, float *x) {
    const int64_t *strides = job->input.tensor->strides;
    stub_row row = {.view = &job->input, .step = strides[2]};
    row.offset = stub_head_offset(&job->input, job->starts[at->row] + first, at->head);
    for (int64_t token = 0; token < tokens; token++, row.offset += strides[0]) {
        for (int64_t plane = 0; plane < at->planes; plane++) {
            float *place = x + (plane * job->cut.tokens + token) * STUB_PLANE;
            memset(place, 0, STUB_PLANE * sizeof *place); /* where a head is narrower, all of it is computed with */
            stub_row_read_floats(&row, first_column(job, at->plane + plane), (size_t)plane_columns(job), place);
        }
    }
}

static void widen(const stub_compression *job, const strip *at, int64_t first, int64_t tokens, float *x,
                  stub_ahead *ahead) {
    const int64_t column = first_column(job, at->plane);
    const int64_t offset = stub_head_offset(&job->input, job->starts[at->row] + first, at->head) + column;
    const stub_widening work = {
        .half = job->half,
        .x = job->input.base + offset * STUB_HALF_BYTES,
        .step = job->input.tensor->strides[0] * STUB_HALF_BYTES,
        .tokens = (size_t)tokens,
        .planes = (size_t)at->planes,
        .last = (size_t)(first_column(job, at->plane + at->planes - 1) - column),
        .columns = (size_t)plane_columns(job),
        .y = x,
        .plane_step = (size_t)job->cut.tokens * STUB_PLANE,
        .ahead = ahead,
    };
    job->loops->widen(&work);
}

static void sum_windows(const stub_compression *job, const strip *at, const float *x, float *sums, stub_ahead *ahead) {
    const stub_plane_windows work = {
        .x = x,
        .windows = (size_t)at->windows,
        .window_step = (size_t)job->stride * STUB_PLANE,
        .planes = (size_t)at->planes,
        .plane_step = (size_t)job->cut.tokens * STUB_PLANE,
        .group_count = (size_t)job->group_count,
        .groups = job->groups,
        .weights = stub_head_weights(job, at->head),
        .sums = sums,
        .ahead = ahead,
    };
    job->loops->sum_planes(&work);
}

/* The step from row to row of a single one may be anything. */
static void write_plane(const stub_compression *job, const strip *at, int64_t plane, const float *sums, uint8_t *raw) {
    const int64_t *strides = job->output.tensor->strides, column = first_column(job, plane);
    const int64_t step = at->windows > 1 ? strides[0] : 0;
    const size_t columns = (size_t)plane_columns(job);
    stub_row row = {.view = &job->output, .step = stub_is_dense(&job->output) ? 1 : strides[2]};
    row.offset = stub_head_offset(&job->output, at->row, at->head);
    uint8_t *place = stub_row_place(&row, column);
    if (place) {
        job->loops->round(job->half, sums, (size_t)at->windows, columns, place, step * STUB_HALF_BYTES);
        return;
    }
    job->loops->round(job->half, sums, (size_t)at->windows, columns, raw, STUB_PLANE * STUB_HALF_BYTES);
    for (int64_t i = 0; i < at->windows; i++, row.offset += step) {
        stub_row_write(&row, column, columns, raw + i * STUB_PLANE * STUB_HALF_BYTES);
    }
}

/* Some of the strip's windows at a time: while the first cache still holds what they share with those before. */
static void do_strip(const stub_compression *job, const strip *all, const stub_compression_scratch *scratch,
                     stub_ahead *ahead) {
    int64_t widened = 0;
    strip at = *all;
    for (int64_t done = 0; done < all->windows; done += at.windows) {
        at.windows = stub_smaller(all->windows - done, job->cut.at_once);
        at.row = all->row + done;
        const int64_t tokens = (done + at.windows - 1) * job->stride + job->block - widened;
        float *x = scratch->x + widened * STUB_PLANE;
        if (stub_is_dense(&job->input)) {
            widen(job, all, widened, tokens, x, ahead);
        } else {
            gather(job, all, widened, tokens, x);
        }
        widened += tokens;
        sum_windows(job, &at, scratch->x + done * job->stride * STUB_PLANE, scratch->sums, ahead);
        for (int64_t i = 0; i < at.planes; i++) {
            write_plane(job, &at, at.plane + i, scratch->sums + i * at.windows * STUB_PLANE, scratch->raw);
        }
    }
}

static int64_t count_sums(const stub_compression *job) {
    return job->levels * job->cut.planes * job->cut.at_once * STUB_PLANE;
}

/* The rounded rows take half as much as one more plane of sums. */
size_t stub_compression_scratch_bytes(const stub_compression *job) {
    const int64_t x = job->cut.planes * job->cut.tokens * STUB_PLANE, raw = job->cut.at_once * STUB_PLANE;
    return job->direct ? 0 : (size_t)(x + count_sums(job) + raw) * sizeof(float);
}

void stub_compression_do_planes(const stub_compression *job, uint8_t *memory, int64_t row, int64_t windows,
                                int64_t head, stub_ahead *ahead) {
    stub_compression_scratch scratch = {.x = (float *)(void *)memory};
    scratch.sums = scratch.x + job->cut.planes * job->cut.tokens * STUB_PLANE;
    scratch.raw = (uint8_t *)(scratch.sums + count_sums(job));
    const int64_t planes = stub_pieces(job->columns, STUB_PLANE);
    for (int64_t plane = 0; plane < planes; plane += job->cut.planes) {
        const strip at = {row, windows, head, plane, stub_smaller(planes - plane, job->cut.planes)};
        do_strip(job, &at, &scratch, ahead);
    }
}

int64_t stub_compression_plane_steps(const stub_compression *job, int64_t windows) {
    const int64_t planes = stub_pieces(job->columns, STUB_PLANE), strips = stub_pieces(planes, job->cut.planes);
    const int64_t tokens = (windows - 1) * job->stride + job->block;
    return strips * tokens / STUB_AHEAD_TOKENS + planes * stub_pieces(windows, job->cut.at_once) * job->group_count;
}
