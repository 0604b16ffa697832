/* The two phases behind their doors. */
#ifndef ASCEND_STUB_NNOPBASE_PHASES_H
#define ASCEND_STUB_NNOPBASE_PHASES_H

#include "nnopbase/call.h"

aclnnStatus stub_plan_call(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                           aclOpExecutor **executor);
aclnnStatus stub_launch_call(const stub_operator *op, void *workspace, uint64_t workspace_size, aclOpExecutor *executor,
                             aclrtStream stream);

/* What a phase two that fails before it begins does: it consumes its executor all the same, unless that is repeatable.
 */
void stub_abandon_call(aclOpExecutor *executor);

#endif
