/* Products of matrices inside of tensors: a batch of them, broadcast, of any layout, with terms added to the result.
 *
 *     out = round(function(alpha A B + factor C ..))      in fp32; all of DOUBLE in fp64 */
#ifndef ASCEND_STUB_OPAPI_MATMUL_PRODUCT_H
#define ASCEND_STUB_OPAPI_MATMUL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnopbase/call.h"
#include "opapi/matmul/gemm.h"
#include "opapi/view.h"

enum { STUB_MOST_TERMS = 2, STUB_NO_AXIS = -1 };

/* Matrices of a tensor: where the first one begins, and the steps in elements. A step is 0 where the tensor is
 * broadcast. `first` is NULL for an absent one. */
typedef struct {
    uint8_t *first;
    aclDataType dtype;
    int64_t row, column, batch[STUB_MAX_RANK];
} stub_part;

typedef struct {
    stub_part part;
    double factor;
    bool multiplies; /* instead of being added */
    bool rounded;    /* it meets what the result would be without it, rounded */
} stub_term;

typedef struct {
    int64_t m, n, k;
    uint32_t rank; /* of the batch */
    int64_t batch[STUB_MAX_RANK];
    bool sums_batch; /* one result, the sum over the batch */
    bool as_half;    /* elements of a and b are rounded to FLOAT16 first */
    stub_part a, b, out;
    double alpha;
    uint32_t terms;
    stub_term term[STUB_MOST_TERMS];
    void (*function)(size_t n, float *numbers); /* NULL: none */
} stub_batch_product;

/* The matrices that two axes of a view form; the other axes are the last ones of a batch of `batch_rank` axes.
 * STUB_NO_AXIS: the matrix has one row (or column) only, or repeats it. */
stub_part stub_part_of(const stub_view *view, int row_axis, int column_axis, uint32_t batch_rank);
/* The last two axes; a vector is a row. */
stub_part stub_part_last(const stub_view *view, uint32_t batch_rank);

static inline int64_t stub_part_size(const stub_part *part) {
    return stub_dtype_bits(part->dtype) / 8;
}

/* The same matrices, rows and columns exchanged. */
static inline void stub_part_transpose(stub_part *part) {
    const int64_t row = part->row;
    part->row = part->column;
    part->column = row;
}

/* The place of matrix number `index`, row-major over the batch. */
uint8_t *stub_part_at(const stub_part *part, const int64_t *batch, uint32_t rank, int64_t index);

static inline int64_t stub_batch_count(const int64_t *batch, uint32_t rank) {
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        count *= batch[i];
    }
    return count;
}

/* A copy of all rows x columns matrices of a batch, of type `as`, as rows without gaps; memory that the caller frees.
 * 561000 with a text without memory. */
aclnnStatus stub_part_copy(const stub_call *call, const stub_part *from, int64_t rows, int64_t columns,
                           const int64_t *batch, uint32_t rank, aclDataType as, stub_part *to, void **owned);

/* 561000 with a text when the host has no memory for the sums. */
aclnnStatus stub_batch_product_run(const stub_call *call, const stub_batch_product *product);

#endif
