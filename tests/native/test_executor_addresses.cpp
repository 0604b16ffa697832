// New addresses for an executor's tensors: which function, index and descriptor means which tensor.
#include "anti_quant_call.h"

namespace {

void queued_runs_of_a_repeatable_executor_keep_their_addresses() {
    Call call, other(2.0f);
    HeldStream stream;
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two(stream.get()));
    CHECK_STATUS(ACLNN_SUCCESS, aclSetTensorAddr(call.executor, 1, call.scale, other.scale_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, aclSetTensorAddr(call.executor, 3, call.y, other.y_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two(stream.get()));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyAclOpExecutor(call.executor));
    call.destroy_descriptors();
    stream.open_and_synchronize();
    CHECK(call.y_data.read() == halved);
    CHECK(other.y_data.read() == doubled);
}

void addresses_are_found_by_role_and_index() {
    Call call, other(2.0f);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, aclSetAclOpExecutorRepeatable(call.executor));
    // Descriptors that phase one has not seen: the index decides.
    CHECK_STATUS(ACLNN_SUCCESS, aclSetInputTensorAddr(call.executor, 1, other.scale, other.scale_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, AclSetOutputTensorAddr(call.executor, 0, other.y, other.y_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(other.y_data.read() == doubled);
    void *address = nullptr;
    CHECK_STATUS(ACLNN_SUCCESS, aclSetTensorAddr(call.executor, 0, call.x, other.x_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetRawTensorAddr(call.x, &address));
    CHECK(address == other.x_data.get()); // the descriptor follows
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyAclOpExecutor(call.executor));
}

void a_descriptor_of_phase_one_decides_whatever_the_index() {
    Call call, other(2.0f);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, aclSetTensorAddr(call.executor, 0, call.scale, other.scale_data.get()));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(call.y_data.read() == doubled);
}

void kernels_reach_registered_host_memory() {
    Call call;
    alignas(4096) static Output page[4096 / sizeof(Output)];
    const Output &host = page[0];
    void *address = nullptr;
    CHECK_STATUS(ACL_SUCCESS, aclrtHostRegister(page, sizeof page, ACL_HOST_REGISTER_MAPPED, &address));
    CHECK_STATUS(ACLNN_SUCCESS, aclSetRawTensorAddr(call.y, address));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(host == halved);
    CHECK_STATUS(ACL_SUCCESS, aclrtHostUnregister(page));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(nullptr));
    CHECK(recent_message_has("lies in no device memory"));
}

void bad_addresses_are_refused() {
    Call call;
    void *address = call.x_data.get();
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    aclOpExecutor *executor = call.executor;
    CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetTensorAddr(nullptr, 0, call.x, address));
    CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetTensorAddr(executor, 0, nullptr, address));
    CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetDynamicTensorAddr(executor, 0, 0, nullptr, address));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetTensorAddr(executor, 4, call.x, address));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetInputTensorAddr(executor, 3, call.x, address));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetOutputTensorAddr(executor, 1, call.y, address));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetInputTensorAddr(executor, 2, call.x, address)); // offset was absent
    CHECK(recent_message_has("NULL in phase one"));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyAclOpExecutor(executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetTensorAddr(executor, 0, call.x, address));
}

void an_unseen_list_element_goes_by_its_position() {
    Call call, other(2.0f);
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_one());
    aclTensor *elements[] = {make_tensor(ACL_FLOAT, 1, nullptr)};
    aclTensorList *list = aclCreateTensorList(elements, 1);
    CHECK_STATUS(ACLNN_SUCCESS, aclSetDynamicInputTensorAddr(call.executor, 1, 0, list, other.scale_data.get()));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetDynamicInputTensorAddr(call.executor, 1, 1, list, nullptr));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetDynamicOutputTensorAddr(call.executor, 1, 0, list, nullptr));
    CHECK_STATUS(ACLNN_SUCCESS, call.phase_two());
    synchronize();
    CHECK(call.y_data.read() == doubled);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensorList(list));
}

} // namespace

int main() {
    CHECK_STATUS(ACL_SUCCESS, aclInit(nullptr));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
    queued_runs_of_a_repeatable_executor_keep_their_addresses();
    addresses_are_found_by_role_and_index();
    a_descriptor_of_phase_one_decides_whatever_the_index();
    bad_addresses_are_refused();
    an_unseen_list_element_goes_by_its_position();
    kernels_reach_registered_host_memory(); // last: it leaves the default stream failed
    CHECK_STATUS(ACL_SUCCESS, aclrtResetDevice(0));
    CHECK_STATUS(ACL_SUCCESS, aclFinalize());
    return 0;
}
