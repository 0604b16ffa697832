/* The losses that are a function of each element, kept (reduction 0) or reduced (1 mean, 2 sum, 3 sum over the batch
 * size), and their gradients.
 *
 * The signature says the rest: the tensors that go in, broadcast together; the reduction; further numbers; the output.
 * Loops get c[0], what a gradient is multiplied with for its reduction, and then the further numbers. They compute in
 * float whatever the types of the tensors. */
#ifndef ASCEND_STUB_OPAPI_LOSS_POINTWISE_H
#define ASCEND_STUB_OPAPI_LOSS_POINTWISE_H

#include "opapi/map.h"

typedef struct {
    const stub_loops *loop;
    const stub_loops *exact; /* in double, for INT64; NULL: floats only */
    bool is_gradient;        /* has the shape of the inputs in any case */
    bool by_batch;           /* has reduction 3 */
    bool keeps_rows;         /* reduces the first axis alone */
    uint32_t optional;       /* bit k: input k may be NULL */
} stub_loss;

aclnnStatus stub_loss_check(const stub_call *call, stub_plan *plan, const stub_loss *loss);
aclnnStatus stub_loss_run(const stub_call *call, const stub_loss *loss);

#endif
