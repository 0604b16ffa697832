/* Quantising rows, with one scale, or each with its own. */
#include "opapi/moe/quantise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "opapi/floats.h"

enum { LEAST = -128, MOST = 127 };

static float bounded(float x) {
    return x < LEAST ? LEAST : x > MOST ? MOST : x == x ? x : 0;
}

static int64_t piece_of(const stub_token_rows *rows, int64_t column) {
    return rows->columns - column < STUB_STRETCH ? rows->columns - column : STUB_STRETCH;
}

static void scale_in_half(float *x, int64_t n, float scale, float offset) {
    stub_floats_round(ACL_FLOAT16, x, (size_t)n);
    stub_floats_normalise(x, 0, scale, NULL, NULL, (size_t)n, x);
    stub_floats_round(ACL_FLOAT16, x, (size_t)n);
    stub_floats_normalise(x, -offset, 1, NULL, NULL, (size_t)n, x);
    stub_floats_round(ACL_FLOAT16, x, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        x[i] = bounded(rintf(x[i]));
    }
}

void stub_quantise_rows(const stub_token_rows *from, const int64_t *source, float scale, float offset,
                        const stub_token_rows *to) {
    float x[STUB_STRETCH];
    stub_floats_round(ACL_FLOAT16, &scale, 1);
    stub_floats_round(ACL_FLOAT16, &offset, 1);
    for (int64_t r = 0; r < to->rows; r++) {
        for (int64_t c = 0; c < to->columns; c += STUB_STRETCH) {
            const int64_t n = piece_of(to, c);
            memset(x, 0, sizeof x);
            if (source[r] >= 0) {
                stub_token_rows_load(from, source[r], c, n, x);
                scale_in_half(x, n, scale, offset);
            }
            stub_token_rows_store(to, r, c, n, x);
        }
    }
}

/* Without the bits that FLOAT16 has no room for; what is too small for it rounds to 0 in any case. */
static float rounded(float x) {
    const float cut = stub_bits_float(stub_float_bits(x) & ~0x1FFFu);
    return bounded(roundf(cut));
}

static void load_row(const stub_row_quantisation *by, int64_t r, float *x) {
    const stub_token_rows *from = by->from;
    const float *smooth = by->smooth ? by->smooth + by->smooth_row[r] * from->columns : NULL;
    for (int64_t c = 0; c < from->columns; c += STUB_STRETCH) {
        stub_token_rows_load(from, by->source[r], c, piece_of(from, c), x + c);
    }
    for (int64_t i = 0; i < from->columns && smooth; i++) {
        x[i] *= smooth[i];
    }
}

static void quantise_row(const stub_row_quantisation *by, int64_t r, float *x) {
    const stub_token_rows *to = by->to;
    memset(x, 0, (size_t)to->columns * sizeof *x);
    by->scale[r] = 0;
    if (by->source[r] >= 0) {
        load_row(by, r, x);
        by->scale[r] = stub_floats_largest(x, (size_t)to->columns) / MOST;
    }
    for (int64_t i = 0; i < to->columns; i++) {
        x[i] = rounded(x[i] / by->scale[r]);
    }
    for (int64_t c = 0; c < to->columns; c += STUB_STRETCH) {
        stub_token_rows_store(to, r, c, piece_of(to, c), x + c);
    }
}

aclnnStatus stub_quantise_rows_each(const stub_call *call, const stub_row_quantisation *by) {
    float *x = stub_moe_memory(call, by->to->columns);
    if (x == NULL) {
        return ACLNN_ERR_INNER;
    }
    for (int64_t r = 0; r < by->to->rows; r++) {
        quantise_row(by, r, x);
    }
    free(x);
    return ACLNN_SUCCESS;
}
