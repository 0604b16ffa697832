/* What mixtures of experts do with tokens: matrices as rows, lists of indices, rows gathered, rows summed up. */
#ifndef ASCEND_STUB_OPAPI_MOE_ROWS_H
#define ASCEND_STUB_OPAPI_MOE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "opapi/elements.h"
#include "opapi/kernel.h"

/* A tensor of 1 to 3 axes: the last one is a row's, the others together count the rows. */
typedef struct {
    uint8_t *first;
    aclDataType dtype;
    int64_t size; /* bytes of an element */
    int64_t rows, columns;
    int64_t inner, outer_step, inner_step, step; /* row r is r / inner, r % inner; steps in bytes */
} stub_token_rows;

aclnnStatus stub_token_rows_open(const stub_call *call, uint32_t arg, stub_token_rows *rows);

/* n elements of row r from `column` on, as float, and back. At most a stretch. */
void stub_token_rows_load(const stub_token_rows *rows, int64_t r, int64_t column, int64_t n, float *to);
void stub_token_rows_store(const stub_token_rows *rows, int64_t r, int64_t column, int64_t n, float *from);

/* All elements of a tensor, row-major, in memory that the caller frees; an absent tensor gives NULL. */
aclnnStatus stub_read_integers(const stub_call *call, uint32_t arg, int64_t **values);
aclnnStatus stub_read_floats(const stub_call *call, uint32_t arg, float **values);
/* The whole of an output tensor, row-major; nothing when it is absent. `values` may be changed. */
aclnnStatus stub_write_integers(const stub_call *call, uint32_t arg, int64_t *values);
aclnnStatus stub_write_floats(const stub_call *call, uint32_t arg, float *values);

/* n zeroed items of 8 bytes; NULL with a text without memory. */
void *stub_moe_memory(const stub_call *call, int64_t n);

/* 507015 with a text unless low <= values[i] < high for all i. */
aclnnStatus stub_check_indices(const stub_call *call, uint32_t arg, const int64_t *values, int64_t n, int64_t low,
                               int64_t high);

enum { STUB_ROW_ZEROS = -1, STUB_ROW_LEFT = -2 };

/* Row i of `to` becomes row source[i] of `from`, zeros, or is left as it is. Same data types. */
void stub_gather_rows(const stub_token_rows *from, const int64_t *source, const stub_token_rows *to);

/* The product of row i of `a` and row j of `b`, summed in double. */
float stub_row_product(const stub_token_rows *a, int64_t i, const stub_token_rows *b, int64_t j);

/* out[i] = base0[i] + base1[i] + sum over j < each of weight[i, j] * (from[source[i, j]] + bias[expert[i, j]]), in
 * fp32. NULL: no such term, weights of 1. A negative source counts as zeros. With `start`, row i has the terms
 * start[i] .. start[i + 1] - 1, and `each` says how many these are about. */
typedef struct {
    const stub_token_rows *out, *from, *base[2], *bias;
    int64_t each;
    const int64_t *start;
    const int64_t *source, *expert;
    const float *weight;
} stub_row_sum;

void stub_sum_rows(const stub_row_sum *sum);

#endif
