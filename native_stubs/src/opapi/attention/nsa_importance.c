/* Importance of blocks: softmax once more, from the attention's statistics, then sums over heads and windows. */
#include "opapi/attention/nsa_importance.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"

typedef struct {
    const stub_importance *importance;
    int64_t group;          /* query heads of one key head */
    int64_t tokens, pieces; /* of a piece; of one sequence and key head */
    atomic_int status;
} job;

/* What one piece works with. */
typedef struct {
    float *weights; /* [tokens][columns]: the sum over the group's heads */
    float *scores;  /* [blocks] */
    int32_t *chosen;
} scratch;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Adds the softmax of one row's scores, which is thereby lost. */
static void add_row(const stub_attention_piece *piece, int64_t r, float *weights) {
    const stub_attention_row *row = &piece->row[r];
    const stub_statistic *largest = &piece->sequence->largest, *sum = &piece->sequence->sum;
    float *scores = piece->scores + r * STUB_ATTENTION_COLUMNS;
    const float total = sum->first[row->head * sum->head + row->token * sum->row];
    stub_attention_exp(scores, stub_lanes_up(piece->columns),
                       largest->first[row->head * largest->head + row->token * largest->row]);
    for (int64_t c = 0; c < piece->columns; c++) {
        weights[piece->column + c] += scores[c] / total;
    }
}

/* The attention has loaded the same vectors before: none of them is outside of its cache. */
static void add_rows(stub_attention_piece *piece, int64_t first, int64_t token, float *weights) {
    const int64_t columns = piece->sequence->columns;
    for (int64_t r = 0; r < piece->rows; r++) {
        stub_attention_start_row(piece, first + r, &piece->row[r]);
        (void)stub_attention_load_query(piece, r);
    }
    for (piece->column = 0; piece->column < columns; piece->column += STUB_ATTENTION_COLUMNS) {
        piece->columns = smaller(STUB_ATTENTION_COLUMNS, columns - piece->column);
        (void)stub_attention_load_keys(piece);
        stub_attention_dots(piece->rows, piece->columns, piece->width, piece->q, piece->k, piece->scores,
                            STUB_ATTENTION_COLUMNS);
        stub_attention_finish_scores(piece);
        for (int64_t r = 0; r < piece->rows; r++) {
            add_row(piece, r, weights + (piece->row[r].token - token) * columns);
        }
    }
}

/* Block j counts the compressed keys before stride * (j + 1), and that one: each as often as m + n = i for m below
 * `stride` and n below `overlap`. */
static float score_of(const stub_importance *importance, const float *weights, int64_t columns, int64_t block) {
    const int64_t terms = importance->stride + importance->overlap - 1, last = importance->stride * (block + 1);
    float score = 0;
    for (int64_t i = 0; i < terms; i++) {
        const int64_t times = smaller(smaller(i + 1, terms - i), importance->overlap);
        score += last - i >= 0 && last - i < columns ? (float)times * weights[last - i] : 0.0f;
    }
    return score;
}

static void score_blocks(const stub_importance *importance, const stub_choice *choice, const float *weights,
                         int64_t columns, int64_t token, float *scores) {
    const stub_plane *wanted = &choice->wanted;
    for (int64_t j = 0; j < choice->blocks; j++) {
        const bool end = importance->ends && (j == 0 || j + 2 >= choice->blocks);
        const bool first = wanted->first && wanted->first[token * wanted->row + j * wanted->column];
        scores[j] = end || first ? INFINITY : score_of(importance, weights, columns, j);
    }
}

/* The greatest first, of equal ones that with the lower number. */
static void choose(const float *scores, int64_t blocks, int64_t count, int32_t *chosen) {
    int64_t found = 0;
    for (int64_t j = 0; j < blocks; j++) {
        int64_t at = found;
        while (at > 0 && scores[j] > scores[chosen[at - 1]]) {
            at--;
        }
        if (at < count) {
            found += found < count;
            memmove(chosen + at + 1, chosen + at, (size_t)(found - at - 1) * sizeof *chosen);
            chosen[at] = (int32_t)j;
        }
    }
}

static void do_tokens(const job *work, stub_attention_piece *piece, const stub_choice *choice, int64_t token,
                      int64_t end, const scratch *room) {
    const stub_importance *importance = work->importance;
    const int64_t columns = piece->sequence->columns, last = end * work->group;
    for (int64_t first = token * work->group; first < last; first += piece->rows) {
        piece->rows = smaller(STUB_ATTENTION_ROWS, last - first);
        add_rows(piece, first, token, room->weights);
    }
    for (int64_t t = token; t < end; t++) {
        score_blocks(importance, choice, room->weights + (t - token) * columns, columns, t, room->scores);
        choose(room->scores, choice->blocks, importance->count, room->chosen);
        for (int64_t i = 0; i < importance->count; i++) {
            choice->chosen[t * choice->token + piece->kv_head * choice->head + i * choice->element] = room->chosen[i];
        }
    }
}

static void do_piece(void *state, size_t index) {
    job *work = state;
    const stub_attention *attention = work->importance->attention;
    const int64_t pair = (int64_t)index / work->pieces, token = (int64_t)index % work->pieces * work->tokens;
    const stub_sequence *sequence = &attention->sequences[pair / attention->kv_heads];
    const stub_choice *choice = &work->importance->choices[pair / attention->kv_heads];
    stub_attention_piece piece = {.attention = attention,
                                  .sequence = sequence,
                                  .kv_head = pair % attention->kv_heads,
                                  .width = stub_lanes_up(attention->d),
                                  .value_width = stub_lanes_up(attention->dv)};
    if (token >= sequence->rows) {
        return;
    }
    float *buffer = stub_attention_allocate(&piece);
    scratch room = {.weights = calloc((size_t)(work->tokens * sequence->columns + 1), sizeof(float)),
                    .scores = malloc((size_t)(choice->blocks + 1) * sizeof(float)),
                    .chosen = malloc((size_t)(work->importance->count + 1) * sizeof(int32_t))};
    if (buffer && room.weights && room.scores && room.chosen) {
        do_tokens(work, &piece, choice, token, smaller(token + work->tokens, sequence->rows), &room);
    } else {
        atomic_store(&work->status, ACLNN_ERR_INNER);
    }
    free(room.chosen);
    free(room.scores);
    free(room.weights);
    free(buffer);
}

aclnnStatus stub_importance_run(const stub_call *call, const stub_importance *importance) {
    const stub_attention *attention = importance->attention;
    job work = {.importance = importance, .group = attention->heads / attention->kv_heads};
    work.tokens = work.group < STUB_ATTENTION_ROWS ? STUB_ATTENTION_ROWS / work.group : 1;
    for (int64_t i = 0; i < attention->count; i++) {
        const int64_t pieces = (attention->sequences[i].rows + work.tokens - 1) / work.tokens;
        work.pieces = pieces > work.pieces ? pieces : work.pieces;
    }
    if (work.pieces > 0) {
        stub_parallel((size_t)(work.pieces * attention->count * attention->kv_heads), do_piece, &work);
    }
    return atomic_load(&work.status) == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its blocks", call->op->name);
}
