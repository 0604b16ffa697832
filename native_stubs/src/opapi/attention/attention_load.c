/* What attention reads: vectors of queries, keys and values of any type, wherever they lie. */
#include "opapi/attention/attention_block.h"
#include "opapi/attention/attention_loops.h"
#include "opapi/elements.h"
#include "opapi/loops.h"
#include "opapi/simd.h"

enum { COLUMNS = STUB_ATTENTION_COLUMNS };

/* Caches are far away and a head's tokens far apart, so that processors do not guess the next one: how many tokens
 * before its use one is asked for. */
enum { AHEAD = 8, LINE = 64 };

uint8_t *stub_heads_at(const stub_heads *heads, int64_t head, int64_t token) {
    if (!heads->pages) {
        return heads->first + head * heads->head + token * heads->token;
    }
    const int64_t page = heads->pages[token / heads->page_size];
    return page < 0 || page >= heads->page_count
               ? NULL
               : heads->first + page * heads->page + head * heads->head + token % heads->page_size * heads->token;
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

/* Where `count` tokens from `token` on lie; returns how many before the first that is outside of the cache. */
static int64_t find_tokens(const stub_heads *heads, int64_t head, int64_t token, int64_t count,
                           const uint8_t **places) {
    int64_t found = 0;
    while (found < count) {
        const uint8_t *at = stub_heads_at(heads, head, token + found);
        const int64_t left = heads->pages ? heads->page_size - (token + found) % heads->page_size : count;
        if (!at) {
            break;
        }
        for (int64_t end = left < count - found ? found + left : count; found < end; at += heads->token) {
            places[found++] = at;
        }
    }
    return found;
}

/* Always part of the caller: compilers take calls of functions that only prefetch for useless. */
STUB_INLINE void prefetch(const uint8_t *at, int64_t bytes) {
    for (int64_t byte = 0; byte < bytes; byte += LINE) {
        __builtin_prefetch(at + byte, 0);
    }
}

/* Tokens whose elements are neighbours, of FLOAT16, BF16 or INT8. */
static void widen_tokens(const stub_heads *heads, const uint8_t **places, int64_t found, int64_t columns, int64_t n,
                         int64_t width, float *numbers) {
    const stub_simd *simd = stub_get_simd();
    const stub_half half = heads->dtype == ACL_BF16 ? STUB_HALF_BF16 : STUB_HALF_F16;
    for (int64_t c = 0; c < columns; c++) {
        prefetch(places[c + AHEAD < found ? c + AHEAD : c], n * heads->element);
        if (heads->dtype == ACL_INT8) {
            stub_attention_widen((const int8_t *)places[c], n, numbers + c * width);
        } else {
            simd->widen(half, places[c], (size_t)n, numbers + c * width);
        }
    }
}

static bool can_widen(const stub_heads *heads) {
    return heads->dtype == ACL_INT8 ? heads->element == 1
                                    : (heads->dtype == ACL_FLOAT16 || heads->dtype == ACL_BF16) && heads->element == 2;
}

/* The block's vectors of n elements, each in front of a row of `width` floats. */
static bool load_block(const stub_attention_piece *piece, const stub_heads *heads, int64_t n, int64_t width,
                       float *numbers) {
    const int64_t left = piece->sequence->columns - piece->column, most = piece->columns + AHEAD;
    const uint8_t *places[COLUMNS + AHEAD];
    if (can_widen(heads)) {
        const int64_t found = find_tokens(heads, piece->kv_head, piece->column, left < most ? left : most, places);
        if (found < piece->columns) {
            return false;
        }
        widen_tokens(heads, places, found, piece->columns, n, width, numbers);
        return true;
    }
    for (int64_t c = 0; c < piece->columns; c++) {
        if (!stub_heads_load(heads, piece->kv_head, piece->column + c, n, numbers + c * width)) {
            return false;
        }
    }
    return true;
}

static void pad(int64_t rows, int64_t n, int64_t width, float *numbers) {
    for (int64_t r = 0; n < width && r < rows; r++) {
        for (int64_t i = n; i < width; i++) {
            numbers[r * width + i] = 0;
        }
    }
}

static void apply_factors(const stub_attention_piece *piece, const stub_factors *factors, int64_t n, int64_t width,
                          float *numbers) {
    for (int64_t c = 0; factors->scale && c < piece->columns; c++) {
        const int64_t at = piece->kv_head * factors->head + (piece->column + c) * factors->token;
        stub_attention_scale(numbers + c * width, n, factors->element, factors->scale + at,
                             factors->offset ? factors->offset + at : NULL);
    }
}

/* Two parts of a vector, then zeros. */
bool stub_attention_load_query(stub_attention_piece *piece, int64_t row) {
    const int64_t d = piece->attention->d, d_more = piece->attention->d_more;
    const stub_heads *q = &piece->sequence->q, *more = &piece->sequence->q_more;
    const int64_t head = piece->row[row].head, token = piece->row[row].token;
    float *numbers = piece->q + row * piece->width;
    pad(1, d + d_more, piece->width, numbers);
    return stub_heads_load(q, head, token, d, numbers) &&
           (!more->first || stub_heads_load(more, head, token, d_more, numbers + d));
}

bool stub_attention_load_keys(stub_attention_piece *piece) {
    const int64_t d = piece->attention->d, d_more = piece->attention->d_more;
    const stub_sequence *sequence = piece->sequence;
    pad(piece->columns, d + d_more, piece->width, piece->k);
    if (!load_block(piece, &sequence->k, d, piece->width, piece->k) ||
        (sequence->k_more.first && !load_block(piece, &sequence->k_more, d_more, piece->width, piece->k + d))) {
        return false;
    }
    apply_factors(piece, &sequence->k_factors, d, piece->width, piece->k);
    return true;
}

bool stub_attention_load_values(stub_attention_piece *piece) {
    const int64_t dv = piece->attention->dv;
    pad(piece->columns, dv, piece->value_width, piece->v);
    if (!load_block(piece, &piece->sequence->v, dv, piece->value_width, piece->v)) {
        return false;
    }
    apply_factors(piece, &piece->sequence->v_factors, dv, piece->value_width, piece->v);
    return true;
}
