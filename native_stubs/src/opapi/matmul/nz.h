/* Weights in FRACTAL_NZ (see trans_matmul_weight.h), brought back to rows for products that read rows. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_NZ_H
#define ASCEND_STUB_OPAPI_MATMUL_NZ_H

#include <stdbool.h>
#include <stdint.h>

#include "opapi/matmul/product.h"

/* How a matrix k x n lies in tiles: `rows` and `columns` of what is stored, which is its transpose or itself. */
typedef struct {
    int64_t rows, columns;
    bool transposed;
} stub_nz;

bool stub_is_nz(const aclTensor *tensor);
/* Whether the view is one of tiles ([.., 16, c0]) and not of the matrix. */
bool stub_nz_shows_tiles(const aclTensor *tensor);
/* Whether the last two axes of a view lie in the other order. */
bool stub_is_transposed(const aclTensor *tensor);

/* Phase one: finds how k x n lies in argument `arg` (or an item of it); 161002 when it does not. A view of tiles does
 * not say whether they are the transpose's: then `transposed` does, or (-1) what fits. */
aclnnStatus stub_nz_find(const stub_call *call, uint32_t arg, const aclTensor *tensor, int64_t k, int64_t n,
                         int transposed, stub_nz *found);

/* Phase two: all matrices of the tensor as rows, k x n by part's steps, in memory of the host's that the caller frees.
 */
aclnnStatus stub_nz_open(const stub_call *call, uint32_t arg, const aclTensor *tensor, const stub_nz *nz,
                         uint32_t batch_rank, stub_part *part, void **owned);

/* The tiles as they are: part's batch steps only. */
aclnnStatus stub_nz_tiles(const stub_call *call, uint32_t arg, const aclTensor *tensor, uint32_t batch_rank,
                          stub_part *part);

#endif
