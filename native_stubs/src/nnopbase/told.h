/* Output shapes that only the data tells: run tells them (stub_tell_shape), phase two waits for it and gives them to
 * the caller's descriptors.
 *
 * As opbase does it: behind the launch phase two synchronises the stream it was given, and nothing else; then the
 * view, the storage and the original shape of the caller's aclTensor become what the kernel left
 * (composite_op/aclnn_engine/outshape.h for kernels of the AI Core, aicpu/task_handler for those of the AI CPU). A
 * failure of the stream is phase two's status and leaves the descriptors alone, and so does a call that launches
 * nothing, for one of tensors without elements. A repeatable executor does this in every run.
 *
 * Strides: CANN writes what is found without gaps whatever the output's strides are, and its AI Core path sets them so
 * (aclTensor::SetViewShape); the AI CPU path leaves numbers that describe nothing any more. Here a contiguous output
 * gets the strides of its new shape, in both cases; another one, which documents rule out, is written along its
 * strides and keeps them. */
#ifndef ASCEND_STUB_NNOPBASE_TOLD_H
#define ASCEND_STUB_NNOPBASE_TOLD_H

#include "nnopbase/call.h"

/* What one run tells. Belongs to the run and to the phase two that waits for it, which either may outlive. */
stub_told *stub_told_new(void);
void stub_told_release(stub_told *told);
/* The same by the run; `ran`: it was not dropped from its queue. */
void stub_told_end_run(stub_told *told, bool ran);

/* Gives the shapes to the descriptors that the call was made with, which the caller still has. 107023 with a text when
 * the run was dropped: its stream was aborted. */
aclnnStatus stub_told_apply(const stub_told *told, const stub_operator *op);

#endif
