/* Products of matrices over the ranks of a communicator: what their two phases share.
 *
 *     aclnnMatmulAllReduce        output = sum of the ranks' (x1 @ x2 + bias + x3), on all of them
 *     aclnnMatmulReduceScatter    the same sum, of which rank r gets the r-th part of the rows
 *     aclnnAllGatherMatmul        output = gathered x1 @ x2 + bias, with every rank's rows of x1 */
#ifndef ASCEND_STUB_OPAPI_MATMUL_RANKS_H
#define ASCEND_STUB_OPAPI_MATMUL_RANKS_H

#include "opapi/kernel.h"
#include "opapi/matmul/antiquant.h"
#include "opapi/matmul/product.h"

typedef enum { STUB_RANKS_ALL_REDUCE, STUB_RANKS_REDUCE_SCATTER, STUB_RANKS_ALL_GATHER } stub_ranks_kind;

/* An operator, by the numbers of its arguments, from 1; 0: it has none. */
typedef struct {
    stub_ranks_kind kind;
    uint32_t x1, x2, bias, x3, scale, offset, group_size; /* scale, offset: of quantised weights */
    uint32_t group, reduce_op, gather_index, comm_turn, stream_mode, output, gathered;
    uint32_t residual, gamma, epsilon, y; /* y = sum + residual, and output = y / rms(y) * gamma */
} stub_ranks;

/* Sizes of this rank's product, and where its parts lie in the workspace (bytes from its start). */
typedef struct {
    int64_t m, k, n;
    uint64_t product, result; /* ALL_REDUCE, REDUCE_SCATTER: the product; the result, where output has gaps */
    uint64_t sent, gathered;  /* ALL_GATHER: x1 and the gathered rows, where those have gaps */
    uint64_t bytes;           /* of the workspace */
} stub_ranks_sizes;

stub_ranks_sizes stub_ranks_measure(const stub_call *call, const stub_ranks *op, uint32_t ranks);

static inline const aclTensor *stub_ranks_arg(const stub_call *call, uint32_t number) {
    return number == 0 ? NULL : stub_tensor_arg(call, number - 1);
}

/* What follows the sum, which output holds: its checks, and the work. */
aclnnStatus stub_ranks_check_norm(const stub_call *call, const stub_ranks *op);
aclnnStatus stub_ranks_run_norm(const stub_call *call, const stub_ranks *op);

aclnnStatus stub_ranks_check(const stub_call *call, stub_plan *plan, const stub_ranks *op);
aclnnStatus stub_ranks_run(const stub_call *call, const stub_ranks *op);

#endif
