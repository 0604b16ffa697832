/* aclnnQuantMatmulAllReduce and its V2, which adds the scale per token: what their two phases share. */
#ifndef ASCEND_STUB_OPAPI_QUANT_MATMUL_ALL_REDUCE_H
#define ASCEND_STUB_OPAPI_QUANT_MATMUL_ALL_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

#include "nnopbase/call.h"
#include "opapi/matmul/int8_matmul.h"
#include "opapi/view.h"

/* Arguments in the order of the prototypes. */
enum { QMM_X1, QMM_X2, QMM_BIAS, QMM_X3, QMM_SCALE };
enum { QMM_PERTOKEN = 5, QMM_COMM_SCALE_1, QMM_COMM_SCALE_2 }; /* where a version has them */

/* A call of any version. */
typedef struct {
    const stub_call *call;
    const aclTensor *x1, *x2, *bias, *x3, *scale, *pertoken, *output; /* bias, x3 and pertoken may be NULL */
    uint32_t pertoken_arg, output_arg;                                /* pertoken_arg: of V2 and V3 */
    const char *group, *reduce_op;
    int64_t comm_turn, stream_mode;
} stub_qmm_call;

/* The product's sizes and the weight's layout, of a call whose ranks have been checked: k is that of x1, n that of
 * output, and a weight is transposed when its view says so, also where its storage is FRACTAL_NZ. */
typedef struct {
    int64_t m, k, n;
    stub_weight_layout layout;
} stub_qmm_sizes;

/* x1 without its last dimension; -1 when that is more than any memory holds. */
int64_t stub_qmm_rows(const aclTensor *x1);
bool stub_qmm_is_nz(const aclTensor *x2);
bool stub_qmm_is_transposed(const aclTensor *x2);
stub_qmm_sizes stub_qmm_measure(const stub_qmm_call *qmm);

aclnnStatus stub_qmm_check(const stub_qmm_call *qmm, stub_plan *plan);
aclnnStatus stub_qmm_run(const stub_qmm_call *qmm);

/* Dense [m, n] memory for a rank's y and then for the sum: output itself, or the workspace when output has gaps. */
typedef struct {
    stub_view output;
    uint8_t *bytes;
    void *address; /* of the same on the device */
} stub_qmm_target;

/* What one rank computes before the ranks meet. */
aclnnStatus stub_qmm_run_rank(const stub_qmm_call *qmm, stub_qmm_target *target);

#endif
