// Operators whose results have a shape that only the data tells: phase two waits for the stream and gives the caller's
// descriptor the true shape.
#include <thread>

#include "aclnnop/aclnn_masked_select.h"
#include "aclnnop/aclnn_nonzero.h"
#include "aclnnop/aclnn_nonzero_v2.h"
#include "aclnnop/aclnn_unique_consecutive.h"
#include "aclnnop/aclnn_unique_dim.h"
#include "blocks.h"
#include "scene.h"

namespace {

using Dims = std::vector<int64_t>;

template <typename Query> Dims ask(Query query, const aclTensor *tensor) {
    int64_t *values = nullptr;
    uint64_t count = 0;
    CHECK_STATUS(0, query(tensor, &values, &count));
    const Dims dims(values, values + count);
    delete[] values;
    return dims;
}

Dims shape_of(const aclTensor *tensor) {
    return ask(aclGetViewShape, tensor);
}

// A tensor with memory of its own, all of it int64 numbers; its strides are those of C order if there are none.
class Tensor {
  public:
    Tensor(const Dims &shape, const std::vector<int64_t> &numbers, const Dims &strides = {})
        : bytes_(numbers.size() * sizeof(int64_t)), memory_(device_memory(bytes_)) {
        write(numbers);
        const auto size = static_cast<int64_t>(numbers.size());
        tensor_ = aclCreateTensor(shape.data(), shape.size(), ACL_INT64, strides.empty() ? nullptr : strides.data(), 0,
                                  ACL_FORMAT_ND, &size, 1, memory_);
    }
    Tensor(const Tensor &) = delete;
    Tensor &operator=(const Tensor &) = delete;
    ~Tensor() {
        CHECK_STATUS(0, aclDestroyTensor(tensor_));
        release(memory_);
    }
    aclTensor *get() const {
        return tensor_;
    }
    void write(const std::vector<int64_t> &numbers) {
        CHECK_STATUS(0, aclrtMemcpy(memory_, bytes_, numbers.data(), bytes_, ACL_MEMCPY_HOST_TO_DEVICE));
    }
    std::vector<int64_t> read() const {
        std::vector<int64_t> numbers(bytes_ / sizeof(int64_t));
        CHECK_STATUS(0, aclrtMemcpy(numbers.data(), bytes_, memory_, bytes_, ACL_MEMCPY_DEVICE_TO_HOST));
        return numbers;
    }

  private:
    size_t bytes_;
    void *memory_;
    aclTensor *tensor_ = nullptr;
};

const std::vector<int64_t> numbers = {0, 7, 0, 7, 0, 9}; // [2, 3]
const std::vector<int64_t> twelve(12, -1);

aclOpExecutor *plan_nonzero(const Tensor &self, const Tensor &out) {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, aclnnNonzeroGetWorkspaceSize(self.get(), out.get(), &size, &executor));
    CHECK(size == 0);
    return executor;
}

aclnnStatus nonzero(const Tensor &self, const Tensor &out, aclrtStream stream) {
    return aclnnNonzero(nullptr, 0, plan_nonzero(self, out), stream);
}

aclnnStatus nonzero_v2(const Tensor &self, const Tensor &out, aclrtStream stream) {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, aclnnNonzeroV2GetWorkspaceSize(self.get(), out.get(), &size, &executor));
    return aclnnNonzeroV2(nullptr, size, executor, stream);
}

void phase_two_gives_the_descriptor_what_was_found(const char *schedule) {
    const Scene scene(schedule);
    const Tensor self({2, 3}, numbers), out({6, 2}, twelve);
    queue(scene.a, "x");
    aclOpExecutor *executor = plan_nonzero(self, out);
    CHECK(shape_of(out.get()) == Dims({6, 2}));
    CHECK_STATUS(0, aclnnNonzero(nullptr, 0, executor, scene.a));
    CHECK(noted() == "x"); // what was queued before has run as well
    CHECK(shape_of(out.get()) == Dims({3, 2}));
    CHECK(ask(aclGetStorageShape, out.get()) == Dims({3, 2}));
    CHECK(ask(aclGetViewStrides, out.get()) == Dims({2, 1}));
    CHECK(out.read() == std::vector<int64_t>({0, 1, 1, 0, 1, 2, -1, -1, -1, -1, -1, -1}));
}

void only_the_stream_of_the_call_is_waited_for() {
    const Scene scene("deferred");
    const Tensor self({2, 3}, numbers), out({6, 2}, twelve);
    queue(scene.b, "y");
    CHECK_STATUS(0, nonzero(self, out, scene.a));
    CHECK(noted().empty());
}

void what_is_held_runs_when_told() {
    const Scene scene("hold");
    const Tensor self({2, 3}, numbers), out({6, 2}, twelve);
    std::thread stepper([] {
        while (stub_schedule_step(1) == 0) {
            usleep(100);
        }
    });
    CHECK_STATUS(0, nonzero(self, out, scene.a));
    stepper.join();
    CHECK(shape_of(out.get()) == Dims({3, 2}));
}

void rows_of_the_transposed_form_are_as_long_as_what_was_found() {
    const Tensor self({2, 3}, numbers), out({2, 6}, twelve);
    CHECK_STATUS(0, nonzero_v2(self, out, nullptr));
    CHECK(shape_of(out.get()) == Dims({2, 3}));
    CHECK(ask(aclGetViewStrides, out.get()) == Dims({3, 1}));
    CHECK(out.read() == std::vector<int64_t>({0, 1, 1, 1, 0, 2, -1, -1, -1, -1, -1, -1}));
}

void an_output_with_gaps_keeps_its_strides() {
    const Tensor self({2, 3}, numbers), out({2, 6}, twelve, {1, 2});
    CHECK_STATUS(0, nonzero_v2(self, out, nullptr));
    CHECK(shape_of(out.get()) == Dims({2, 3}));
    CHECK(ask(aclGetViewStrides, out.get()) == Dims({1, 2}));
    CHECK(out.read() == std::vector<int64_t>({0, 1, 1, 0, 1, 2, -1, -1, -1, -1, -1, -1}));
}

void nothing_may_be_found() {
    const Tensor self({2, 3}, std::vector<int64_t>(6)), out({6, 2}, twelve);
    CHECK_STATUS(0, nonzero(self, out, nullptr));
    CHECK(shape_of(out.get()) == Dims({0, 2}));
}

void the_descriptor_goes_into_the_next_call_as_it_is() {
    const Tensor self({2, 3}, numbers), out({2, 6}, twelve), again({3, 2}, twelve);
    CHECK_STATUS(0, nonzero_v2(self, out, nullptr));
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    const Tensor places({6, 2}, twelve);
    CHECK_STATUS(0, aclnnNonzeroGetWorkspaceSize(out.get(), places.get(), &size, &executor));
    CHECK_STATUS(0, aclnnNonzero(nullptr, size, executor, nullptr));
    CHECK(shape_of(places.get()) == Dims({4, 2})); // [[0, 1, 1], [1, 0, 2]]
}

void several_outputs_are_told_and_the_rank_may_change() {
    const Tensor self({2, 3}, {7, 7, 8, 9, 9, 8});
    const Tensor values({2, 3}, numbers), inverse({3}, {-1, -1, -1}), counts({3}, {-1, -1, -1});
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, aclnnUniqueDimGetWorkspaceSize(self.get(), true, true, 1, values.get(), inverse.get(), counts.get(),
                                                   &size, &executor));
    CHECK_STATUS(0, aclnnUniqueDim(nullptr, size, executor, nullptr));
    CHECK(shape_of(values.get()) == Dims({2, 2}) && shape_of(inverse.get()) == Dims({3}));
    CHECK(shape_of(counts.get()) == Dims({2}) && counts.read()[0] == 2);
    CHECK(values.read() == std::vector<int64_t>({7, 8, 9, 8, 0, 9}));

    const Tensor runs({2, 3}, numbers), where({2, 3}, numbers), lengths({2, 3}, numbers);
    CHECK_STATUS(0, aclnnUniqueConsecutiveGetWorkspaceSize(self.get(), true, true, 1000, runs.get(), where.get(),
                                                           lengths.get(), &size, &executor));
    CHECK_STATUS(0, aclnnUniqueConsecutive(nullptr, size, executor, nullptr));
    CHECK(shape_of(runs.get()) == Dims({4}) && shape_of(lengths.get()) == Dims({4}));
    CHECK(shape_of(where.get()) == Dims({2, 3}));
}

void a_repeatable_executor_tells_in_every_run() {
    Tensor self({2, 3}, numbers);
    const Tensor out({2, 6}, twelve);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, aclnnNonzeroV2GetWorkspaceSize(self.get(), out.get(), &size, &executor));
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(executor));
    for (const std::vector<int64_t> &given : {numbers, std::vector<int64_t>(6, 1), std::vector<int64_t>(6), numbers}) {
        self.write(given);
        int64_t found = 0;
        for (const int64_t number : given) {
            found += number != 0;
        }
        CHECK_STATUS(0, aclnnNonzeroV2(nullptr, size, executor, nullptr));
        CHECK(shape_of(out.get()) == Dims({2, found}));
    }
    CHECK_STATUS(0, aclDestroyAclOpExecutor(executor));
}

void a_call_that_launches_nothing_leaves_the_descriptor() {
    const Scene scene("deferred");
    const Tensor self({0, 3}, twelve), out({6, 2}, twelve);
    queue(scene.a, "x");
    CHECK_STATUS(0, nonzero(self, out, scene.a));
    CHECK(noted().empty() && shape_of(out.get()) == Dims({6, 2}));
}

void the_streams_error_is_phase_twos_and_leaves_the_descriptor() {
    const Scene scene("deferred");
    const Tensor self({2, 3}, numbers), small({2, 2}, twelve), out({6, 2}, twelve);
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, nonzero(self, small, scene.a));
    CHECK(std::string(aclGetRecentErrMsg()).find("room for 2") != std::string::npos);
    CHECK(shape_of(small.get()) == Dims({2, 2}));
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, nonzero(self, out, scene.a)); // an error of the device stays
    CHECK(shape_of(out.get()) == Dims({6, 2}));
    CHECK_STATUS(0, nonzero(self, out, scene.b));
    CHECK(shape_of(out.get()) == Dims({3, 2}));
}

void an_aborted_stream_releases_who_waits() {
    const Scene scene("hold");
    const Tensor self({2, 3}, numbers), out({6, 2}, twelve);
    std::thread aborter([&scene] {
        CHECK_STATUS(0, aclrtSetDevice(0));
        while (is_idle(scene.a)) {
            usleep(100);
        }
        CHECK_STATUS(0, aclrtStreamAbort(scene.a));
    });
    CHECK_STATUS(ACL_ERROR_RT_STREAM_ABORT, nonzero(self, out, scene.a));
    aborter.join();
    CHECK(shape_of(out.get()) == Dims({6, 2}));
}

// ---- kernels from outside ----

aclnnStatus check_telling(const stub_call *, stub_plan *plan) {
    plan->tells_shapes = true;
    return 0;
}

aclnnStatus tell_one(const stub_call *call) {
    const int64_t one = 1;
    return stub_tell_shape(call, 1, &one, 1);
}

void a_registered_kernel_tells_too() {
    const stub_kernel telling = {check_telling, tell_one}, silent = {nullptr, tell_one};
    const Tensor self({2, 3}, numbers), out({6, 2}, twelve);
    CHECK_STATUS(0, stub_register_kernel("aclnnNonzero", &telling, nullptr, nullptr));
    CHECK_STATUS(0, nonzero(self, out, nullptr));
    CHECK(shape_of(out.get()) == Dims({1}));
    CHECK_STATUS(0, stub_register_kernel("aclnnNonzero", &silent, nullptr, nullptr));
    CHECK_STATUS(0, nonzero(self, out, nullptr));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclrtSynchronizeStream(nullptr));
    CHECK(std::string(aclGetRecentErrMsg()).find("tells_shapes") != std::string::npos);
    CHECK_STATUS(0, stub_unregister_kernel("aclnnNonzero"));
}

void threads_on_streams_of_their_own_each_find_theirs() {
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < 4; i++) {
        threads.emplace_back([i] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            const aclrtStream stream = new_stream();
            Tensor self({2, 3}, numbers);
            for (int64_t round = 0; round < 50; round++) {
                std::vector<int64_t> given(6);
                std::fill_n(given.begin(), (i + round) % 7, 1);
                self.write(given);
                const Tensor out({6, 2}, twelve);
                CHECK_STATUS(0, nonzero(self, out, stream));
                CHECK(shape_of(out.get()) == Dims({(i + round) % 7, 2}));
            }
            CHECK_STATUS(0, aclrtDestroyStream(stream));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

} // namespace

int main() {
    start_device();
    for (const char *schedule : {"", "eager", "deferred", "shuffle:7"}) {
        phase_two_gives_the_descriptor_what_was_found(schedule);
    }
    only_the_stream_of_the_call_is_waited_for();
    what_is_held_runs_when_told();
    rows_of_the_transposed_form_are_as_long_as_what_was_found();
    an_output_with_gaps_keeps_its_strides();
    nothing_may_be_found();
    the_descriptor_goes_into_the_next_call_as_it_is();
    several_outputs_are_told_and_the_rank_may_change();
    a_repeatable_executor_tells_in_every_run();
    a_call_that_launches_nothing_leaves_the_descriptor();
    the_streams_error_is_phase_twos_and_leaves_the_descriptor();
    an_aborted_stream_releases_who_waits();
    a_registered_kernel_tells_too();
    threads_on_streams_of_their_own_each_find_theirs();
    end_device();
    return 0;
}
