// Kernels registered at run time: which calls they get, in which order, and when they are let go.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "aclnnop/aclnn_relu6.h"
#include "anti_quant_call.h"
#include "ascend_stub/kernel.h"

namespace {

// What a kernel was registered with, and what became of it.
struct Registered {
    aclnnStatus answer = ACLNN_SUCCESS;
    std::atomic<int> checked{0}, ran{0}, released{0};
    std::vector<int> *order = nullptr;
    int number = 0;
};

Registered &of(const stub_call *call) {
    return *static_cast<Registered *>(call->user);
}

aclnnStatus check(const stub_call *call, stub_plan *plan) {
    of(call).checked++;
    plan->workspace_size = 16;
    return call->args[0].tensor != nullptr ? ACLNN_SUCCESS : stub_kernel_fail(161001, "self is NULL, says the test");
}

// out = -self for float, whatever the strides are.
aclnnStatus negate(const stub_call *call) {
    Registered &mine = of(call);
    if (mine.order != nullptr) {
        mine.order->push_back(mine.number);
    }
    stub_tensor_info self, out;
    void *from, *to;
    stub_tensor_read(call->args[0].tensor, &self);
    stub_tensor_read(call->args[1].tensor, &out);
    CHECK_STATUS(0, stub_tensor_open(call, 1, call->args[1].tensor, &to));
    aclnnStatus status = stub_tensor_open(call, 0, call->args[0].tensor, &from);
    for (int64_t i = 0; status == ACLNN_SUCCESS && i < self.shape[0]; i++) {
        static_cast<float *>(to)[out.offset + i * out.strides[0]] =
            -static_cast<const float *>(from)[self.offset + i * self.strides[0]];
    }
    mine.ran++;
    return status != ACLNN_SUCCESS ? status : mine.answer;
}

void release(void *user) {
    static_cast<Registered *>(user)->released++;
}

const stub_kernel kernel = {check, negate};
constexpr std::array<float, 3> values = {1.0f, -2.0f, 3.0f};

struct Relu6Call {
    Relu6Call() : self_data(values.data(), sizeof values), out_data(values.data(), sizeof values) {
        self = make_tensor(ACL_FLOAT, 3, self_data.get());
        out = make_tensor(ACL_FLOAT, 3, out_data.get());
    }
    ~Relu6Call() {
        CHECK_STATUS(0, aclDestroyTensor(self));
        CHECK_STATUS(0, aclDestroyTensor(out));
    }
    aclnnStatus phase_one() {
        return aclnnRelu6GetWorkspaceSize(self, out, &workspace_size, &executor);
    }
    aclnnStatus phase_two(aclrtStream stream = nullptr) {
        return aclnnRelu6(out_data.get(), workspace_size, executor, stream); // the kernel leaves its workspace alone
    }
    bool negated() const {
        std::array<float, 3> read;
        CHECK_STATUS(0, aclrtMemcpy(read.data(), sizeof read, out_data.get(), sizeof read, ACL_MEMCPY_DEVICE_TO_HOST));
        return read == std::array<float, 3>{-1.0f, 2.0f, -3.0f};
    }
    DeviceMemory self_data, out_data;
    aclTensor *self, *out;
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
};

void an_operator_without_a_kernel_says_how_to_give_it_one() {
    Relu6Call call;
    CHECK_STATUS(561003, call.phase_one());
    const std::string text = aclGetRecentErrMsg();
    CHECK(text.find("@ao.stub.kernel(\"aclnnRelu6\")") != std::string::npos);
    CHECK(text.find("stub_register_kernel") != std::string::npos);
}

void a_registered_kernel_checks_and_runs() {
    Registered mine;
    Relu6Call call;
    CHECK(!stub_kernel_is_registered("aclnnRelu6"));
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &mine, release));
    CHECK(stub_kernel_is_registered("aclnnRelu6"));
    CHECK_STATUS(0, call.phase_one());
    CHECK(call.workspace_size == 16);
    CHECK_STATUS(0, call.phase_two());
    synchronize();
    CHECK(call.negated());
    uint64_t size;
    CHECK_STATUS(161001, aclnnRelu6GetWorkspaceSize(nullptr, call.out, &size, &call.executor));
    CHECK(recent_message_has("says the test"));
    CHECK(mine.checked == 2 && mine.ran == 1 && mine.released == 0);
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    CHECK(mine.released == 1);
    CHECK_STATUS(561003, call.phase_one());
}

void a_kernel_needs_no_check() {
    Registered mine;
    Relu6Call call;
    const stub_kernel unchecked = {nullptr, negate};
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &unchecked, &mine, nullptr));
    CHECK_STATUS(0, call.phase_one());
    CHECK_STATUS(0, call.phase_two());
    synchronize();
    CHECK(call.negated());
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
}

void it_wins_over_a_kernel_of_the_stand_in() {
    Registered mine;
    Call call;
    const stub_kernel refuses = {[](const stub_call *, stub_plan *) -> aclnnStatus { return 361001; }, negate};
    CHECK_STATUS(0, stub_register_kernel("aclnnAscendAntiQuant", &refuses, &mine, release));
    CHECK_STATUS(361001, call.phase_one());
    CHECK_STATUS(0, stub_unregister_kernel("aclnnAscendAntiQuant"));
    CHECK_STATUS(0, call.phase_one());
    CHECK_STATUS(0, call.phase_two());
    synchronize();
    CHECK(call.y_data.read() == halved);
}

void a_planned_call_keeps_its_kernel() {
    Registered first, second;
    std::vector<int> order;
    first.order = second.order = &order;
    first.number = 1, second.number = 2;
    Relu6Call planned, queued, later;
    HeldStream stream;
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &first, release));
    CHECK_STATUS(0, planned.phase_one());
    CHECK_STATUS(0, queued.phase_one());
    CHECK_STATUS(0, queued.phase_two(stream.get()));
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &second, release)); // replaces
    CHECK_STATUS(0, later.phase_one());
    CHECK_STATUS(0, later.phase_two(stream.get()));
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    CHECK_STATUS(0, planned.phase_two(stream.get()));
    CHECK(first.released == 0 && second.released == 0);
    stream.open_and_synchronize();
    CHECK((order == std::vector<int>{1, 2, 1}));
    CHECK(first.released == 1 && second.released == 1);
    CHECK(planned.negated() && queued.negated() && later.negated());
}

void a_repeatable_executor_holds_its_kernel_until_it_is_destroyed() {
    Registered mine;
    Relu6Call call;
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &mine, release));
    CHECK_STATUS(0, call.phase_one());
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(call.executor));
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(0, call.phase_two());
    }
    synchronize();
    CHECK(mine.ran == 3 && mine.released == 0);
    CHECK_STATUS(0, aclDestroyAclOpExecutor(call.executor));
    CHECK(mine.released == 1);
}

void a_failing_run_is_the_stream_s_error_once() {
    Registered mine;
    mine.answer = stub_kernel_fail(361001, "");
    Relu6Call call;
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &mine, release));
    CHECK_STATUS(0, call.phase_one());
    CHECK_STATUS(0, call.phase_two());
    CHECK_STATUS(361001, aclrtSynchronizeStream(nullptr));
    CHECK(recent_message_has("aclnnRelu6 failed"));
    CHECK_STATUS(0, aclrtSynchronizeStream(nullptr));
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
}

aclnnStatus fail_at_length(const stub_call *) {
    const std::string text = std::string(8000, 'x') + " the end";
    return stub_kernel_fail(361001, text.c_str());
}

void a_text_longer_than_a_formatted_one_arrives_whole() {
    Relu6Call call;
    const stub_kernel failing = {nullptr, fail_at_length};
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &failing, nullptr, nullptr));
    CHECK_STATUS(0, call.phase_one());
    CHECK_STATUS(0, call.phase_two());
    CHECK_STATUS(361001, aclrtSynchronizeStream(nullptr));
    CHECK(recent_message_has("x the end"));
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
}

void a_tensor_outside_of_device_memory_is_refused_with_its_name() {
    Registered mine;
    Relu6Call call;
    float host[3] = {};
    aclTensor *outside = make_tensor(ACL_FLOAT, 3, host);
    aclrtStream stream;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &mine, release));
    CHECK_STATUS(0, aclnnRelu6GetWorkspaceSize(outside, call.out, &call.workspace_size, &call.executor));
    CHECK_STATUS(0, call.phase_two(stream));
    CHECK_STATUS(507015, aclrtSynchronizeStream(stream));
    CHECK(recent_message_has("aclnnRelu6: x (FLOAT [3])"));
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    CHECK_STATUS(0, aclDestroyTensor(outside));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

// An operator of a custom library: its record, and entry points as libopapi has them.
const stub_param params[] = {{"axes", STUB_INT_ARRAY, STUB_IN},   {"weights", STUB_FLOAT_ARRAY, STUB_IN},
                             {"mask", STUB_BOOL_ARRAY, STUB_IN},  {"xs", STUB_TENSOR_LIST, STUB_IN},
                             {"alpha", STUB_SCALAR, STUB_IN},     {"factors", STUB_SCALAR_LIST, STUB_IN},
                             {"missing", STUB_INT_ARRAY, STUB_IN}};

aclnnStatus read_everything(const stub_call *call) {
    uint64_t count = 0;
    const auto *axes = static_cast<const int64_t *>(stub_argument_items(call, 0, &count));
    CHECK(count == 2 && axes[0] == 7 && axes[1] == -1);
    const auto *weights = static_cast<const float *>(stub_argument_items(call, 1, &count));
    CHECK(count == 1 && weights[0] == 0.5f);
    const auto *mask = static_cast<const bool *>(stub_argument_items(call, 2, &count));
    CHECK(count == 2 && mask[0] && !mask[1]);
    const auto *xs = static_cast<const aclTensor *const *>(stub_argument_items(call, 3, &count));
    stub_tensor_info x;
    void *host;
    CHECK(count == 1);
    stub_tensor_read(xs[0], &x);
    CHECK_STATUS(0, stub_tensor_open(call, 3, xs[0], &host));
    CHECK(x.dtype == ACL_FLOAT && x.rank == 1 && x.shape[0] == 3 && static_cast<const float *>(host)[1] == -2.0f);
    aclDataType dtype;
    CHECK(*static_cast<const double *>(stub_scalar_read(call->args[4].scalar, &dtype)) == 2.5 && dtype == ACL_DOUBLE);
    const auto *factors = static_cast<const aclScalar *const *>(stub_argument_items(call, 5, &count));
    CHECK(count == 1 && *static_cast<const int32_t *>(stub_scalar_read(factors[0], &dtype)) == 9 && dtype == ACL_INT32);
    CHECK(stub_argument_items(call, 6, &count) == nullptr && count == 0);
    CHECK(stub_argument_items(call, 4, &count) == nullptr && count == 0); // no array
    CHECK(call->user == nullptr);
    return ACLNN_SUCCESS;
}

void every_kind_of_argument_can_be_read() {
    const stub_kernel own = {nullptr, read_everything};
    static const stub_operator op = {"aclnnTestEverything", params, 7, nullptr};
    stub_operator with_kernel = op;
    with_kernel.kernel = &own;
    const int64_t axes[] = {7, -1};
    const float weights[] = {0.5f};
    const bool mask[] = {true, false};
    double alpha = 2.5;
    int32_t nine = 9;
    Relu6Call call;
    const aclTensor *x[] = {make_tensor(ACL_FLOAT, 3, call.self_data.get())};
    const aclScalar *factor[] = {aclCreateScalar(&nine, ACL_INT32)};
    stub_value args[7];
    args[0].ints = aclCreateIntArray(axes, 2);
    args[1].floats = aclCreateFloatArray(weights, 1);
    args[2].bools = aclCreateBoolArray(mask, 2);
    args[3].tensors = aclCreateTensorList(x, 1);
    args[4].scalar = aclCreateScalar(&alpha, ACL_DOUBLE);
    args[5].scalars = aclCreateScalarList(factor, 1);
    args[6].ints = nullptr;
    CHECK_STATUS(561003, stub_phase_one(&op, args, &call.workspace_size, &call.executor));
    CHECK_STATUS(0, stub_phase_one(&with_kernel, args, &call.workspace_size, &call.executor));
    CHECK_STATUS(0, stub_phase_two(&with_kernel, nullptr, 0, call.executor, nullptr));
    synchronize();
    CHECK_STATUS(0, aclDestroyIntArray(args[0].ints));
    CHECK_STATUS(0, aclDestroyFloatArray(args[1].floats));
    CHECK_STATUS(0, aclDestroyBoolArray(args[2].bools));
    CHECK_STATUS(0, aclDestroyTensorList(args[3].tensors));
    CHECK_STATUS(0, aclDestroyScalar(args[4].scalar));
    CHECK_STATUS(0, aclDestroyScalarList(args[5].scalars));
}

void registering_refuses_what_it_cannot_use() {
    const stub_kernel empty = {nullptr, nullptr};
    CHECK_STATUS(161001, stub_register_kernel(nullptr, &kernel, nullptr, nullptr));
    CHECK_STATUS(161001, stub_register_kernel("aclnnRelu6", nullptr, nullptr, nullptr));
    CHECK_STATUS(161001, stub_register_kernel("aclnnRelu6", &empty, nullptr, nullptr));
    CHECK_STATUS(161001, stub_unregister_kernel(nullptr));
    CHECK_STATUS(161002, stub_unregister_kernel("aclnnRelu6"));
    CHECK(recent_message_has("no kernel is registered for aclnnRelu6"));
}

// One thread replaces the kernel while others call: no call is lost, every registration is let go exactly once.
void threads_may_register_while_others_call() {
    constexpr int calls = 200, threads = 3, replaced = 100;
    std::vector<Registered> all(replaced + 1);
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &all[0], release));
    std::vector<std::thread> callers;
    for (int t = 0; t < threads; t++) {
        callers.emplace_back([] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            aclrtStream stream;
            CHECK_STATUS(0, aclrtCreateStream(&stream));
            {
                Relu6Call call;
                for (int i = 0; i < calls; i++) {
                    CHECK_STATUS(0, call.phase_one());
                    CHECK_STATUS(0, call.phase_two(stream));
                }
                CHECK_STATUS(0, aclrtSynchronizeStream(stream));
            }
            CHECK_STATUS(0, aclrtDestroyStream(stream));
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (int i = 1; i <= replaced; i++) {
        CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &all[i], release));
    }
    for (auto &caller : callers) {
        caller.join();
    }
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    int ran = 0;
    for (const Registered &each : all) {
        ran += each.ran;
        CHECK(each.released == 1);
    }
    CHECK(ran == threads * calls);
}

std::promise<void> inside, leave;

aclnnStatus wait_inside(const stub_call *) {
    inside.set_value();
    leave.get_future().wait();
    return ACLNN_SUCCESS;
}

// Last: there is no way back.
void closing_waits_for_a_running_kernel_and_fails_queued_ones() {
    Registered mine;
    Relu6Call running, queued;
    aclrtStream stream;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    const stub_kernel waiting = {nullptr, wait_inside};
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &waiting, nullptr, nullptr));
    CHECK_STATUS(0, running.phase_one());
    CHECK_STATUS(0, stub_register_kernel("aclnnRelu6", &kernel, &mine, release));
    CHECK_STATUS(0, queued.phase_one());
    CHECK_STATUS(0, running.phase_two(stream));
    CHECK_STATUS(0, queued.phase_two(stream));
    inside.get_future().wait();
    std::atomic<bool> closed{false};
    std::thread closing([&closed] {
        stub_close_kernels();
        closed = true;
    });
    Relu6Call probe; // refused as soon as the closing has begun
    while (probe.phase_one() == 0) {
        CHECK_STATUS(0, aclDestroyAclOpExecutor(probe.executor));
        std::this_thread::yield();
    }
    CHECK(!closed);
    leave.set_value();
    closing.join();
    CHECK_STATUS(361001, aclrtSynchronizeStream(stream));
    CHECK(recent_message_has("interpreter that has ended"));
    CHECK_STATUS(361001, queued.phase_one()); // its check would have been called
    CHECK_STATUS(0, stub_unregister_kernel("aclnnRelu6"));
    CHECK(mine.ran == 0 && mine.released == 0);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

} // namespace

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    an_operator_without_a_kernel_says_how_to_give_it_one();
    a_registered_kernel_checks_and_runs();
    a_kernel_needs_no_check();
    it_wins_over_a_kernel_of_the_stand_in();
    a_planned_call_keeps_its_kernel();
    a_repeatable_executor_holds_its_kernel_until_it_is_destroyed();
    a_failing_run_is_the_stream_s_error_once();
    a_text_longer_than_a_formatted_one_arrives_whole();
    a_tensor_outside_of_device_memory_is_refused_with_its_name();
    every_kind_of_argument_can_be_read();
    registering_refuses_what_it_cannot_use();
    threads_may_register_while_others_call();
    closing_waits_for_a_running_kernel_and_fails_queued_ones();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
}
