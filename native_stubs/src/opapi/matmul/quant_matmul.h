/* aclnnQuantMatmul and its versions: what their two phases share. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_QUANT_MATMUL_H
#define ASCEND_STUB_OPAPI_MATMUL_QUANT_MATMUL_H

#include "opapi/kernel.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"

/* An operator, by the numbers of its arguments, from 1; 0: it has none. */
typedef struct {
    uint32_t x1, x2, scale, offset, token, bias, trans_x1, trans_x2, out;
    uint32_t reserved[3];    /* tensors that must be NULL */
    uint32_t group_size;     /* an integer that must be 0 */
    uint32_t scale_by_value; /* a float that is the scale of all */
    uint32_t highest_rank;   /* of x1 and x2 */
    bool half_only;          /* results are FLOAT16 */
    bool pads_scale;         /* the scale has a multiple of 16 elements */
    bool nz;                 /* x2 must be FRACTAL_NZ, else it may be */
} stub_quant_matmul;

/* The product's sizes and batch, from shapes that fit. */
typedef struct {
    int64_t m, k, n;
    uint32_t rank;
    int64_t batch[STUB_MAX_RANK];
    int64_t x_inner, weight_inner; /* both k */
} stub_quant_sizes;

/* False: the batches cannot be broadcast. */
bool stub_quant_measure(const stub_call *call, const stub_quant_matmul *op, stub_quant_sizes *sizes);

static inline const aclTensor *stub_quant_arg(const stub_call *call, uint32_t number) {
    return number == 0 ? NULL : stub_tensor_arg(call, number - 1);
}

static inline bool stub_quant_flag(const stub_call *call, uint32_t number) {
    return number != 0 && call->args[number - 1].flag;
}

aclnnStatus stub_quant_matmul_check(const stub_call *call, stub_plan *plan, const stub_quant_matmul *op);

#endif
