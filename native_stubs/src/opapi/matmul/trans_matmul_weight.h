/* FRACTAL_NZ, the layout of matrix weights: the last two dimensions [R, C] become tiles of 16 rows and 32 bytes,
 * [ceil(C / c0), ceil(R / 16), 16, c0] with c0 elements in 32 bytes; padding is zero. */
#ifndef ASCEND_STUB_OPAPI_TRANS_MATMUL_WEIGHT_H
#define ASCEND_STUB_OPAPI_TRANS_MATMUL_WEIGHT_H

#include <stdint.h>

#include "nnopbase/call.h"

enum { STUB_NZ_ROWS = 16, STUB_NZ_ROW_BYTES = 32, STUB_NZ_MIN_RANK = 2, STUB_NZ_MAX_RANK = 6 };

static inline int64_t stub_tiles(int64_t dim, int64_t block) {
    return dim / block + (dim % block != 0);
}

aclnnStatus stub_trans_matmul_weight_check(const stub_call *call, stub_plan *plan);

#endif
