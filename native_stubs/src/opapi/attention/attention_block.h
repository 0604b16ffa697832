/* A piece of an attention: some rows of one sequence and one head of its keys, against blocks of keys. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_BLOCK_H
#define ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_BLOCK_H

#include <stdbool.h>

#include "opapi/attention/attention.h"

enum { STUB_ATTENTION_ROWS = 64, STUB_ATTENTION_COLUMNS = 128 };

/* One row's query: its token and its head. */
typedef struct {
    int64_t token, head;
    int64_t from, to; /* columns it may see, before the mask */
    float largest, sum;
} stub_attention_row;

typedef struct {
    const stub_attention *attention;
    const stub_sequence *sequence;
    int64_t kv_head;
    int64_t rows, column, columns; /* columns: of the block of keys at `column` */
    int64_t width, value_width;    /* floats of a row of q and k, of v and out */
    stub_attention_row row[STUB_ATTENTION_ROWS];
    float *q, *k, *v, *out, *scores;
} stub_attention_piece;

/* Takes memory for the arrays of a piece whose widths are known: the buffer to free, or NULL. */
float *stub_attention_allocate(stub_attention_piece *piece);

/* The element's address at a token of a head; NULL for a page outside of the cache. */
uint8_t *stub_heads_at(const stub_heads *heads, int64_t head, int64_t token);
/* n elements from there on, as floats; false for a page outside of the cache. */
bool stub_heads_load(const stub_heads *heads, int64_t head, int64_t token, int64_t n, float *numbers);
void stub_heads_store(const stub_heads *heads, int64_t head, int64_t token, int64_t n, float *numbers);

/* Token, head and columns of the row at a position among those of the piece's sequence and key head. */
void stub_attention_start_row(const stub_attention_piece *piece, int64_t position, stub_attention_row *row);
/* Loads a vector behind `row` and pads it with zeros to `width` floats. */
bool stub_attention_load_query(stub_attention_piece *piece, int64_t row);
/* The block's keys or values. False for a page outside of the cache. */
bool stub_attention_load_keys(stub_attention_piece *piece);
bool stub_attention_load_values(stub_attention_piece *piece);

/* Scale, bias and mask on the products of the block: scores that are not seen become -infinity. */
void stub_attention_finish_scores(stub_attention_piece *piece);
/* Drops weights, and scales up the others. */
void stub_attention_drop(stub_attention_piece *piece);

/* Stores the rows' results and statistics. */
void stub_attention_store(stub_attention_piece *piece);

#endif
