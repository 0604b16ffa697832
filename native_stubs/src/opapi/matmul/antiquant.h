/* Quantised weights as floats: round((weight + offset) * scale), in fp32 and rounded once, to the type of x. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_ANTIQUANT_H
#define ASCEND_STUB_OPAPI_MATMUL_ANTIQUANT_H

#include "nnopbase/call.h"
#include "opapi/matmul/product.h"

typedef struct {
    int64_t k, n;
    stub_part weight; /* INT8, k x n */
    /* A number for each column, of each group of `group` rows; steps of 0 where one serves all. `offset` may be absent.
     */
    stub_part scale, offset;
    int64_t group; /* rows; k when there is one group */
    aclDataType as;
} stub_antiquant;

/* k x n elements of type `as`, neighbours as those of the weight are; memory that the caller frees. */
aclnnStatus stub_antiquant_run(const stub_call *call, const stub_antiquant *by, stub_part *to, void **owned);

#endif
