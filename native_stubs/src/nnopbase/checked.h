/* What the checks are told of the two phases; called only while they are on. */
#ifndef ASCEND_STUB_NNOPBASE_CHECKED_H
#define ASCEND_STUB_NNOPBASE_CHECKED_H

#include "nnopbase/call.h"

/* Phase one is about to look at its arguments. */
void stub_checked_plan(const stub_operator *op, const stub_value *args);

/* Phase one made an executor of them. */
void stub_checked_planned(const stub_operator *op, const stub_value *args, const aclOpExecutor *executor);

/* Phase two is about to take the executor. */
void stub_checked_launch(const stub_operator *op, const void *workspace, uint64_t workspace_size,
                         const aclOpExecutor *handle);

#endif
