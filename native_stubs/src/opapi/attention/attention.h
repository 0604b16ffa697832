/* Scaled dot-product attention: out = softmax(scale * q k^T + bias, of what a query may see) v, in fp32.
 *
 * An operator translates its arguments into sequences: one for each batch (or whatever has queries and keys of its
 * own). Query heads share the keys' heads in groups of heads / kv_heads. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_H
#define ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "nnopbase/call.h"

/* Where the vectors of a sequence lie: steps in bytes. With pages, token t lies in page pages[t / page_size]. */
typedef struct {
    uint8_t *first; /* NULL: absent */
    aclDataType dtype;
    int64_t head, token, element;
    const int32_t *pages; /* NULL: tokens follow each other */
    int64_t page_size, page, page_count;
} stub_heads;

/* A number for every (head, row, column): steps in bytes, 0 where it is the same for all. Rows are the query's tokens,
 * columns the key's. */
typedef struct {
    const uint8_t *first; /* NULL: absent */
    aclDataType dtype;
    int64_t head, row, column;
} stub_plane;

/* A bit for every (head, row, column): 1 where a weight stays. Steps and the first bit in bits. */
typedef struct {
    const uint8_t *first; /* NULL: absent */
    int64_t head, row, bit;
} stub_bits;

/* Integer keys or values: (integer + offset) * scale. Steps in floats; element: 0 or 1. */
typedef struct {
    const float *scale;  /* NULL: they are what they are */
    const float *offset; /* NULL: 0 */
    int64_t head, token, element;
} stub_factors;

/* A float for every head and row, stored `copies` times, which are `copy` apart. Steps in floats. */
typedef struct {
    float *first; /* NULL: not wanted */
    int64_t head, row, copies, copy;
} stub_statistic;

typedef struct {
    stub_heads q, k, v, out;
    stub_heads q_more, k_more; /* behind the elements of q and k */
    int64_t rows, columns;     /* tokens of the query and of the key */
    /* Row i sees columns i + low .. i + high, and those before `prefix`, but none where the mask is not 0. */
    int64_t low, high, prefix;
    stub_plane mask, bias;
    const float *slope; /* NULL, or for every head: the bias is -slope * |row - column + slope_shift| */
    int64_t slope_shift;
    stub_factors k_factors, v_factors;
    stub_bits drop;
    stub_statistic log_sum, largest,
        sum; /* ln of the sum of exp(score); greatest score; sum of exp(score - greatest) */
} stub_sequence;

typedef struct {
    const stub_sequence *sequences;
    int64_t count;
    int64_t heads, kv_heads;
    int64_t d, d_more, dv; /* elements of q and k, of their second parts, of v */
    double scale;
    bool bias_first;   /* scale * (q k^T + bias) instead of scale * q k^T + bias */
    bool slope_root;   /* slopes are multiplied with the square root of that distance */
    bool least;        /* the mask makes scores the least float, not -infinity: rows that see nothing see all alike */
    const float *sink; /* NULL, or for every head: the score of a key that all rows see, with the value 0 */
    double keep;       /* the part of the weights that `drop` keeps */
    /* Results as int8: round(result * scale + offset), both by [head][element] with these steps. */
    const float *out_scale, *out_offset;
    int64_t out_scale_head, out_scale_element;
} stub_attention;

/* Rows and columns without bounds. */
#define STUB_UNBOUNDED (INT64_MAX / 4)

/* On all cores. 507015 for a page outside of the cache, 561000 without host memory. */
aclnnStatus stub_attention_run(const stub_call *call, const stub_attention *attention);

#endif
