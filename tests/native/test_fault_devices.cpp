// Faults on demand of the device: work that fails or never ends, devices that are lost, memory that is small.
#include <cstring>
#include <thread>

#include "ascend_stub/fault.h"
#include "lane.h"

static uint64_t add_fault(const char *rules) {
    uint64_t id = 0;
    CHECK_STATUS(0, stub_fault_add(rules, &id));
    return id;
}

static void run(const Lane &lane) {
    lane.phase_two(lane.phase_one(-1));
}

static bool last_text_has(const char *part) {
    const char *text = aclGetRecentErrMsg();
    return text != nullptr && std::strstr(text, part) != nullptr;
}

// ---- work ----

static void work_fails_where_it_runs() {
    Lane lane(0);
    const uint64_t fault = add_fault("aclnnStep:task,from=2,count=1");
    run(lane);
    run(lane);
    run(lane);
    CHECK_STATUS(507015, aclrtSynchronizeStream(lane.stream()));
    CHECK(last_text_has("aclnnStep was made to answer 507015 by the fault \"aclnnStep:task,from=2,count=1\""));
    CHECK(lane.run() == 2);
    CHECK(stub_fault_hits(fault) == 1);
    stub_fault_remove(fault);
    CHECK_STATUS(507015, aclrtSynchronizeStream(lane.stream())); // an error of the device stays
}

static void a_copy_may_fail_with_a_status_of_ones_own() {
    Numbers from(1), to(1);
    aclrtStream stream = nullptr;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    const uint64_t fault = add_fault("aclrtMemcpyAsync:task,status=507053");
    CHECK_STATUS(0, aclrtMemcpyAsync(to.at(0), 8, from.at(0), 8, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_STATUS(507053, aclrtSynchronizeStream(stream));
    stub_fault_remove(fault);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

static void work_hangs_until_its_stream_is_aborted() {
    Lane lane(0);
    const uint64_t fault = add_fault("aclnnStep:hang,count=1");
    run(lane);
    run(lane);
    CHECK_STATUS(507046, aclrtSynchronizeStreamWithTimeout(lane.stream(), 10));
    CHECK_STATUS(507046, aclrtSynchronizeDeviceWithTimeout(10));
    CHECK_STATUS(0, aclrtStreamAbort(lane.stream()));
    lane.synchronize();
    CHECK(lane.run() == 0 && stub_fault_hits(fault) == 1);
    run(lane);
    lane.synchronize();
    CHECK(lane.run() == 1);
    stub_fault_remove(fault);
}

static void work_hangs_until_the_rule_is_removed() {
    Lane lane(0);
    aclrtEvent event = nullptr;
    CHECK_STATUS(0, aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC));
    const uint64_t fault = add_fault("aclnnStep:hang");
    run(lane);
    CHECK_STATUS(0, aclrtRecordEvent(event, lane.stream()));
    CHECK_STATUS(507047, aclrtSynchronizeEventWithTimeout(event, 10));
    stub_fault_remove(fault);
    lane.synchronize();
    CHECK(lane.run() == 1);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
}

static void work_hangs_until_its_stream_is_destroyed_by_force() {
    Numbers number(1);
    aclrtStream stream = nullptr;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    const uint64_t fault = add_fault("aclrtMemsetAsync:hang");
    CHECK_STATUS(0, aclrtMemsetAsync(number.at(0), 8, 1, 8, stream));
    CHECK_STATUS(0, aclrtDestroyStreamForce(stream));
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    stub_fault_remove(fault);
}

// ---- devices ----

static void use_device(int device) {
    Numbers number(1);
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    int current = -1;
    CHECK_STATUS(0, aclrtGetDevice(&current));
    CHECK(current == device);
}

// What fails on a lost device, and what goes on working; the stream is destroyed.
static void meet_the_loss(aclrtStream stream, aclrtEvent event, aclOpExecutor *executor, void *memory) {
    void *more = nullptr;
    size_t left = 0, total = 0;
    CHECK_STATUS(507010, aclrtMalloc(&more, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(last_text_has("device 1 is lost"));
    CHECK_STATUS(507010, aclrtMemset(memory, 8, 0, 8));
    CHECK_STATUS(507010, aclrtSynchronizeStream(stream));
    CHECK_STATUS(507010, aclrtSynchronizeDevice());
    CHECK_STATUS(507010, aclrtRecordEvent(event, stream));
    CHECK_STATUS(507010, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK_STATUS(507010, aclrtSetDevice(1));
    CHECK_STATUS(361001, stub_phase_two(&step_operator, nullptr, 0, executor, stream));
    CHECK_STATUS(561000, aclDestroyAclOpExecutor(executor));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtFree(memory));
}

// Returns with device 1 set in this thread, and lost.
static uint64_t lose_device_1(const char *rules) {
    CHECK_STATUS(0, aclrtSetDevice(1));
    void *memory = nullptr;
    aclrtStream stream = nullptr;
    aclrtEvent event = nullptr;
    CHECK_STATUS(0, aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC));
    aclTensor *tensor = number_tensor(memory);
    stub_value args[3] = {};
    args[0].tensor = tensor;
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, stub_phase_one(&step_operator, args, &size, &executor));
    const uint64_t fault = add_fault(rules);
    CHECK_STATUS(0, aclrtMemset(memory, 8, 0, 8)); // from=2: this one still works
    meet_the_loss(stream, event, executor, memory);
    CHECK_STATUS(0, aclDestroyTensor(tensor));
    CHECK(stub_fault_hits(fault) >= 8);
    return fault;
}

static void a_lost_device_is_back_when_it_was_reset() {
    const uint64_t fault = lose_device_1("device-lost:device=1,from=2");
    CHECK_STATUS(0, aclrtSetDevice(0)); // other devices never heard of it
    use_device(0);
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(1));
    use_device(1);
    CHECK_STATUS(0, aclrtResetDevice(1));
    stub_fault_remove(fault);
    CHECK_STATUS(0, aclrtSetDevice(0));
}

static void a_device_may_be_lost_forever() {
    const uint64_t fault = lose_device_1("device-lost:device=1,from=2,forever");
    CHECK_STATUS(0, aclrtResetDeviceForce(1));
    CHECK_STATUS(507033, aclrtSetDevice(1));
    CHECK_STATUS(507033, aclrtSetDevice(1));
    stub_fault_remove(fault);
    CHECK_STATUS(0, aclrtSetDevice(1));
    use_device(1);
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(0));
}

// Work that hangs, what waits behind it, and who waits for it: all end when the device is lost.
static void work_on_a_lost_device_fails() {
    CHECK_STATUS(0, aclrtSetDevice(1));
    {
        Lane lane(0);
        const uint64_t hang = add_fault("aclnnStep:hang,count=1");
        run(lane);
        run(lane);
        int status = 0;
        aclrtContext context = nullptr;
        CHECK_STATUS(0, aclrtGetCurrentContext(&context));
        std::thread waiting([&status, &lane, context] {
            CHECK_STATUS(0, aclrtSetCurrentContext(context));
            status = aclrtSynchronizeStream(lane.stream());
        });
        const uint64_t loss = add_fault("device-lost:device=1,status=507899");
        CHECK_STATUS(507899, aclrtSynchronizeDevice());
        waiting.join();
        CHECK_STATUS(507899, status);
        CHECK(lane.run() == 0);
        stub_fault_remove(loss);
        stub_fault_remove(hang);
    }
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtResetDevice(0)); // as often as it was set
    CHECK_STATUS(0, aclrtSetDevice(0));
}

// ---- memory ----

static void memory_is_as_small_as_asked_for() {
    const uint64_t fault = add_fault("memory:limit=8M");
    void *first = nullptr, *second = nullptr;
    size_t left = 0, total = 0;
    CHECK_STATUS(0, aclrtMalloc(&first, 5 << 20, ACL_MEM_MALLOC_HUGE_FIRST)); // three pages of 2 MiB
    CHECK_STATUS(0, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK(total == 8 << 20 && left == 2 << 20);
    CHECK_STATUS(207001, aclrtMalloc(&second, 3 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(last_text_has("the fault \"memory:limit=8M\" allows 8388608"));
    CHECK(second == nullptr && stub_fault_hits(fault) == 1);
    CHECK_STATUS(0, aclrtFree(first));
    CHECK_STATUS(0, aclrtMalloc(&second, 3 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtFree(second));
    stub_fault_remove(fault);
    CHECK_STATUS(0, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK(total > 8 << 20);
}

static void memory_may_be_small_on_one_device() {
    const uint64_t fault = add_fault("memory:limit=2M,device=1");
    void *memory = nullptr;
    CHECK_STATUS(0, aclrtMalloc(&memory, 3 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtFree(memory));
    stub_fault_remove(fault);
}

// At exit: a stream that hangs holds nobody up.
static void leave_work_that_hangs() {
    static Numbers number(1);
    aclrtStream stream = nullptr;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    add_fault("aclrtMemsetAsync:hang");
    CHECK_STATUS(0, aclrtMemsetAsync(number.at(0), 8, 1, 8, stream));
}

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    work_fails_where_it_runs();
    a_copy_may_fail_with_a_status_of_ones_own();
    work_hangs_until_its_stream_is_aborted();
    work_hangs_until_the_rule_is_removed();
    work_hangs_until_its_stream_is_destroyed_by_force();
    a_lost_device_is_back_when_it_was_reset();
    a_device_may_be_lost_forever();
    work_on_a_lost_device_fails();
    memory_is_as_small_as_asked_for();
    memory_may_be_small_on_one_device();
    leave_work_that_hangs();
    return 0;
}
