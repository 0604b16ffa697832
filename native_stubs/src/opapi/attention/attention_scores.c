/* From products of queries and keys to scores: scale, bias, and what a query may see. */
#include <float.h>
#include <math.h>

#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"
#include "opapi/elements.h"

static const uint8_t *plane_at(const stub_plane *plane, const stub_attention_row *row, int64_t column) {
    return plane->first + row->head * plane->head + row->token * plane->row + column * plane->column;
}

static void add_bias(const stub_attention_piece *piece, const stub_attention_row *row, float scale, float *scores) {
    const stub_plane *plane = &piece->sequence->bias;
    float bias[STUB_ATTENTION_COLUMNS];
    stub_load(plane->dtype, plane_at(plane, row, piece->column), plane->column, (size_t)piece->columns, ACL_FLOAT,
              bias);
    for (int64_t c = 0; c < piece->columns; c++) {
        scores[c] += bias[c] * scale;
    }
}

static void add_slope(const stub_attention_piece *piece, const stub_attention_row *row, float *scores) {
    const float slope = piece->sequence->slope[row->head];
    const int64_t first = row->token + piece->sequence->slope_shift - piece->column;
    for (int64_t c = 0; c < piece->columns; c++) {
        const float distance = fabsf((float)(first - c));
        scores[c] -= slope * (piece->attention->slope_root ? sqrtf(distance) : distance);
    }
}

/* BOOL, INT8 and UINT8 alike. */
static void hide(const stub_attention_piece *piece, const stub_attention_row *row, float *scores) {
    const stub_plane *mask = &piece->sequence->mask;
    const uint8_t *at = mask->first ? plane_at(mask, row, piece->column) : NULL;
    const float hidden = piece->attention->least ? -FLT_MAX : -INFINITY;
    for (int64_t c = 0; at && c < piece->columns; c++) {
        scores[c] = at[c * mask->column] ? hidden : scores[c];
    }
    const int64_t from = row->from - piece->column, to = row->to - piece->column;
    for (int64_t c = 0; c < from && c < piece->columns; c++) {
        scores[c] = -INFINITY;
    }
    for (int64_t c = to < 0 ? 0 : to; c < stub_lanes_up(piece->columns); c++) {
        scores[c] = -INFINITY;
    }
    for (int64_t c = piece->columns; c < stub_lanes_up(piece->columns); c++) {
        scores[c] = -INFINITY;
    }
}

void stub_attention_finish_scores(stub_attention_piece *piece) {
    const stub_attention *attention = piece->attention;
    const float scale = (float)attention->scale;
    for (int64_t r = 0; r < piece->rows; r++) {
        float *scores = piece->scores + r * STUB_ATTENTION_COLUMNS;
        for (int64_t c = 0; c < piece->columns; c++) {
            scores[c] *= scale;
        }
        if (piece->sequence->bias.first) {
            add_bias(piece, &piece->row[r], attention->bias_first ? scale : 1.0f, scores);
        }
        if (piece->sequence->slope) {
            add_slope(piece, &piece->row[r], scores);
        }
        hide(piece, &piece->row[r], scores);
    }
}

void stub_attention_drop(stub_attention_piece *piece) {
    const stub_bits *drop = &piece->sequence->drop;
    const float factor = (float)(1.0 / piece->attention->keep);
    for (int64_t r = 0; r < piece->rows; r++) {
        const stub_attention_row *row = &piece->row[r];
        float *weights = piece->scores + r * STUB_ATTENTION_COLUMNS;
        const int64_t first = drop->bit + row->head * drop->head + row->token * drop->row + piece->column;
        for (int64_t c = 0; c < piece->columns; c++) {
            const int64_t bit = first + c;
            weights[c] = drop->first[bit / 8] >> (bit % 8) & 1 ? weights[c] * factor : 0.0f;
        }
    }
}
