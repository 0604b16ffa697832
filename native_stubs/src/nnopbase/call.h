/* One operator call as data: what the generated entry points produce and what kernels receive. Public, because kernels
 * may come from outside; here with the inside of descriptors and communicators.
 *
 * A kernel of the stand-in's own is defined in opapi with STUB_KERNEL (opapi/kernel.h).
 * The generated operator table refers to that name weakly, so it needs no registration and an operator without one has
 * NULL. See opapi/view.h for the way to a tensor's elements. */
#ifndef ASCEND_STUB_NNOPBASE_CALL_H
#define ASCEND_STUB_NNOPBASE_CALL_H

#include "ascend_stub/kernel.h"
#include "comm/communicator.h"
#include "core/export.h"
#include "nnopbase/descriptors.h"

/* What stub_phase_one and stub_phase_two are for the operators of CANN's own, which came with a release (805). */
STUB_EXPORT aclnnStatus stub_cann_phase_one(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                                            aclOpExecutor **executor, int since);
STUB_EXPORT aclnnStatus stub_cann_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size,
                                            aclOpExecutor *executor, aclrtStream stream, int since);

#endif
