/* The doors of every operator's two functions, see watch/watch.h: their generated entry points end here. */
#include "nnopbase/call.h"
#include "nnopbase/phases.h"
#include "nnopbase/trace_arguments.h"
#include "watch/watch.h"

#define APART __attribute__((noinline, cold)) /* so that a door needs no stack */

APART static aclnnStatus plan_watched(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                                      aclOpExecutor **executor, int since) {
    const stub_call call = {.op = op, .args = args};
    stub_visit visit = {
        .function = stub_operator_function(op->name, 1, since), .put_arguments = stub_trace_arguments, .call = &call};
    if (visit.function == NULL) {
        return stub_plan_call(op, args, workspace_size, executor);
    }
    if (stub_visit_enter(&visit)) {
        visit.result = (uint64_t)(int64_t)stub_plan_call(op, args, workspace_size, executor);
        stub_visit_leave(&visit);
    }
    return (aclnnStatus)visit.result;
}

APART static aclnnStatus launch_watched(const stub_operator *op, void *workspace, uint64_t workspace_size,
                                        aclOpExecutor *executor, aclrtStream stream, int since) {
    stub_visit visit = {.function = stub_operator_function(op->name, 2, since)};
    if (visit.function == NULL) {
        return stub_launch_call(op, workspace, workspace_size, executor, stream);
    }
    if (stub_visit_enter(&visit)) {
        visit.result = (uint64_t)(int64_t)stub_launch_call(op, workspace, workspace_size, executor, stream);
        stub_visit_leave(&visit);
    } else {
        stub_abandon_call(executor);
    }
    return (aclnnStatus)visit.result;
}

aclnnStatus stub_cann_phase_one(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                                aclOpExecutor **executor, int since) {
    return stub_is_watched() ? plan_watched(op, args, workspace_size, executor, since)
                             : stub_plan_call(op, args, workspace_size, executor);
}

aclnnStatus stub_cann_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size,
                                aclOpExecutor *executor, aclrtStream stream, int since) {
    return stub_is_watched() ? launch_watched(op, workspace, workspace_size, executor, stream, since)
                             : stub_launch_call(op, workspace, workspace_size, executor, stream);
}

/* Operators from outside belong to no release. */
aclnnStatus stub_phase_one(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                           aclOpExecutor **executor) {
    return stub_cann_phase_one(op, args, workspace_size, executor, 0);
}

aclnnStatus stub_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size, aclOpExecutor *executor,
                           aclrtStream stream) {
    return stub_cann_phase_two(op, workspace, workspace_size, executor, stream, 0);
}
