/* One step of AdamW, for the operators that differ in where its numbers come from. */
#ifndef ASCEND_STUB_OPAPI_OPTIMISER_ADAMW_H
#define ASCEND_STUB_OPAPI_OPTIMISER_ADAMW_H

#include "opapi/map.h"

typedef struct {
    double lr, beta1, beta2, decay, eps;
    double power1, power2; /* beta1^t, beta2^t */
    double scale;          /* of the gradient: -1 to maximise */
} stub_adamw;

/* m, v and var are updated; `most` (NULL: no AMSGrad) is the largest v so far and goes to `most_out`. */
void stub_adamw_step(const stub_adamw *by, const stub_view *var, const stub_view *m, const stub_view *v,
                     const stub_view *most, const stub_view *most_out, const stub_view *grad);

/* Kernels of this room: the same data type and shape for some tensors, and the one number in a tensor. */
aclnnStatus stub_check_alike(const stub_call *call, const uint32_t *args, uint32_t count);
aclnnStatus stub_check_number(const stub_call *call, uint32_t arg, stub_dtypes allowed);
aclnnStatus stub_read_number(const stub_call *call, uint32_t arg, double *number);

#endif
