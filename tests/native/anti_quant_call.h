// One call of aclnnAscendAntiQuant (y = x * scale) to watch executors with, and a stream that can be held.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <future>

#include "acl/acl.h"
#include "aclnn/opdev/op_errno.h"
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "check.h"

constexpr size_t count = 4;
using Input = std::array<int8_t, count>;
using Output = std::array<uint16_t, count>;

// float16 bits of x * 0.5 and x * 2 for x = {-4, -1, 0, 3}, written down by hand from the format's definition.
constexpr Input input = {-4, -1, 0, 3};
constexpr Output halved = {0xC000, 0xB800, 0x0000, 0x3E00};
constexpr Output doubled = {0xC800, 0xC000, 0x0000, 0x4600};

class DeviceMemory {
  public:
    DeviceMemory(const void *host, size_t size) : size_(size) {
        CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&address_, size, ACL_MEM_MALLOC_HUGE_FIRST));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(address_, size, host, size, ACL_MEMCPY_HOST_TO_DEVICE));
    }
    DeviceMemory(const DeviceMemory &) = delete;
    DeviceMemory &operator=(const DeviceMemory &) = delete;
    ~DeviceMemory() {
        aclrtFree(address_);
    }
    void *get() const {
        return address_;
    }
    Output read() const {
        Output values;
        CHECK_STATUS(ACL_SUCCESS,
                     aclrtMemcpy(values.data(), sizeof values, address_, size_, ACL_MEMCPY_DEVICE_TO_HOST));
        return values;
    }

  private:
    void *address_ = nullptr;
    size_t size_;
};

inline aclTensor *make_tensor(aclDataType dtype, int64_t size, void *address) {
    return aclCreateTensor(&size, 1, dtype, nullptr, 0, ACL_FORMAT_ND, &size, 1, address);
}

// One call: its memory, its descriptors, and both phases.
class Call {
  public:
    explicit Call(float scale_value = 0.5f, int64_t size = count)
        : x_data(input.data(), sizeof input), scale_data(&scale_value, sizeof scale_value), y_data(&untouched, 8),
          x(make_tensor(ACL_INT8, size, x_data.get())), scale(make_tensor(ACL_FLOAT, 1, scale_data.get())),
          y(make_tensor(ACL_FLOAT16, size, y_data.get())) {}
    ~Call() {
        destroy_descriptors();
    }
    aclnnStatus phase_one(int64_t dst_type = ACL_FLOAT16) {
        return aclnnAscendAntiQuantGetWorkspaceSize(x, scale, nullptr, dst_type, false, y, &workspace_size, &executor);
    }
    aclnnStatus phase_two(aclrtStream stream = nullptr) {
        return aclnnAscendAntiQuant(nullptr, 0, executor, stream);
    }
    void destroy_descriptors() {
        CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(x));
        CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(scale));
        CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(y));
        x = scale = y = nullptr;
    }

    static constexpr uint64_t untouched = 0x7777777777777777u;
    DeviceMemory x_data, scale_data, y_data;
    aclTensor *x, *scale, *y;
    uint64_t workspace_size = 99;
    aclOpExecutor *executor = nullptr;
};

// A stream on which nothing queued later starts before open_and_synchronize().
class HeldStream {
  public:
    HeldStream() {
        CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream_));
        CHECK_STATUS(ACL_SUCCESS, aclrtLaunchHostFunc(stream_, wait, this));
    }
    HeldStream(const HeldStream &) = delete;
    HeldStream &operator=(const HeldStream &) = delete;
    ~HeldStream() {
        CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream_));
    }
    aclrtStream get() const {
        return stream_;
    }
    void open_and_synchronize() {
        gate_.set_value();
        CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream_));
    }

  private:
    static void wait(void *self) {
        static_cast<HeldStream *>(self)->gate_.get_future().wait();
    }
    aclrtStream stream_ = nullptr;
    std::promise<void> gate_;
};

inline void synchronize() {
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(nullptr));
}

inline bool recent_message_has(const char *words) {
    const char *text = aclGetRecentErrMsg();
    return text != nullptr && std::strstr(text, words) != nullptr;
}
