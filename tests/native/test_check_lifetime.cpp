// The check "lifetime" of memory: what is freed before the host has seen the end of the work that needs it is reported,
// though that work may have run by chance.
#include <thread>

#include "blocks.h"
#include "latch.h"
#include "unordered.h"

static aclrtStream stream, other;
static char *memory;
constexpr size_t size = 4096;

#define TOO_EARLY(words, ...) always(__LINE__, STUB_CHECK_LIFETIME, 1, words, __VA_ARGS__)

static void finish() {
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
}

// ---- too early ----

static void device_memory_that_queued_work_needs() {
    TOO_EARLY((Words{"device memory is freed while queued work needs it: aclnnFill, its \"out\"", "256 bytes at",
                     "aclnnFill was queued on stream", "\n  freed at", "the memory comes from aclrtMalloc at"}),
              [] {
                  char *freed = static_cast<char *>(device_memory(256));
                  fill(stream, freed + 64);
                  release(freed);
              });
    TOO_EARLY((Words{"aclrtMemsetAsync"}), [] {
        void *freed = device_memory(256);
        CHECK_STATUS(0, aclrtMemsetAsync(freed, 256, 0, 256, stream));
        use(stream, freed);
        release(freed);
    });
}

static void work_that_has_run_by_chance() {
    TOO_EARLY((Words{"aclnnFill, its \"out\""}), [] {
        void *freed = device_memory(256);
        fill(stream, freed);
        usleep(2000);
        release(freed);
    });
}

static void a_workspace() {
    TOO_EARLY((Words{"device memory is freed", "aclnnFill, its \"workspace\""}), [] {
        workspace_wanted = 128;
        void *workspace = device_memory(128);
        call(fill_op, {{{memory, {64}}}}, stream, workspace);
        release(workspace);
        workspace_wanted = 0;
    });
}

static std::atomic<bool> passed;

static aclnnStatus pass(const stub_call *) {
    passed = true;
    return 0;
}

// The copy has run, by chance as far as the program knows: this process must not touch what was freed.
static void a_pinned_buffer() {
    static const stub_kernel pass_kernel = {nullptr, pass};
    static const stub_operator pass_op = {"aclnnPass", read_params, 1, &pass_kernel};
    void *buffer = pinned_memory(256);
    passed = false;
    CHECK_STATUS(0, aclrtMemcpyAsync(memory, size, buffer, 256, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    call(pass_op, {{{memory, {64}}}}, stream);
    while (!passed) {
        usleep(50);
    }
    CHECK_STATUS(0, aclrtFreeHost(buffer));
    CHECK_REPORT(STUB_CHECK_LIFETIME, "pinned memory is freed", "aclrtMemcpyAsync", "aclrtMallocHost");
    finish();
}

static void a_registered_buffer() {
    static void *buffer = std::aligned_alloc(4096, size);
    TOO_EARLY((Words{"registered memory is unregistered", "aclrtMemcpyAsync", "\n  unregistered at"}), [] {
        void *mapped = nullptr;
        CHECK_STATUS(0, aclrtHostRegister(buffer, size, ACL_HOST_REGISTER_MAPPED, &mapped));
        CHECK_STATUS(0, aclrtMemcpyAsync(buffer, size, memory, size, ACL_MEMCPY_DEVICE_TO_HOST, stream));
        CHECK_STATUS(0, aclrtHostUnregister(buffer));
    });
    std::free(buffer);
}

static void having_waited_for_another_stream() {
    TOO_EARLY((Words{"aclnnUse"}), [] {
        void *freed = device_memory(256);
        use(stream, freed);
        use(other, memory);
        CHECK_STATUS(0, aclrtSynchronizeStream(other));
        release(freed);
    });
}

static void having_waited_for_an_event_before_the_work() {
    TOO_EARLY((Words{"aclnnUse"}), [] {
        aclrtEvent event = nullptr;
        void *freed = device_memory(256);
        CHECK_STATUS(0, aclrtCreateEvent(&event));
        CHECK_STATUS(0, aclrtRecordEvent(event, stream));
        use(stream, freed);
        CHECK_STATUS(0, aclrtSynchronizeEvent(event));
        release(freed);
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

// ---- late enough ----

static void after_the_stream_was_waited_for() {
    LEGAL([] {
        void *freed = device_memory(256);
        fill(stream, freed);
        use(other, memory);
        finish();
        release(freed);
    });
}

static void after_an_event_behind_the_work() {
    LEGAL([] {
        aclrtEvent event = nullptr;
        void *freed = device_memory(256);
        CHECK_STATUS(0, aclrtCreateEvent(&event));
        fill(stream, freed);
        CHECK_STATUS(0, aclrtRecordEvent(event, stream));
        CHECK_STATUS(0, aclrtStreamWaitEvent(other, event));
        use(other, memory);
        CHECK_STATUS(0, aclrtSynchronizeStream(other)); // which has waited for the event
        release(freed);
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

static void by_the_functions_that_wait() {
    LEGAL([] {
        void *freed = device_memory(256), *pinned = pinned_memory(256);
        fill(stream, freed);
        CHECK_STATUS(0, aclrtMemcpyAsync(memory, size, pinned, 256, ACL_MEMCPY_HOST_TO_DEVICE, other));
        CHECK_STATUS(0, aclrtFreeWithDevSync(freed));
        CHECK_STATUS(0, aclrtMemcpyAsync(memory, size, pinned, 256, ACL_MEMCPY_HOST_TO_DEVICE, stream));
        CHECK_STATUS(0, aclrtFreeHostWithDevSync(pinned));
    });
}

static void by_another_thread_when_it_is_told() {
    LEGAL([] {
        void *freed = device_memory(256);
        fill(stream, freed);
        finish();
        std::thread([freed] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            release(freed);
            CHECK_STATUS(0, aclrtResetDevice(0));
        }).join();
    });
}

static void in_a_host_function_behind_the_work() {
    LEGAL([] {
        void *freed = device_memory(256);
        fill(stream, freed);
        CHECK_STATUS(0, aclrtLaunchHostFunc(stream, [](void *argument) { release(argument); }, freed));
        finish();
    });
}

static void after_the_stream_has_ended() {
    LEGAL([] {
        void *freed = device_memory(256);
        const aclrtStream ended = new_stream();
        fill(ended, freed);
        CHECK_STATUS(0, aclrtDestroyStream(ended));
        release(freed);
    });
}

static void of_work_that_was_dropped() {
    static latch held = LATCH;
    held.open = false;
    held.arrived = 0;
    CHECK_STATUS(0, stub_schedule_set(""));
    const aclrtStream aborted = new_stream(), forced = new_stream();
    void *freed = device_memory(256);
    CHECK_STATUS(0, aclrtLaunchHostFunc(aborted, latch_wait, &held));
    CHECK_STATUS(0, aclrtLaunchHostFunc(forced, latch_wait, &held));
    latch_await(&held, 2);
    fill(aborted, freed);
    fill(forced, freed);
    CHECK_STATUS(0, aclrtStreamAbort(aborted));
    CHECK_STATUS(0, aclrtDestroyStreamForce(forced));
    release(freed);
    latch_open(&held);
    CHECK_STATUS(0, aclrtDestroyStream(aborted));
    CHECK_QUIET();
}

static void of_later_memory_at_the_same_address() {
    LEGAL([] {
        void *early = device_memory(256);
        fill(stream, early);
        finish();
        release(early);
        void *late = device_memory(256);
        release(late);
    });
}

static void of_memory_that_nobody_has_queued_work_for() {
    LEGAL([] {
        void *freed = device_memory(256);
        CHECK_STATUS(0, aclrtMemset(freed, 256, 0, 256));
        fill(stream, memory);
        release(freed);
        finish();
    });
}

int main() {
    choose_devices();
    watch("lifetime,races");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    stream = new_stream();
    other = new_stream();
    memory = static_cast<char *>(device_memory(size));
    device_memory_that_queued_work_needs();
    work_that_has_run_by_chance();
    a_workspace();
    a_pinned_buffer();
    a_registered_buffer();
    having_waited_for_another_stream();
    having_waited_for_an_event_before_the_work();
    after_the_stream_was_waited_for();
    after_an_event_behind_the_work();
    by_the_functions_that_wait();
    by_another_thread_when_it_is_told();
    in_a_host_function_behind_the_work();
    after_the_stream_has_ended();
    of_work_that_was_dropped();
    of_later_memory_at_the_same_address();
    of_memory_that_nobody_has_queued_work_for();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(other));
    release(memory);
    end_device();
    CHECK_QUIET();
    return 0;
}
