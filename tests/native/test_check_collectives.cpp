// The checks of bytes, for collectives: what a rank sends and receives.
#include "blocks.h"
#include "hccl/hccl.h"
#include "reports.h"

constexpr uint64_t count = 24;
constexpr size_t size = count * sizeof(float);

static HcclComm comm;
static aclrtStream stream;

static float *numbers(size_t bytes, bool written) {
    void *memory = device_memory(bytes);
    if (written) {
        CHECK_STATUS(0, aclrtMemset(memory, bytes, 0, bytes));
    }
    return static_cast<float *>(memory);
}

static void buffers_of_exactly_the_size_are_legal() {
    float *send = numbers(size, true), *receive = numbers(size, false);
    CHECK_STATUS(0, HcclAllReduce(send, receive, count, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comm, stream));
    CHECK_STATUS(0, HcclAllGather(receive, send, count, HCCL_DATA_TYPE_FP32, comm, stream));
    CHECK_STATUS(0, HcclReduceScatter(send, send, count, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_MAX, comm, stream));
    CHECK_STATUS(0, HcclBroadcast(receive, count, HCCL_DATA_TYPE_FP32, 0, comm, stream));
    CHECK_STATUS(0, HcclBarrier(comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(send);
    release(receive);
}

static void a_receive_buffer_that_is_too_small_is_reported() {
    float *send = numbers(size, true), *receive = numbers(size - 4, false);
    CHECK_STATUS(0, HcclAllGather(send, receive, count, HCCL_DATA_TYPE_FP32, comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_REPORT(STUB_CHECK_BOUNDS, "HcclAllGather: recvBuf reaches 4 bytes beyond", "writes bytes [0, 96) of the 92");
    release(send);
    release(receive);
}

static void what_is_sent_must_have_been_written() {
    float *send = numbers(size, false), *receive = numbers(size, false);
    CHECK_STATUS(0, HcclAllReduce(send, receive, count, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "HcclAllReduce: sendBuf is read, but 96 of its 96 bytes");
    CHECK_STATUS(0, HcclBroadcast(send, count, HCCL_DATA_TYPE_FP32, 0, comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "HcclBroadcast: buf is read");
    release(send);
    release(receive);
}

int main() {
    choose_devices();
    watch("all");
    int32_t device = 0;
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(device));
    CHECK_STATUS(0, HcclCommInitAll(1, &device, &comm));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    buffers_of_exactly_the_size_are_legal();
    a_receive_buffer_that_is_too_small_is_reported();
    what_is_sent_must_have_been_written();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, HcclCommDestroy(comm));
    CHECK_STATUS(0, aclrtResetDevice(device));
    CHECK_STATUS(0, aclFinalize());
    CHECK_QUIET();
    return 0;
}
