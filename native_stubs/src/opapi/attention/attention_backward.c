/* With P = exp(S - largest) / sum, dropped to P', and D the sums of dy * y by row:
 * dv = P'^T dy, dS = P * (drop(dy v^T) - D) * scale, dq = dS k, dk = dS^T q.
 *
 * A piece is one sequence and one head of its keys: all its rows add to the same dk and dv. */
#include "opapi/attention/attention_backward.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"

enum { ROWS = STUB_ATTENTION_ROWS, COLUMNS = STUB_ATTENTION_COLUMNS, ALIGNMENT = 64 };

typedef struct {
    const stub_attention *attention;
    const stub_gradients *gradients;
    atomic_int status;
} job;

/* A piece and its arrays: dq and dy of the rows, P and dS [rows][columns], one of them turned [columns][rows], dk and
 * dv of all columns; `total` D. */
typedef struct {
    stub_attention_piece piece;
    const stub_gradients *to;
    float *dq, *dy, *weights, *slopes, *turned, *dk, *dv;
    float total[ROWS];
} backward;

static float *take(float **next, int64_t count) {
    float *taken = *next;
    *next += count;
    return taken;
}

static float *allocate(backward *work) {
    stub_attention_piece *piece = &work->piece;
    const int64_t width = piece->width, wide = piece->value_width, columns = piece->sequence->columns;
    const int64_t floats = (2 * ROWS + COLUMNS) * (width + wide) + 4 * ROWS * COLUMNS + columns * (width + wide);
    const size_t bytes = ((size_t)floats * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    float *buffer = aligned_alloc(ALIGNMENT, bytes), *next = buffer;
    if (!buffer) {
        return NULL;
    }
    memset(buffer, 0, bytes);
    piece->q = take(&next, ROWS * width);
    work->dq = take(&next, ROWS * width);
    piece->out = take(&next, ROWS * wide);
    work->dy = take(&next, ROWS * wide);
    piece->k = take(&next, COLUMNS * width);
    piece->v = take(&next, COLUMNS * wide);
    piece->scores = take(&next, ROWS * COLUMNS);
    work->weights = take(&next, ROWS * COLUMNS);
    work->slopes = take(&next, ROWS * COLUMNS);
    work->turned = take(&next, ROWS * COLUMNS);
    work->dk = take(&next, columns * width);
    work->dv = take(&next, columns * wide);
    return buffer;
}

static float statistic_at(const stub_statistic *statistic, const stub_attention_row *row) {
    return statistic->first[row->head * statistic->head + row->token * statistic->row];
}

static void load_row(backward *work, int64_t r) {
    stub_attention_piece *piece = &work->piece;
    stub_attention_row *row = &piece->row[r];
    const int64_t dv = piece->attention->dv;
    float *dy = work->dy + r * piece->value_width, *out = piece->out + r * piece->value_width;
    stub_attention_load_query(piece, r);
    stub_heads_load(&work->to->dy, row->head, row->token, dv, dy);
    stub_heads_load(&piece->sequence->out, row->head, row->token, dv, out);
    row->largest = statistic_at(&piece->sequence->largest, row);
    row->sum = statistic_at(&piece->sequence->sum, row);
    work->total[r] = 0;
    for (int64_t i = 0; i < dv; i++) {
        work->total[r] += dy[i] * out[i];
    }
}

static void turn(backward *work, const float *from) {
    for (int64_t r = 0; r < work->piece.rows; r++) {
        for (int64_t c = 0; c < work->piece.columns; c++) {
            work->turned[c * ROWS + r] = from[r * COLUMNS + c];
        }
    }
}

/* P from the scores, into `weights`; what is dropped of it stays in the scores. */
static void weigh(backward *work) {
    stub_attention_piece *piece = &work->piece;
    for (int64_t r = 0; r < piece->rows; r++) {
        float *scores = piece->scores + r * COLUMNS;
        stub_attention_exp(scores, stub_lanes_up(piece->columns), piece->row[r].largest);
        for (int64_t c = 0; c < piece->columns; c++) {
            scores[c] /= piece->row[r].sum;
        }
    }
    memcpy(work->weights, piece->scores, ROWS * COLUMNS * sizeof(float));
    if (piece->sequence->drop.first) {
        stub_attention_drop(piece);
    }
}

/* dS from dy v^T in the scores. */
static void derive(backward *work) {
    stub_attention_piece *piece = &work->piece;
    const float scale = (float)piece->attention->scale;
    if (piece->sequence->drop.first) {
        stub_attention_drop(piece);
    }
    for (int64_t r = 0; r < piece->rows; r++) {
        for (int64_t c = 0; c < piece->columns; c++) {
            const int64_t at = r * COLUMNS + c;
            const float weight = work->weights[at];
            work->slopes[at] = weight == 0 ? 0 : weight * (piece->scores[at] - work->total[r]) * scale;
        }
    }
}

static void do_columns(backward *work) {
    stub_attention_piece *piece = &work->piece;
    const int64_t rows = piece->rows, columns = piece->columns, width = piece->width, wide = piece->value_width;
    stub_attention_load_keys(piece);
    stub_attention_load_values(piece);
    stub_attention_dots(rows, columns, width, piece->q, piece->k, piece->scores, COLUMNS);
    stub_attention_finish_scores(piece);
    weigh(work);
    turn(work, piece->scores);
    stub_attention_sums(columns, rows, wide, work->turned, ROWS, work->dy, work->dv + piece->column * wide);
    stub_attention_dots(rows, columns, wide, work->dy, piece->v, piece->scores, COLUMNS);
    derive(work);
    stub_attention_sums(rows, columns, width, work->slopes, COLUMNS, piece->k, work->dq);
    turn(work, work->slopes);
    stub_attention_sums(columns, rows, width, work->turned, ROWS, piece->q, work->dk + piece->column * width);
}

/* Both parts of a vector of q's or k's gradient. */
static void store(const stub_attention *attention, const stub_heads *heads, const stub_heads *more, int64_t head,
                  int64_t token, float *numbers) {
    stub_heads_store(heads, head, token, attention->d, numbers);
    if (more->first) {
        stub_heads_store(more, head, token, attention->d_more, numbers + attention->d);
    }
}

static void do_range(backward *work, int64_t from, int64_t to) {
    stub_attention_piece *piece = &work->piece;
    for (piece->column = from; piece->column < to; piece->column += COLUMNS) {
        piece->columns = to - piece->column < COLUMNS ? to - piece->column : COLUMNS;
        do_columns(work);
    }
}

/* The rows are of one token. */
static void do_chosen(backward *work, int64_t to) {
    const stub_chosen_blocks *chosen = &work->to->chosen;
    const int64_t token = work->piece.row[0].token;
    const int64_t *blocks = chosen->first + token * chosen->token + work->piece.kv_head * chosen->head;
    for (int64_t i = 0; i < chosen->count; i++) {
        const int64_t from = blocks[i] * chosen->size, end = from + chosen->size;
        do_range(work, from, end < to ? end : to);
    }
}

static void do_rows(backward *work, int64_t first) {
    stub_attention_piece *piece = &work->piece;
    int64_t from = piece->sequence->columns, to = 0;
    memset(work->dq, 0, (size_t)(ROWS * piece->width) * sizeof(float));
    for (int64_t r = 0; r < piece->rows; r++) {
        stub_attention_start_row(piece, first + r, &piece->row[r]);
        from = piece->row[r].from < from ? piece->row[r].from : from;
        to = piece->row[r].to > to ? piece->row[r].to : to;
        load_row(work, r);
    }
    if (work->to->chosen.first) {
        do_chosen(work, to);
    } else {
        do_range(work, from, to);
    }
    for (int64_t r = 0; r < piece->rows; r++) {
        store(piece->attention, &work->to->dq, &work->to->dq_more, piece->row[r].head, piece->row[r].token,
              work->dq + r * piece->width);
    }
}

static void do_all_rows(backward *work) {
    stub_attention_piece *piece = &work->piece;
    const stub_attention *attention = piece->attention;
    const int64_t group = attention->heads / attention->kv_heads, rows = piece->sequence->rows * group;
    const int64_t most = work->to->chosen.first && group < ROWS ? group : ROWS;
    for (int64_t first = 0; first < rows; first += most) {
        piece->rows = rows - first < most ? rows - first : most;
        do_rows(work, first);
    }
    for (int64_t c = 0; c < piece->sequence->columns; c++) {
        store(attention, &work->to->dk, &work->to->dk_more, piece->kv_head, c, work->dk + c * piece->width);
        stub_heads_store(&work->to->dv, piece->kv_head, c, attention->dv, work->dv + c * piece->value_width);
    }
}

static void do_piece(void *state, size_t index) {
    job *all = state;
    const stub_attention *attention = all->attention;
    const int64_t sequence = (int64_t)index / attention->kv_heads;
    backward work = {.to = &all->gradients[sequence]};
    work.piece = (stub_attention_piece){.attention = attention,
                                        .sequence = &attention->sequences[sequence],
                                        .kv_head = (int64_t)index % attention->kv_heads,
                                        .width = stub_lanes_up(attention->d + attention->d_more),
                                        .value_width = stub_lanes_up(attention->dv)};
    float *buffer = allocate(&work);
    if (buffer) {
        do_all_rows(&work);
    } else {
        atomic_store(&all->status, ACLNN_ERR_INNER);
    }
    free(buffer);
}

aclnnStatus stub_attention_backward(const stub_call *call, const stub_attention *attention,
                                    const stub_gradients *gradients) {
    job all = {.attention = attention, .gradients = gradients};
    stub_parallel((size_t)(attention->count * attention->kv_heads), do_piece, &all);
    const aclnnStatus status = atomic_load(&all.status);
    return status ? stub_fail(status, "%s: no host memory for its blocks", call->op->name) : ACLNN_SUCCESS;
}
