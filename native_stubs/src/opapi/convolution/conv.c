/* Convolutions as matrix products with columns, in pieces that fit the caches and run on all cores. */
#include "opapi/convolution/conv.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/convolution/conv_columns.h"
#include "opapi/matmul/gemm.h"

enum { ROOM = 1 << 18 /* floats of columns that a piece works with, if its smallest step does not need more */ };

/* One of the three products, cut into steps of `rows` rows of the small image and of `channels` channels of the large
 * image. */
typedef struct {
    const stub_conv *conv;
    const float *large, *small, *weight, *bias;
    float *result;
    int64_t channels, rows;              /* of a step */
    int64_t channel_steps, row_steps;    /* of a group; of an image */
    int64_t group_large, group_small;    /* channels of a group */
    int64_t places, positions, all_rows; /* of the kernel; of the small image */
    int64_t plane;                       /* elements of the large image */
    atomic_bool failed;
} job;

int64_t stub_conv_count(const int64_t lengths[STUB_MAX_SPATIAL]) {
    return lengths[0] * lengths[1] * lengths[2];
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t at_least_one(int64_t a) {
    return a < 1 ? 1 : a;
}

/* Steps of all channels and few rows, or (`by_channel`) of few channels and many rows. */
static job plan(const stub_conv *conv, bool by_channel) {
    job work = {.conv = conv,
                .group_large = conv->large_channels / conv->groups,
                .group_small = conv->small_channels / conv->groups,
                .places = stub_conv_count(conv->kernel),
                .positions = stub_conv_count(conv->small),
                .all_rows = conv->small[0] * conv->small[1],
                .plane = stub_conv_count(conv->large)};
    const int64_t row = at_least_one(conv->small[2] * work.places);
    work.channels = by_channel ? at_least_one(ROOM / at_least_one(row * work.all_rows)) : work.group_large;
    work.channels = at_least_one(smaller(work.channels, work.group_large));
    work.rows = at_least_one(smaller(ROOM / at_least_one(row * work.channels), work.all_rows));
    work.channel_steps = (work.group_large + work.channels - 1) / work.channels;
    work.row_steps = (work.all_rows + work.rows - 1) / work.rows;
    return work;
}

static float *columns_of(job *work) {
    const int64_t count = work->channels * work->places * work->rows * work->conv->small[2];
    float *columns = malloc(((size_t)count + 1) * sizeof *columns);
    if (!columns) {
        atomic_store(&work->failed, true);
    }
    return columns;
}

static stub_conv_rows rows_of(const job *work, int64_t step) {
    return (stub_conv_rows){step * work->rows, smaller((step + 1) * work->rows, work->all_rows)};
}

static void product(job *work, const stub_gemm *gemm) {
    if (!stub_gemm_run_here(gemm)) {
        atomic_store(&work->failed, true);
    }
}

static stub_matrix matrix(const float *first, int64_t row, int64_t column) {
    return (stub_matrix){.first = first, .dtype = ACL_FLOAT, .row = row, .column = column};
}

/* small = weight x columns, for one image, one group, some rows. */
static void small_piece(void *state, size_t index) {
    job *work = state;
    const stub_conv *conv = work->conv;
    const int64_t step = (int64_t)index % work->row_steps, rest = (int64_t)index / work->row_steps;
    const int64_t group = rest % conv->groups, image = rest / conv->groups;
    const stub_conv_rows rows = rows_of(work, step);
    const int64_t n = (rows.to - rows.from) * conv->small[2], k = work->group_large * work->places;
    const int64_t channel = group * work->group_small;
    float *c = work->result + (image * conv->small_channels + channel) * work->positions + rows.from * conv->small[2];
    for (int64_t i = 0; i < work->group_small; i++) {
        for (int64_t j = 0; j < n; j++) {
            c[i * work->positions + j] = work->bias ? work->bias[channel + i] : 0;
        }
    }
    float *columns = columns_of(work);
    if (columns && k > 0) {
        stub_conv_gather(conv, work->large + (image * conv->large_channels + group * work->group_large) * work->plane,
                         work->group_large, rows, columns);
        const stub_gemm gemm = {.m = work->group_small,
                                .n = n,
                                .k = k,
                                .a = matrix(work->weight + channel * k, k, 1),
                                .b = matrix(columns, n, 1),
                                .c = c,
                                .c_row = work->positions,
                                .adds = true};
        product(work, &gemm);
    }
    free(columns);
}

/* columns = transposed weight x small, for one image and some channels of the large one, row step by row step. */
static void large_piece(void *state, size_t index) {
    job *work = state;
    const stub_conv *conv = work->conv;
    const int64_t step = (int64_t)index % work->channel_steps, rest = (int64_t)index / work->channel_steps;
    const int64_t group = rest % conv->groups, image = rest / conv->groups;
    const int64_t from = step * work->channels, channels = smaller(work->channels, work->group_large - from);
    const int64_t first = group * work->group_large + from, k = work->group_large * work->places;
    float *large = work->result + (image * conv->large_channels + first) * work->plane;
    for (int64_t i = 0; i < channels * work->plane; i++) {
        large[i] = work->bias ? work->bias[first + i / work->plane] : 0;
    }
    float *columns = columns_of(work);
    for (int64_t r = 0; columns && work->group_small > 0 && r < work->row_steps; r++) {
        const stub_conv_rows rows = rows_of(work, r);
        const int64_t n = (rows.to - rows.from) * conv->small[2], channel = group * work->group_small;
        const float *small = work->small + (image * conv->small_channels + channel) * work->positions;
        const stub_gemm gemm = {.m = channels * work->places,
                                .n = n,
                                .k = work->group_small,
                                .a = matrix(work->weight + channel * k + from * work->places, 1, k),
                                .b = matrix(small + rows.from * conv->small[2], work->positions, 1),
                                .c = columns,
                                .c_row = n};
        product(work, &gemm);
        stub_conv_scatter(conv, columns, channels, rows, large);
    }
    free(columns);
}

/* weight = small x transposed columns, for one group and some channels of the large image, over all images and rows. */
static void weight_piece(void *state, size_t index) {
    job *work = state;
    const stub_conv *conv = work->conv;
    const int64_t step = (int64_t)index % work->channel_steps, group = (int64_t)index / work->channel_steps;
    const int64_t from = step * work->channels, channels = smaller(work->channels, work->group_large - from);
    const int64_t k = work->group_large * work->places, channel = group * work->group_small;
    float *columns = columns_of(work);
    for (int64_t i = 0; columns && i < conv->batch * work->row_steps; i++) {
        const int64_t image = i / work->row_steps;
        const stub_conv_rows rows = rows_of(work, i % work->row_steps);
        const int64_t n = (rows.to - rows.from) * conv->small[2], first = group * work->group_large + from;
        const float *small = work->small + (image * conv->small_channels + channel) * work->positions;
        stub_conv_gather(conv, work->large + (image * conv->large_channels + first) * work->plane, channels, rows,
                         columns);
        const stub_gemm gemm = {.m = work->group_small,
                                .n = channels * work->places,
                                .k = n,
                                .a = matrix(small + rows.from * conv->small[2], work->positions, 1),
                                .b = matrix(columns, 1, n),
                                .c = work->result + channel * k + from * work->places,
                                .c_row = k,
                                .adds = true};
        product(work, &gemm);
    }
    free(columns);
}

static bool run(job *work, int64_t pieces, void (*piece)(void *state, size_t index)) {
    stub_parallel((size_t)pieces, piece, work);
    return !atomic_load(&work->failed);
}

bool stub_conv_to_small(const stub_conv *conv, const float *large, const float *weight, const float *bias,
                        float *small) {
    job work = plan(conv, false);
    work.large = large;
    work.weight = weight;
    work.bias = bias;
    work.result = small;
    return work.positions == 0 || run(&work, conv->batch * conv->groups * work.row_steps, small_piece);
}

bool stub_conv_to_large(const stub_conv *conv, const float *small, const float *weight, const float *bias,
                        float *large) {
    job work = plan(conv, true);
    work.small = small;
    work.weight = weight;
    work.bias = bias;
    work.result = large;
    return run(&work, conv->batch * conv->groups * work.channel_steps, large_piece);
}

bool stub_conv_to_weight(const stub_conv *conv, const float *large, const float *small, float *weight) {
    job work = plan(conv, true);
    work.large = large;
    work.small = small;
    work.result = weight;
    const int64_t count = conv->small_channels * work.group_large * work.places;
    memset(weight, 0, (size_t)count * sizeof *weight);
    return run(&work, conv->groups * work.channel_steps, weight_piece);
}
