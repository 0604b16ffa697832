// Repeatable executors: their runs share what phase one has seen until an address changes, and every run keeps the
// addresses it was queued with.
#include <functional>
#include <future>
#include <thread>

#include "lane.h"

namespace {

// aclnnCopyNumber(x, out): out = x.
aclnnStatus copy_number(const stub_call *call) {
    void *from = nullptr, *to = nullptr;
    aclnnStatus status = stub_tensor_open(call, 0, call->args[0].tensor, &from);
    if (status == ACLNN_SUCCESS) {
        status = stub_tensor_open(call, 1, call->args[1].tensor, &to);
    }
    if (status == ACLNN_SUCCESS) {
        // Runs on several streams may write the same.
        __atomic_store_n(static_cast<int64_t *>(to), *static_cast<int64_t *>(from), __ATOMIC_RELAXED);
    }
    return status;
}

const stub_param params[] = {{"x", STUB_TENSOR, STUB_IN}, {"out", STUB_TENSOR, STUB_OUT}};
const stub_kernel kernel = {nullptr, copy_number};
const stub_operator copy = {"aclnnCopyNumber", params, 2, &kernel};

constexpr size_t count = 400;

// count numbers, where they are to be copied to, and a repeatable executor between the two.
struct Replay {
    Numbers from{count, 1, 7}, to{count};
    aclTensor *x = number_tensor(nullptr), *out = number_tensor(nullptr);
    aclOpExecutor *executor = nullptr;

    Replay() {
        stub_value args[2];
        args[0].tensor = x;
        args[1].tensor = out;
        uint64_t size = 0;
        CHECK_STATUS(0, stub_phase_one(&copy, args, &size, &executor));
        CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(executor));
    }
    ~Replay() {
        finish();
    }
    void finish() {
        if (executor != nullptr) {
            CHECK_STATUS(0, aclDestroyAclOpExecutor(executor));
            CHECK_STATUS(0, aclDestroyTensor(x));
            CHECK_STATUS(0, aclDestroyTensor(out));
            executor = nullptr;
        }
    }
    void bind(size_t i) {
        CHECK_STATUS(0, aclSetInputTensorAddr(executor, 0, x, from.at(i)));
        CHECK_STATUS(0, aclSetOutputTensorAddr(executor, 0, out, to.at(i)));
    }
    void run(aclrtStream stream) {
        CHECK_STATUS(0, stub_phase_two(&copy, nullptr, 0, executor, stream));
    }
    bool all_copied() {
        return to.read() == from.read();
    }
};

struct Stream {
    aclrtStream handle = nullptr;
    std::promise<void> gate;

    Stream() {
        CHECK_STATUS(0, aclrtCreateStream(&handle));
    }
    ~Stream() {
        CHECK_STATUS(0, aclrtDestroyStream(handle));
    }
    void hold() {
        CHECK_STATUS(0, aclrtLaunchHostFunc(handle, wait, this));
    }
    void synchronize() {
        CHECK_STATUS(0, aclrtSynchronizeStream(handle));
    }

  private:
    static void wait(void *self) {
        static_cast<Stream *>(self)->gate.get_future().wait();
    }
};

void queued_runs_keep_their_addresses() {
    Replay replay;
    Stream stream;
    stream.hold();
    for (size_t i = 0; i < count; i++) {
        replay.bind(i);
        replay.run(stream.handle);
    }
    replay.bind(0);
    replay.finish();
    CHECK(replay.to.read() == std::vector<int64_t>(count)); // nothing has run yet
    stream.gate.set_value();
    stream.synchronize();
    CHECK(replay.all_copied());
}

void addresses_may_change_while_runs_are_running() {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            for (int round = 0; round < 6; round++) {
                Replay replay;
                Stream stream;
                for (size_t i = 0; i < count; i++) {
                    replay.bind(i);
                    for (int again = 0; again < 3; again++) {
                        replay.run(stream.handle);
                    }
                }
                stream.synchronize();
                CHECK(replay.all_copied());
            }
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

// The copies of what was seen in phase one are freed with the last run that needs them.
void changed_addresses_need_bounded_memory() {
    const long before = resident_kib();
    addresses_may_change_while_runs_are_running();
    CHECK(resident_kib() - before < 32 * 1024); // 9,600 copies were made; a sanitizer adds to each
}

void one_executor_runs_on_several_streams() {
    Replay replay;
    Stream streams[3];
    for (size_t i = 0; i < count; i++) {
        replay.bind(i);
        replay.run(streams[i % 3].handle);
    }
    for (Stream &stream : streams) {
        stream.synchronize();
    }
    CHECK(replay.all_copied());
}

void several_threads_run_one_executor() {
    Replay replay;
    replay.bind(3);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([&replay] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            Stream stream;
            for (size_t i = 0; i < count; i++) {
                replay.run(stream.handle);
            }
            stream.synchronize();
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(replay.to.read()[3] == 1 + 3 * 7);
}

void a_refused_run_changes_nothing() {
    Replay replay;
    Stream stream;
    stream.hold();
    for (size_t i = 0; i < count; i++) {
        replay.bind(i);
        CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, stub_phase_two(&copy, nullptr, 512, replay.executor, stream.handle));
        CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, stub_phase_two(&step_operator, nullptr, 0, replay.executor, nullptr));
        aclGetRecentErrMsg();
        replay.run(stream.handle);
    }
    stream.gate.set_value();
    stream.synchronize();
    CHECK(replay.all_copied());
}

void an_aborted_stream_lets_its_runs_go() {
    Replay replay;
    Stream stream;
    for (size_t i = 0; i < count; i++) {
        replay.bind(i);
        replay.run(stream.handle);
    }
    CHECK_STATUS(0, aclrtStreamAbort(stream.handle));
    for (size_t i = 0; i < count; i++) {
        replay.bind(i);
        replay.run(stream.handle);
    }
    stream.synchronize();
    CHECK(replay.all_copied());
}

// What is made by one thread may be run and destroyed by others.
void executors_may_change_threads(const std::function<void(const Lane &, aclOpExecutor *)> &use) {
    constexpr int made = 999, threads = 3;
    Lane lane(0);
    std::vector<aclOpExecutor *> executors;
    for (int i = 0; i < made; i++) {
        executors.push_back(lane.phase_one(-1));
    }
    std::vector<std::thread> users;
    for (int t = 0; t < threads; t++) {
        users.emplace_back([&, t] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            for (int i = t; i < made; i += threads) {
                use(lane, executors[static_cast<size_t>(i)]);
            }
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (std::thread &user : users) {
        user.join();
    }
    lane.synchronize();
    for (aclOpExecutor *executor : executors) {
        CHECK_STATUS(ACLNN_ERR_INNER, aclDestroyAclOpExecutor(executor));
        aclGetRecentErrMsg(); // long lists of texts would need memory of their own
    }
}

// Runs that work must be counted, executors that fail or are thrown away must not cost memory.
void executors_are_used_again_by_other_threads() {
    const long before = resident_kib();
    for (int round = 0; round < 20; round++) {
        executors_may_change_threads([](const Lane &lane, aclOpExecutor *executor) { lane.phase_two(executor); });
        CHECK(steps_run[0] == 999);
        executors_may_change_threads(
            [](const Lane &, aclOpExecutor *executor) { CHECK_STATUS(0, aclDestroyAclOpExecutor(executor)); });
        CHECK(steps_run[0] == 0);
    }
    CHECK(resident_kib() - before < 32 * 1024); // 39,960 executors were made
}

} // namespace

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    queued_runs_keep_their_addresses();
    addresses_may_change_while_runs_are_running();
    changed_addresses_need_bounded_memory();
    one_executor_runs_on_several_streams();
    several_threads_run_one_executor();
    a_refused_run_changes_nothing();
    an_aborted_stream_lets_its_runs_go();
    executors_are_used_again_by_other_threads();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
