/* The doors of every operator's two functions, see watch/watch.h: their generated entry points end here. */
#include "nnopbase/phases.h"
#include "watch/watch.h"

#define APART __attribute__((noinline, cold)) /* so that a door needs no stack */

APART static aclnnStatus plan_watched(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                                      aclOpExecutor **executor) {
    stub_visit visit = {.function = stub_operator_function(op->name, 1)};
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
                                        aclOpExecutor *executor, aclrtStream stream) {
    stub_visit visit = {.function = stub_operator_function(op->name, 2)};
    if (visit.function == NULL) {
        return stub_launch_call(op, workspace, workspace_size, executor, stream);
    }
    if (stub_visit_enter(&visit)) {
        visit.result = (uint64_t)(int64_t)stub_launch_call(op, workspace, workspace_size, executor, stream);
        stub_visit_leave(&visit);
    }
    return (aclnnStatus)visit.result;
}

aclnnStatus stub_phase_one(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                           aclOpExecutor **executor) {
    return stub_is_watched() ? plan_watched(op, args, workspace_size, executor)
                             : stub_plan_call(op, args, workspace_size, executor);
}

aclnnStatus stub_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size, aclOpExecutor *executor,
                           aclrtStream stream) {
    return stub_is_watched() ? launch_watched(op, workspace, workspace_size, executor, stream)
                             : stub_launch_call(op, workspace, workspace_size, executor, stream);
}
