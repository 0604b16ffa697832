/* Products of floats with one call each: out = beta self + alpha (a @ b). What their files share. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_MATMUL_H
#define ASCEND_STUB_OPAPI_MATMUL_MATMUL_H

#include <stdbool.h>

#include "opapi/kernel.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/product.h"

/* An operator: the numbers of its arguments, and what it allows. STUB_NONE: it has no such argument. Numbers count from
 * 1 here, so that an initializer names only what there is. */
enum { STUB_NONE = 0, STUB_USE_FP16 = 2 /* a cubeMathType */ };
typedef struct {
    uint32_t a, b, out, cube;
    uint32_t self, beta, alpha;            /* self may be out */
    uint32_t trans_a, trans_b;             /* flags */
    uint32_t a_low, a_high, b_low, b_high; /* ranks */
    bool nz;                               /* b is FRACTAL_NZ */
    bool halves;                           /* a and b are of one half type, out of that or FLOAT */
    bool sums_batch;
    bool same_batch; /* nothing is broadcast */
} stub_matmul;

aclnnStatus stub_matmul_check(const stub_call *call, stub_plan *plan, const stub_matmul *op);
aclnnStatus stub_matmul_run(const stub_call *call, const stub_matmul *op);

/* cubeMathType, for inputs that promote to `type`. */
aclnnStatus stub_check_cube_math_type(const stub_call *call, uint32_t arg, aclDataType type);

/* FLOAT16 and FLOAT meet in FLOAT, BF16 meets itself alone: 161002. */
aclnnStatus stub_matmul_promote(const stub_call *call, uint32_t a, uint32_t b, aclDataType *type);

#endif
