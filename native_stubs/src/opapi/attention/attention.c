/* Attention piece by piece: blocks of queries on all cores, each against blocks of keys with a running softmax. */
#include "opapi/attention/attention.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_base.h"
#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"

enum { ALIGNMENT = 64 };

typedef struct {
    const stub_attention *attention;
    int64_t group, blocks; /* query heads of one key head; blocks of rows of one sequence and key head */
    atomic_int status;
} job;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* One behind the other. */
float *stub_attention_allocate(stub_attention_piece *piece) {
    const int64_t rows = STUB_ATTENTION_ROWS, columns = STUB_ATTENTION_COLUMNS;
    const int64_t floats = (rows + columns) * (piece->width + piece->value_width) + rows * columns;
    const size_t bytes = ((size_t)floats * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    float *buffer = aligned_alloc(ALIGNMENT, bytes);
    if (buffer) {
        piece->q = buffer;
        piece->k = piece->q + rows * piece->width;
        piece->v = piece->k + columns * piece->width;
        piece->out = piece->v + columns * piece->value_width;
        piece->scores = piece->out + rows * piece->value_width;
    }
    return buffer;
}

/* exp(score - largest so far); what was summed up before is brought to the new largest score. */
static void weigh_row(stub_attention_piece *piece, int64_t r) {
    stub_attention_row *row = &piece->row[r];
    float *scores = piece->scores + r * STUB_ATTENTION_COLUMNS, *out = piece->out + r * piece->value_width;
    const int64_t n = stub_lanes_up(piece->columns);
    const float largest = stub_attention_largest(scores, n);
    if (largest > row->largest) {
        const float factor = expf(row->largest - largest);
        for (int64_t i = 0; i < piece->value_width; i++) {
            out[i] *= factor;
        }
        row->sum *= factor;
        row->largest = largest;
    }
    row->sum += stub_attention_exp(scores, n, row->largest);
}

static bool do_columns(stub_attention_piece *piece) {
    if (!stub_attention_load_keys(piece) || !stub_attention_load_values(piece)) {
        return false;
    }
    stub_attention_dots(piece->rows, piece->columns, piece->width, piece->q, piece->k, piece->scores,
                        STUB_ATTENTION_COLUMNS);
    stub_attention_finish_scores(piece);
    for (int64_t r = 0; r < piece->rows; r++) {
        weigh_row(piece, r);
    }
    if (piece->sequence->drop.first) {
        stub_attention_drop(piece);
    }
    stub_attention_sums(piece->rows, piece->columns, piece->value_width, piece->scores, STUB_ATTENTION_COLUMNS,
                        piece->v, piece->out);
    return true;
}

static bool do_rows(stub_attention_piece *piece, int64_t first) {
    int64_t from = piece->sequence->columns, to = 0;
    for (int64_t r = 0; r < piece->rows; r++) {
        stub_attention_start_row(piece, first + r, &piece->row[r]);
        from = smaller(from, piece->row[r].from);
        to = larger(to, piece->row[r].to);
        if (!stub_attention_load_query(piece, r)) {
            return false;
        }
    }
    memset(piece->out, 0, (size_t)(piece->rows * piece->value_width) * sizeof(float));
    for (int64_t column = from; column < to; column += STUB_ATTENTION_COLUMNS) {
        piece->column = column;
        piece->columns = smaller(STUB_ATTENTION_COLUMNS, to - column);
        if (!do_columns(piece)) {
            return false;
        }
    }
    stub_attention_store(piece);
    return true;
}

static void do_piece(void *state, size_t index) {
    job *work = state;
    const stub_attention *attention = work->attention;
    const int64_t first = (int64_t)index % work->blocks * STUB_ATTENTION_ROWS;
    const int64_t pair = (int64_t)index / work->blocks;
    stub_attention_piece piece = {.attention = attention,
                                  .sequence = &attention->sequences[pair / attention->kv_heads],
                                  .kv_head = pair % attention->kv_heads,
                                  .width = stub_lanes_up(attention->d + attention->d_more),
                                  .value_width = stub_lanes_up(attention->dv)};
    piece.rows = smaller(STUB_ATTENTION_ROWS, piece.sequence->rows * work->group - first);
    if (piece.rows <= 0) {
        return;
    }
    float *buffer = stub_attention_allocate(&piece);
    if (!buffer) {
        atomic_store(&work->status, ACLNN_ERR_INNER);
    } else if (!do_rows(&piece, first)) {
        atomic_store(&work->status, ACL_ERROR_RT_AICORE_EXCEPTION);
    }
    free(buffer);
}

aclnnStatus stub_attention_run(const stub_call *call, const stub_attention *attention) {
    job work = {.attention = attention, .group = attention->heads / attention->kv_heads};
    int64_t rows = 0;
    for (int64_t i = 0; i < attention->count; i++) {
        rows = larger(rows, attention->sequences[i].rows);
    }
    work.blocks = (rows * work.group + STUB_ATTENTION_ROWS - 1) / STUB_ATTENTION_ROWS;
    if (work.blocks > 0) {
        stub_parallel((size_t)(work.blocks * attention->count * attention->kv_heads), do_piece, &work);
    }
    switch (atomic_load(&work.status)) {
    case ACLNN_ERR_INNER:
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its blocks", call->op->name);
    case ACL_ERROR_RT_AICORE_EXCEPTION:
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: the block table names a block outside of the cache",
                         call->op->name);
    default:
        return ACLNN_SUCCESS;
    }
}
