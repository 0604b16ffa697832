/* Gradients of norms over the last axes of x: the family's data and phases. */
#ifndef ASCEND_STUB_OPAPI_NORM_GRAD_H
#define ASCEND_STUB_OPAPI_NORM_GRAD_H

#include "opapi/norm/norm_checks.h"

/* Arguments; STUB_NO_ARGUMENT for what an operator lacks. What was normalised: x, or alpha * x + x2. */
typedef struct {
    int dy, x, x2, alpha, extra; /* extra: added to dx */
    int mean, rstd, gamma, beta; /* without mean: a root mean square norm */
    int dims, mask;              /* arrays: the normalised shape, and which of dx, dgamma and dbeta are wanted */
    int dx, dx2, dgamma, dbeta;  /* dx2: of x2; dx is alpha times that */
    bool like_gamma;             /* dgamma and dbeta have its type; else FLOAT */
} norm_grad;

bool stub_norm_grad_wants(const stub_call *call, const norm_grad *op, uint32_t output);
uint32_t stub_norm_grad_axes(const stub_call *call, const norm_grad *op);

aclnnStatus norm_grad_check(const stub_call *call, stub_plan *plan, const norm_grad *op);
aclnnStatus norm_grad_run(const stub_call *call, const norm_grad *op);

#endif
