// Checks of executors: run once, with enough workspace, while their descriptors live.
#include <array>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"
#include "aclnnop/aclnn_abs.h"
#include "ascend_stub/kernel.h"
#include "check.h"
#include "reports.h"

namespace {

aclnnStatus ask_for_workspace(const stub_call *, stub_plan *plan) {
    plan->workspace_size = 64;
    return 0;
}

aclnnStatus do_nothing(const stub_call *) {
    return 0;
}

// aclnnAbs of four numbers with a kernel that wants 64 bytes of workspace.
class Call {
  public:
    Call() {
        for (void **memory : {&self_data_, &out_data_, &workspace_}) {
            CHECK_STATUS(0, aclrtMalloc(memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
            CHECK_STATUS(0, aclrtMemset(*memory, 64, 0, 64));
        }
        self = tensor(self_data_);
        out = tensor(out_data_);
    }
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;
    ~Call() {
        CHECK_STATUS(0, aclrtSynchronizeDevice());
        CHECK_STATUS(0, aclDestroyTensor(self));
        CHECK_STATUS(0, aclDestroyTensor(out));
        for (void *memory : {self_data_, out_data_, workspace_}) {
            CHECK_STATUS(0, aclrtFree(memory));
        }
    }
    void plan() {
        CHECK_STATUS(0, aclnnAbsGetWorkspaceSize(self, out, &size, &executor));
    }
    aclnnStatus run(uint64_t workspace_size = 64) {
        return aclnnAbs(workspace_, workspace_size, executor, nullptr);
    }
    void destroy_self() {
        CHECK_STATUS(0, aclDestroyTensor(self));
        self = nullptr;
    }
    aclTensor *self, *out;
    aclOpExecutor *executor = nullptr;
    uint64_t size = 0;

  private:
    static aclTensor *tensor(void *data) {
        const int64_t shape[] = {4};
        return aclCreateTensor(shape, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape, 1, data);
    }
    void *self_data_, *out_data_, *workspace_;
};

void one_run_is_no_mistake() {
    Call call;
    call.plan();
    CHECK_STATUS(0, call.run());
    CHECK_QUIET();
}

void a_second_run_is_reported() {
    Call call;
    call.plan();
    CHECK_STATUS(0, call.run());
    CHECK_STATUS(161002, call.run());
    CHECK_REPORT(STUB_CHECK_EXECUTORS, "aclnnAbs runs an executor that phase two has consumed before",
                 "first run by aclnnAbs at", "made by aclnnAbsGetWorkspaceSize at", "run again by aclnnAbs");
}

void a_destruction_after_the_run_is_reported() {
    Call call;
    call.plan();
    CHECK_STATUS(0, call.run());
    CHECK(aclDestroyAclOpExecutor(call.executor) != 0);
    CHECK_REPORT(STUB_CHECK_EXECUTORS, "aclDestroyAclOpExecutor destroys an executor that phase two has consumed");
}

void a_run_after_the_destruction_is_reported() {
    Call call;
    call.plan();
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
    CHECK_QUIET();
    CHECK_STATUS(161002, call.run());
    CHECK_REPORT(STUB_CHECK_EXECUTORS, "aclnnAbs runs an executor that was destroyed before");
}

void a_change_after_the_run_is_reported() {
    Call call;
    call.plan();
    CHECK_STATUS(0, call.run());
    CHECK(aclSetAclOpExecutorRepeatable(call.executor) != 0);
    CHECK_REPORT(STUB_CHECK_EXECUTORS, "aclSetAclOpExecutorRepeatable uses a dead aclOpExecutor");
}

void a_repeatable_one_may_run_again() {
    Call call;
    call.plan();
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(0, call.run());
    CHECK_STATUS(0, call.run());
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
    CHECK_QUIET();
}

void too_small_a_workspace_is_reported() {
    Call call;
    call.plan();
    CHECK(call.size == 64);
    CHECK_STATUS(161002, call.run(63));
    CHECK_REPORT(STUB_CHECK_WORKSPACE, "aclnnAbs is given a workspace of 63 bytes, phase one asked for 64",
                 "planned by aclnnAbsGetWorkspaceSize");
    call.plan();
    CHECK_STATUS(161001, aclnnAbs(nullptr, 64, call.executor, nullptr));
    CHECK_REPORT(STUB_CHECK_WORKSPACE, "a workspace of 0 bytes");
}

void a_descriptor_destroyed_before_phase_two_is_reported() {
    Call call;
    call.plan();
    call.destroy_self();
    CHECK_STATUS(0, call.run());
    CHECK_REPORT(STUB_CHECK_LIFETIME, "aclnnAbs runs after its aclTensor self was destroyed",
                 "ended by aclDestroyTensor", "made by aclCreateTensor", "planned by aclnnAbsGetWorkspaceSize");
}

void a_descriptor_replaced_before_phase_two_is_reported() {
    Call call;
    call.plan();
    const aclTensor *old = call.self;
    call.destroy_self();
    const int64_t shape[] = {4};
    call.self = aclCreateTensor(shape, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape, 1, nullptr);
    (void)old; // the same address, where malloc has no other wish
    CHECK_STATUS(0, call.run());
    CHECK_REPORT(STUB_CHECK_LIFETIME, "aclTensor self was destroyed", "ended by aclDestroyTensor");
}

void a_descriptor_may_end_when_phase_two_returned() {
    Call call;
    call.plan();
    CHECK_STATUS(0, call.run());
    call.destroy_self();
    CHECK_QUIET();
}

void a_repeatable_one_needs_its_descriptors_at_every_run() {
    Call call;
    call.plan();
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(0, call.run());
    CHECK_QUIET();
    call.destroy_self();
    CHECK_STATUS(0, call.run());
    CHECK_REPORT(STUB_CHECK_LIFETIME, "aclTensor self was destroyed");
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
}

void a_dead_argument_is_reported_by_phase_one() {
    Call call;
    aclTensor *dead = call.self;
    call.destroy_self();
    CHECK_STATUS(161002, aclnnAbsGetWorkspaceSize(dead, call.out, &call.size, &call.executor));
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclnnAbsGetWorkspaceSize uses a dead aclTensor", "argument self");
}

void an_executor_that_is_never_run_is_reported() {
    Call call;
    const uint64_t mark = stub_leak_mark();
    call.plan();
    stub_leak_report(mark);
    CHECK_REPORT(STUB_CHECK_EXECUTORS, "an executor of aclnnAbs was never run", "made by aclnnAbsGetWorkspaceSize");
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
}

void a_repeatable_one_that_is_never_destroyed_is_a_leak() {
    Call call;
    const uint64_t mark = stub_leak_mark();
    call.plan();
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(0, call.run());
    stub_leak_report(mark);
    CHECK_REPORT(STUB_CHECK_LEAKS, "1 object was not destroyed", "1 x aclOpExecutor");
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
}

} // namespace

int main() {
    watch("leaks,handles,lifetime,executors,workspace");
    const stub_kernel kernel = {ask_for_workspace, do_nothing};
    CHECK_STATUS(0, stub_register_kernel("aclnnAbs", &kernel, nullptr, nullptr));
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    one_run_is_no_mistake();
    a_second_run_is_reported();
    a_destruction_after_the_run_is_reported();
    a_run_after_the_destruction_is_reported();
    a_change_after_the_run_is_reported();
    a_repeatable_one_may_run_again();
    too_small_a_workspace_is_reported();
    a_descriptor_destroyed_before_phase_two_is_reported();
    a_descriptor_replaced_before_phase_two_is_reported();
    a_descriptor_may_end_when_phase_two_returned();
    a_repeatable_one_needs_its_descriptors_at_every_run();
    a_dead_argument_is_reported_by_phase_one();
    an_executor_that_is_never_run_is_reported();
    a_repeatable_one_that_is_never_destroyed_is_a_leak();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    CHECK_QUIET();
}
