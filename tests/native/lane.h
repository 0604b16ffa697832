// An operator of the test's own, and what one thread calls it with: a stream, a number in device memory, a descriptor.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "acl/acl.h"
#include "aclnn/opdev/op_errno.h"
#include "ascend_stub/kernel.h"
#include "check.h"

constexpr int lane_count = 8;
inline std::atomic<int> steps_run[lane_count];

// aclnnStep(state, lane, number): state must be `number` and becomes number + 1, so that a lost, doubled or overtaken
// call shows.
inline aclnnStatus step(const stub_call *call) {
    void *address = nullptr;
    const aclnnStatus status = stub_tensor_open(call, 0, call->args[0].tensor, &address);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    int64_t *state = static_cast<int64_t *>(address);
    const bool in_turn = call->args[2].integer < 0 || *state == call->args[2].integer;
    ++*state;
    steps_run[call->args[1].integer]++;
    return in_turn ? ACLNN_SUCCESS : stub_kernel_fail(ACLNN_ERR_INNER, "a step out of turn");
}

inline const stub_param step_params[] = {
    {"state", STUB_TENSOR, STUB_INOUT}, {"lane", STUB_INT, STUB_IN}, {"number", STUB_INT, STUB_IN}};
inline const stub_kernel step_kernel = {nullptr, step};
inline const stub_operator step_operator = {"aclnnStep", step_params, 3, &step_kernel};

inline aclTensor *number_tensor(void *address) {
    const int64_t one = 1;
    return aclCreateTensor(&one, 1, ACL_INT64, nullptr, 0, ACL_FORMAT_ND, &one, 1, address);
}

// Numbers in device memory, each on a boundary that tensors may begin at.
class Numbers {
  public:
    explicit Numbers(size_t count, int64_t first = 0, int64_t by = 0) : values_(count * apart) {
        for (size_t i = 0; i < count; i++) {
            values_[i * apart] = first + static_cast<int64_t>(i) * by;
        }
        CHECK_STATUS(0, aclrtMalloc(&address_, bytes(), ACL_MEM_MALLOC_HUGE_FIRST));
        CHECK_STATUS(0, aclrtMemcpy(address_, bytes(), values_.data(), bytes(), ACL_MEMCPY_HOST_TO_DEVICE));
    }
    Numbers(const Numbers &) = delete;
    Numbers &operator=(const Numbers &) = delete;
    ~Numbers() {
        aclrtFree(address_);
    }
    void *at(size_t i) const {
        return static_cast<int64_t *>(address_) + i * apart;
    }
    std::vector<int64_t> read() {
        CHECK_STATUS(0, aclrtMemcpy(values_.data(), bytes(), address_, bytes(), ACL_MEMCPY_DEVICE_TO_HOST));
        std::vector<int64_t> numbers;
        for (size_t i = 0; i < values_.size(); i += apart) {
            numbers.push_back(values_[i]);
        }
        return numbers;
    }

  private:
    static constexpr size_t apart = 32 / sizeof(int64_t);
    size_t bytes() const {
        return values_.size() * sizeof(int64_t);
    }
    std::vector<int64_t> values_;
    void *address_ = nullptr;
};

class Lane {
  public:
    explicit Lane(int number) : number_(number), state_(1), tensor_(number_tensor(state_.at(0))) {
        CHECK_STATUS(0, aclrtCreateStream(&stream_));
        steps_run[number] = 0;
    }
    Lane(const Lane &) = delete;
    Lane &operator=(const Lane &) = delete;
    ~Lane() {
        aclDestroyTensor(tensor_);
        CHECK_STATUS(0, aclrtDestroyStream(stream_));
    }
    aclrtStream stream() const {
        return stream_;
    }
    // -1: in any turn.
    aclOpExecutor *phase_one(int64_t turn) const {
        stub_value args[3];
        args[0].tensor = tensor_;
        args[1].integer = number_;
        args[2].integer = turn;
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        CHECK_STATUS(0, stub_phase_one(&step_operator, args, &size, &executor));
        return executor;
    }
    void phase_two(aclOpExecutor *executor) const {
        CHECK_STATUS(0, stub_phase_two(&step_operator, nullptr, 0, executor, stream_));
    }
    int run() const {
        return steps_run[number_];
    }
    void synchronize() const {
        CHECK_STATUS(0, aclrtSynchronizeStream(stream_));
    }
    int64_t state() {
        return state_.read()[0];
    }

  private:
    int number_;
    Numbers state_;
    aclTensor *tensor_;
    aclrtStream stream_ = nullptr;
};

inline long resident_kib() {
    long total = 0, resident = 0;
    FILE *file = std::fopen("/proc/self/statm", "r");
    CHECK(file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) == 2);
    std::fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
