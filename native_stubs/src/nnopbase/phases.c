/* The two phases of every operator, and the life of an executor between them.
 *
 * Phase one snapshots the call into an executor. Phase two turns that executor into a task of the stream; of a
 * repeatable one it makes a run of its own, so that addresses may be changed and the executor may be destroyed while
 * earlier runs are still queued. */
#include "nnopbase/phases.h"
#include "aclnn/opdev/op_errno.h"
#include "check/check.h"
#include "core/error.h"
#include "nnopbase/accesses.h"
#include "nnopbase/checked.h"
#include "nnopbase/executor.h"
#include "nnopbase/places.h"
#include "nnopbase/product_rule.h"
#include "nnopbase/snapshot.h"
#include "nnopbase/told.h"

static aclnnStatus refuse_without_kernel(const stub_operator *op) {
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s has no kernel in the ascend-ops stand-in. Run it with CANN on an NPU, or register a kernel: "
                     "with @ao.stub.kernel(\"%s\") on a Python function, or from C with stub_register_kernel of "
                     "ascend_stub/kernel.h",
                     op->name, op->name);
}

/* First of all: a forked child, which has none, must not wait for locks that other threads held. */
static aclnnStatus require_context(const stub_operator *op) {
    stub_context *context;
    return stub_context_current(&context) == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_RUNTIME_ERROR, "%sGetWorkspaceSize needs a current context", op->name);
}

/* An executor that runs with this kernel; takes the registration over. NULL with a text when there is no room. */
static stub_executor *new_executor(const stub_kernel *kernel, stub_registration *registration) {
    stub_executor *made = stub_executor_new();
    if (made != NULL) {
        made->kernel = kernel;
        made->registration = registration;
    } else if (registration != NULL) {
        stub_registration_release(registration);
    }
    return made;
}

static aclnnStatus take_snapshot(stub_executor *executor, const stub_operator *op, const stub_value *args) {
    const aclnnStatus status = stub_snapshot(&executor->arena, op, args, &executor->call);
    executor->call.user = stub_registration_user(executor->registration);
    return status;
}

static aclnnStatus refuse_closed(const stub_executor *executor) {
    return stub_fail(ACLNN_ERR_RUNTIME_ERROR,
                     "%s: its kernel was registered by an interpreter that has ended; finish device work before",
                     executor->call.op->name);
}

static aclnnStatus check_call(stub_executor *executor) {
    if (executor->kernel->check == NULL) {
        return ACLNN_SUCCESS;
    }
    if (!stub_kernel_enter(executor->registration)) {
        return refuse_closed(executor);
    }
    const aclnnStatus status = executor->kernel->check(&executor->call, &executor->plan);
    stub_kernel_leave(executor->registration);
    return status;
}

/* On failure CANN leaves the caller's workspaceSize and executor as they were, and so does this. */
aclnnStatus stub_plan_call(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                           aclOpExecutor **executor) {
    if (workspace_size == NULL || executor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%sGetWorkspaceSize: %s is NULL", op->name,
                         workspace_size == NULL ? "workspaceSize" : "executor");
    }
    aclnnStatus status = require_context(op);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    stub_registration *registration;
    const stub_kernel *kernel = stub_kernel_of(op, &registration);
    if (kernel == NULL) {
        return refuse_without_kernel(op);
    }
    stub_executor *made = new_executor(kernel, registration);
    if (made == NULL) {
        return ACLNN_ERR_INNER_CREATE_EXECUTOR;
    }
    const bool checked = stub_is_watched_by(STUB_WATCH_CHECKS);
    if (checked) {
        stub_checked_plan(op, args);
    }
    status = take_snapshot(made, op, args);
    if (status == ACLNN_SUCCESS) {
        status = check_call(made);
    }
    if (status == ACLNN_SUCCESS) {
        status = stub_check_product(&made->call);
    }
    if (status != ACLNN_SUCCESS) {
        stub_executor_release(made);
        return status;
    }
    *workspace_size = made->plan.workspace_size;
    *executor = stub_executor_publish(made);
    if (checked) {
        stub_checked_planned(op, args, *executor);
    }
    return ACLNN_SUCCESS;
}

static int run_kernel(stub_task *task) {
    stub_executor *executor = (stub_executor *)task;
    if (!stub_kernel_enter(executor->registration)) {
        return refuse_closed(executor);
    }
    executor->ran = true;
    const aclnnStatus status = executor->kernel->run(&executor->call);
    stub_kernel_leave(executor->registration);
    return status;
}

static void release_task(stub_task *task) {
    stub_executor_release((stub_executor *)task);
}

static void release_telling_task(stub_task *task) {
    const stub_executor *executor = (const stub_executor *)task;
    stub_told_end_run(executor->call.told, executor->ran);
    release_task(task);
}

/* One run of a repeatable executor. */
static aclnnStatus new_run(stub_executor *executor, stub_executor **run) {
    if (executor->registration != NULL) {
        stub_registration_retain(executor->registration);
    }
    stub_executor *made = new_executor(executor->kernel, executor->registration);
    if (made == NULL) {
        return ACLNN_ERR_INNER_CREATE_EXECUTOR;
    }
    const aclnnStatus status = stub_executor_lend(executor, made);
    if (status != ACLNN_SUCCESS) {
        stub_executor_release(made);
        return status;
    }
    made->plan = executor->plan;
    if (made->plan.comm != NULL) {
        stub_comm_retain(made->plan.comm);
    }
    *run = made;
    return ACLNN_SUCCESS;
}

/* What to run for a handle: the executor itself, which the handle then no longer names, or one run of it. */
static aclnnStatus take_run(const stub_operator *op, const aclOpExecutor *handle, stub_executor **run) {
    stub_executor *executor = stub_executor_find(handle);
    if (executor != NULL && executor->repeatable) {
        return new_run(executor, run);
    }
    *run = stub_executor_take(handle);
    return *run != NULL ? ACLNN_SUCCESS : stub_executor_refuse(ACLNN_ERR_PARAM_INVALID, op->name, handle);
}

static aclnnStatus check_run(const stub_operator *op, const stub_executor *run, const void *workspace,
                             uint64_t workspace_size) {
    if (run->call.op != op) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the executor was made by %sGetWorkspaceSize, run it with %s",
                         op->name, run->call.op->name, run->call.op->name);
    }
    if (workspace == NULL && workspace_size > 0) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: workspace is NULL, but workspaceSize is %llu", op->name,
                         (unsigned long long)workspace_size);
    }
    if (workspace_size < run->plan.workspace_size) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: workspaceSize is %llu, phase one asked for %llu bytes", op->name,
                         (unsigned long long)workspace_size, (unsigned long long)run->plan.workspace_size);
    }
    if (run->plan.refusal != NULL) {
        return stub_fail(ACLNN_ERR_INNER, "%s: %s", op->name, run->plan.refusal);
    }
    return ACLNN_SUCCESS;
}

static int queue_with_ticket(stub_executor *run, stub_comm *comm, stub_stream *stream) {
    run->call.comm = comm;
    run->call.ticket = stub_comm_begin_submit(comm);
    const int status = stub_stream_enqueue(stream, &run->task);
    stub_comm_end_submit(comm);
    return status;
}

/* A run that tells the shapes of its outputs: see told.h. */
static aclnnStatus queue_and_wait(stub_executor *run, stub_stream *stream) {
    const stub_operator *op = run->call.op;
    stub_told *told = stub_told_new();
    if (told == NULL) {
        const aclnnStatus status = stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory", op->name);
        stub_executor_release(run);
        return status;
    }
    run->call.told = told;
    run->task.release = release_telling_task;
    aclnnStatus status = stub_stream_enqueue(stream, &run->task) == 0 ? ACLNN_SUCCESS : ACLNN_ERR_RUNTIME_ERROR;
    if (status == ACLNN_SUCCESS) {
        status = stub_stream_synchronize(stream, -1);
    }
    if (status == ACLNN_SUCCESS) {
        status = stub_told_apply(told, op);
    }
    stub_told_release(told);
    return status;
}

static stub_urgency urgency_of(const stub_executor *run) {
    if (run->plan.comm != NULL) {
        return STUB_NEEDED_AT_ONCE;
    }
    return run->registration != NULL ? STUB_NEEDED_SOON : STUB_NEEDED_WHEN_ASKED;
}

/* Ends with the run owned by the stream, or released. */
static aclnnStatus queue_run(stub_executor *run, aclrtStream handle) {
    stub_stream *stream;
    const bool resolved = stub_stream_resolve(handle, run->call.op->name, &stream) == 0;
    if (!resolved || run->plan.nothing_to_run) {
        stub_executor_release(run);
        return resolved ? ACLNN_SUCCESS : ACLNN_ERR_RUNTIME_ERROR;
    }
    run->task = (stub_task){.run = run_kernel,
                            .release = release_task,
                            .name = run->call.op->name,
                            .describe = stub_describe_executor,
                            .urgency = urgency_of(run)};
    if (run->plan.tells_shapes) {
        return queue_and_wait(run, stream);
    }
    stub_comm *comm = run->plan.comm;
    const int status = comm == NULL ? stub_stream_enqueue(stream, &run->task) : queue_with_ticket(run, comm, stream);
    return status == 0 ? ACLNN_SUCCESS : ACLNN_ERR_RUNTIME_ERROR;
}

aclnnStatus stub_launch_call(const stub_operator *op, void *workspace, uint64_t workspace_size, aclOpExecutor *executor,
                             aclrtStream stream) {
    if (executor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: executor is NULL", op->name);
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_checked_launch(op, workspace, workspace_size, executor);
    }
    stub_executor *run;
    aclnnStatus status = take_run(op, executor, &run);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    status = check_run(op, run, workspace, workspace_size);
    if (status != ACLNN_SUCCESS) {
        stub_executor_release(run);
        return status;
    }
    run->call.workspace = workspace;
    run->call.workspace_size = workspace_size;
    return queue_run(run, stream);
}

void stub_abandon_call(aclOpExecutor *executor) {
    const stub_executor *found = stub_executor_find(executor);
    stub_executor *taken = found == NULL || found->repeatable ? NULL : stub_executor_take(executor);
    if (taken == NULL) {
        return;
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_running(executor, taken->call.op->name, false);
    }
    stub_executor_release(taken);
}

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor *executor) {
    if (executor == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "aclSetAclOpExecutorRepeatable: executor is NULL");
    }
    stub_executor *found = stub_executor_find(executor);
    if (found == NULL) {
        return stub_executor_refuse(ACLNN_ERR_INNER, "aclSetAclOpExecutorRepeatable", executor);
    }
    if (!found->repeatable) {
        stub_places_make(found);
    }
    found->repeatable = true;
    return ACLNN_SUCCESS;
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor *executor) {
    if (executor == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "aclDestroyAclOpExecutor: executor is NULL");
    }
    stub_executor *taken = stub_executor_take(executor);
    if (taken == NULL) {
        return stub_executor_refuse(ACLNN_ERR_INNER, "aclDestroyAclOpExecutor", executor);
    }
    stub_executor_release(taken);
    return ACLNN_SUCCESS;
}
