// The life of an executor between the two phases.
#include <thread>
#include <vector>

#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "anti_quant_call.h"

namespace {

void phase_one_refuses_null_results() {
    Call call;
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnAscendAntiQuantGetWorkspaceSize(call.x, call.scale, nullptr, ACL_FLOAT16,
                                                                               false, call.y, nullptr, &call.executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR,
                 aclnnAscendAntiQuantGetWorkspaceSize(call.x, call.scale, nullptr, ACL_FLOAT16, false, call.y,
                                                      &call.workspace_size, nullptr));
    CHECK(call.workspace_size == 99 && call.executor == nullptr);
}

void a_failed_phase_one_leaves_the_results_alone() {
    Call call;
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_one(ACL_BF16)); // y is FLOAT16
    CHECK(call.workspace_size == 99 && call.executor == nullptr);
    CHECK(aclGetRecentErrMsg() != nullptr);
}

void phase_one_needs_a_context() {
    Call call;
    std::thread([&call] {
        CHECK_STATUS(ACLNN_ERR_RUNTIME_ERROR, call.phase_one());
        CHECK(recent_message_has("context"));
    }).join();
}

void descriptors_may_go_once_phase_two_has_returned() {
    Call call;
    HeldStream stream;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK(call.workspace_size == 0);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two(stream.get()));
    call.destroy_descriptors();
    CHECK(call.y_data.read()[0] == 0x7777); // nothing has run yet
    stream.open_and_synchronize();
    CHECK(call.y_data.read() == halved);
}

void phase_two_refuses_what_is_no_executor() {
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnAscendAntiQuant(nullptr, 0, nullptr, nullptr));
    uint64_t something = 0;
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID,
                 aclnnAscendAntiQuant(nullptr, 0, reinterpret_cast<aclOpExecutor *>(&something), nullptr));
    CHECK(recent_message_has("not an executor"));
}

void a_second_phase_two_is_refused() {
    Call call, later;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK_STATUS(ACLNN_SUCCESS, later.phase_one()); // may use the same memory again
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
    CHECK(recent_message_has("already consumed"));
    CHECK_STATUS(ACLNN_ERR_INNER, aclDestroyAclOpExecutor(call.executor));
    CHECK_STATUS(ACLNN_ERR_INNER, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(ACLNN_SUCCESS, later.phase_two());
    synchronize();
    CHECK(later.y_data.read() == halved);
}

void a_failed_phase_two_consumes_the_executor() {
    Call call;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnAscendAntiQuant(nullptr, 512, call.executor, nullptr));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclnnDynamicQuantV2(nullptr, 0, call.executor, nullptr));
    CHECK(recent_message_has("aclnnAscendAntiQuant"));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
}

void a_stream_of_another_context_is_refused() {
    aclrtContext mine = nullptr, other = nullptr;
    aclrtStream stream = nullptr;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetCurrentContext(&mine));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateContext(&other, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetCurrentContext(mine));
    Call call;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_ERR_RUNTIME_ERROR, call.phase_two(stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetCurrentContext(other));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyContext(other));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetCurrentContext(mine));
}

void a_larger_workspace_than_asked_for_is_fine() {
    Call call;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, aclnnAscendAntiQuant(call.scale_data.get(), 4, call.executor, nullptr));
    synchronize();
    CHECK(call.y_data.read() == halved);
}

void an_empty_call_runs_nothing() {
    Call call(0.5f, 0);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK(call.workspace_size == 0);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(call.y_data.read()[0] == 0x7777);
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
}

void an_executor_may_be_destroyed_without_phase_two() {
    Call call;
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
        CHECK_STATUS(ACLNN_SUCCESS, aclDestroyAclOpExecutor(call.executor));
    }
    CHECK_STATUS(ACLNN_ERR_INNER, aclDestroyAclOpExecutor(call.executor));
    CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclDestroyAclOpExecutor(nullptr));
    CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetAclOpExecutorRepeatable(nullptr));
}

void a_repeatable_executor_survives_a_failed_phase_two() {
    Call call;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnAscendAntiQuant(nullptr, 512, call.executor, nullptr));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(call.y_data.read() == halved);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyAclOpExecutor(call.executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
}

void threads_do_not_share_executors() {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([t] {
            CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
            {
                Call call(t % 2 == 0 ? 0.5f : 2.0f);
                for (int i = 0; i < 100; i++) {
                    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
                    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
                    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, call.phase_two());
                    aclGetRecentErrMsg();
                }
                synchronize();
                CHECK(call.y_data.read() == (t % 2 == 0 ? halved : doubled));
            }
            CHECK_STATUS(ACL_SUCCESS, aclrtResetDevice(0));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

} // namespace

int main() {
    CHECK_STATUS(ACL_SUCCESS, aclInit(nullptr));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
    phase_one_refuses_null_results();
    a_failed_phase_one_leaves_the_results_alone();
    phase_one_needs_a_context();
    descriptors_may_go_once_phase_two_has_returned();
    phase_two_refuses_what_is_no_executor();
    a_second_phase_two_is_refused();
    a_failed_phase_two_consumes_the_executor();
    a_stream_of_another_context_is_refused();
    a_larger_workspace_than_asked_for_is_fine();
    an_empty_call_runs_nothing();
    an_executor_may_be_destroyed_without_phase_two();
    a_repeatable_executor_survives_a_failed_phase_two();
    threads_do_not_share_executors();
    CHECK_STATUS(ACL_SUCCESS, aclrtResetDevice(0));
    CHECK_STATUS(ACL_SUCCESS, aclFinalize());
    return 0;
}
