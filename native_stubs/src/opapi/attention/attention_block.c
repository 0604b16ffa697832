/* What attention reads and writes: vectors of queries, keys and values of any type, results and statistics. */
#include "opapi/attention/attention_block.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "opapi/attention/attention_loops.h"
#include "opapi/elements.h"

uint8_t *stub_heads_at(const stub_heads *heads, int64_t head, int64_t token) {
    if (!heads->pages) {
        return heads->first + head * heads->head + token * heads->token;
    }
    const int64_t page = heads->pages[token / heads->page_size];
    return page < 0 || page >= heads->page_count
               ? NULL
               : heads->first + page * heads->page + head * heads->head + token % heads->page_size * heads->token;
}

void stub_attention_start_row(const stub_attention_piece *piece, int64_t position, stub_attention_row *row) {
    const stub_sequence *sequence = piece->sequence;
    const int64_t group = piece->attention->heads / piece->attention->kv_heads;
    const float *sink = piece->attention->sink;
    row->token = position / group;
    row->head = piece->kv_head * group + position % group;
    const int64_t from = row->token + sequence->low, to = row->token + sequence->high + 1;
    const int64_t prefix = sequence->prefix < sequence->columns ? sequence->prefix : sequence->columns;
    row->from = from < 0 || prefix > 0 ? 0 : from;
    row->to = to < sequence->columns ? to : sequence->columns;
    row->to = prefix > row->to ? prefix : row->to;
    row->largest = sink ? sink[row->head] : -INFINITY;
    row->sum = sink ? 1.0f : 0.0f;
}

bool stub_heads_load(const stub_heads *heads, int64_t head, int64_t token, int64_t n, float *numbers) {
    const uint8_t *at = stub_heads_at(heads, head, token);
    if (!at) {
        return false;
    }
    if (heads->dtype == ACL_INT8 && heads->element == 1) {
        stub_attention_widen((const int8_t *)at, n, numbers);
        return true;
    }
    for (int64_t i = 0; i < n; i += STUB_STRETCH) {
        const int64_t part = n - i < STUB_STRETCH ? n - i : STUB_STRETCH;
        stub_load(heads->dtype, at + i * heads->element, heads->element, (size_t)part, ACL_FLOAT, numbers + i);
    }
    return true;
}

/* Two parts of a vector, then zeros. */
static bool load_whole(const stub_attention_piece *piece, const stub_heads *heads, const stub_heads *more, int64_t head,
                       int64_t token, float *numbers) {
    const int64_t d = piece->attention->d, d_more = piece->attention->d_more;
    for (int64_t i = d + d_more; i < piece->width; i++) {
        numbers[i] = 0;
    }
    return stub_heads_load(heads, head, token, d, numbers) &&
           (!more->first || stub_heads_load(more, head, token, d_more, numbers + d));
}

static void apply_factors(const stub_factors *factors, int64_t head, int64_t token, int64_t n, float *numbers) {
    const int64_t at = head * factors->head + token * factors->token;
    if (factors->scale) {
        stub_attention_scale(numbers, n, factors->element, factors->scale + at,
                             factors->offset ? factors->offset + at : NULL);
    }
}

bool stub_attention_load_query(stub_attention_piece *piece, int64_t row) {
    const stub_sequence *sequence = piece->sequence;
    return load_whole(piece, &sequence->q, &sequence->q_more, piece->row[row].head, piece->row[row].token,
                      piece->q + row * piece->width);
}

bool stub_attention_load_keys(stub_attention_piece *piece) {
    const stub_sequence *sequence = piece->sequence;
    for (int64_t c = 0; c < piece->columns; c++) {
        float *numbers = piece->k + c * piece->width;
        if (!load_whole(piece, &sequence->k, &sequence->k_more, piece->kv_head, piece->column + c, numbers)) {
            return false;
        }
        apply_factors(&sequence->k_factors, piece->kv_head, piece->column + c, piece->attention->d, numbers);
    }
    return true;
}

bool stub_attention_load_values(stub_attention_piece *piece) {
    const stub_sequence *sequence = piece->sequence;
    const int64_t dv = piece->attention->dv;
    for (int64_t c = 0; c < piece->columns; c++) {
        float *numbers = piece->v + c * piece->value_width;
        for (int64_t i = dv; i < piece->value_width; i++) {
            numbers[i] = 0;
        }
        if (!stub_heads_load(&sequence->v, piece->kv_head, piece->column + c, dv, numbers)) {
            return false;
        }
        apply_factors(&sequence->v_factors, piece->kv_head, piece->column + c, dv, numbers);
    }
    return true;
}

static void quantise(const stub_attention *attention, int64_t head, float *out) {
    const int64_t first = head * attention->out_scale_head;
    for (int64_t i = 0; i < attention->dv; i++) {
        const int64_t at = first + i * attention->out_scale_element;
        const float offset = attention->out_offset ? attention->out_offset[at] : 0.0f;
        const float x = nearbyintf(out[i] * attention->out_scale[at] + offset);
        out[i] = x > 127.0f ? 127.0f : x < -128.0f ? -128.0f : x;
    }
}

static void store_statistic(const stub_statistic *statistic, const stub_attention_row *row, float value) {
    for (int64_t i = 0; statistic->first && i < statistic->copies; i++) {
        statistic->first[row->head * statistic->head + row->token * statistic->row + i * statistic->copy] = value;
    }
}

void stub_heads_store(const stub_heads *heads, int64_t head, int64_t token, int64_t n, float *numbers) {
    uint8_t *at = stub_heads_at(heads, head, token);
    for (int64_t i = 0; i < n; i += STUB_STRETCH) {
        const int64_t part = n - i < STUB_STRETCH ? n - i : STUB_STRETCH;
        stub_store(ACL_FLOAT, numbers + i, (size_t)part, heads->dtype, at + i * heads->element, heads->element);
    }
}

/* Rows that see nothing give zeros; their statistics are those for which exp(score - largest) / sum is 0. */
static void store_row(const stub_attention_piece *piece, const stub_attention_row *row, float *out) {
    const stub_attention *attention = piece->attention;
    const bool blind = row->largest == -INFINITY && row->sum == 0;
    for (int64_t i = 0; i < attention->dv; i++) {
        out[i] = blind ? 0.0f : out[i] / row->sum;
    }
    if (attention->out_scale) {
        quantise(attention, row->head, out);
    }
    stub_heads_store(&piece->sequence->out, row->head, row->token, attention->dv, out);
    store_statistic(&piece->sequence->log_sum, row, blind ? INFINITY : row->largest + logf(row->sum));
    store_statistic(&piece->sequence->largest, row, blind ? -FLT_MAX : row->largest);
    store_statistic(&piece->sequence->sum, row, blind ? FLT_MAX : row->sum);
}

void stub_attention_store(stub_attention_piece *piece) {
    for (int64_t r = 0; r < piece->rows; r++) {
        store_row(piece, &piece->row[r], piece->out + r * piece->value_width);
    }
}
