/* The rows of an attention: what each of them sees, its result and its statistics. */
#include "opapi/attention/attention_block.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "opapi/attention/attention_loops.h"
#include "opapi/elements.h"

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
