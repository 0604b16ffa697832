/* One run of aclnnNsaCompress: what is computed, how it is cut, and the steps that compute a piece of it. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_JOB_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opapi/attention/nsa_compress_loops.h"
#include "opapi/view.h"

enum { STUB_HALF_BYTES = 2 };

/* How the work is cut. A tile is some windows of some heads; a span is some tiles behind one another, which one thread
 * does. In a tile whose tokens are widened, that is done for a few planes of one head at a time. */
typedef struct {
    int64_t rows, tokens;             /* of a tile, at most; the tokens are those of as many windows of one batch */
    int64_t heads, head_tiles;        /* of a tile, at most; and how many tiles are beside one another */
    int64_t planes;                   /* that are widened at once, at most */
    int64_t at_once;                  /* windows that are summed at once in planes, at most */
    int64_t span_rows, spans_in_line; /* how many spans are behind one another */
} stub_compression_cut;

typedef struct {
    stub_view input, weight, output;
    stub_half half;
    const stub_window_loops *loops;
    int64_t heads, columns; /* of input; columns are those of one head */
    int64_t block, stride, rows;
    int64_t group_count; /* of a window: a power of two, at least 2 */
    int levels;          /* of the tree above the groups */
    bool direct;         /* windows are summed as they lie, else in planes */
    stub_token_group *groups;
    float *weights;  /* [heads][groups][STUB_GROUP_TOKENS] */
    int64_t *starts; /* the first token of each row's window */
    stub_compression_cut cut;
} stub_compression;

/* Windows [row, end_row) of heads [head, end_head). */
typedef struct {
    int64_t row, end_row, head, end_head;
} stub_compression_tile;

/* What one thread works with when it widens tokens. */
typedef struct {
    float *x;     /* [planes][tokens][STUB_PLANE] */
    float *sums;  /* a stack of [planes][windows at once][STUB_PLANE], `levels` high */
    uint8_t *raw; /* [windows at once][STUB_PLANE] halves */
} stub_compression_scratch;

static inline int64_t stub_smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t stub_larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* How many pieces of `size` cover `all`. */
static inline int64_t stub_pieces(int64_t all, int64_t size) {
    return (all + size - 1) / size;
}

/* Whether the columns of a head are neighbours. */
static inline bool stub_is_dense(const stub_view *view) {
    return view->tensor->shape[2] == 1 || view->tensor->strides[2] == 1;
}

/* Of the element at column 0. */
static inline int64_t stub_head_offset(const stub_view *view, int64_t row, int64_t head) {
    return view->tensor->offset + row * view->tensor->strides[0] + head * view->tensor->strides[1];
}

static inline const float *stub_head_weights(const stub_compression *job, int64_t head) {
    return job->weights + head * job->group_count * STUB_GROUP_TOKENS;
}

/* Decides how a job that is otherwise known is done: `direct` and `cut`. */
void stub_compression_plan(stub_compression *job);

/* `scratch` is of stub_compression_scratch_bytes; when those are 0 it is not used. Asks for the input of `next`, which
 * may be NULL, to be on its way meanwhile. */
void stub_compression_do_tile(const stub_compression *job, uint8_t *scratch, const stub_compression_tile *tile,
                              const stub_compression_tile *next);
size_t stub_compression_scratch_bytes(const stub_compression *job);

/* One head of `windows` windows that are `stride` apart, in planes. */
void stub_compression_do_planes(const stub_compression *job, uint8_t *scratch, int64_t row, int64_t windows,
                                int64_t head, stub_ahead *ahead);
/* How often that takes a step of `ahead`. */
int64_t stub_compression_plane_steps(const stub_compression *job, int64_t windows);

#endif
