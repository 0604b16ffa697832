// The check "races": unordered work on the same bytes is found whatever ran first, and every way to order it counts.
#include <thread>

#include "blocks.h"
#include "latch.h"
#include "unordered.h"

static aclrtStream one, two, three;
static char *memory, *pinned;
constexpr size_t size = 4096;

static aclrtEvent new_event() {
    aclrtEvent event = nullptr;
    CHECK_STATUS(0, aclrtCreateEvent(&event));
    return event;
}

static aclrtEvent flagged_event() {
    aclrtEvent event = nullptr;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    return event;
}

static void order(aclrtStream before, aclrtStream after, aclrtEvent event) {
    CHECK_STATUS(0, aclrtRecordEvent(event, before));
    CHECK_STATUS(0, aclrtStreamWaitEvent(after, event));
}

static void order(aclrtStream before, aclrtStream after) {
    const aclrtEvent event = new_event();
    order(before, after, event);
    CHECK_STATUS(0, aclrtDestroyEvent(event));
}

// ---- races ----

static void two_streams_writing_the_same_race() {
    RACES(1,
          (Words{"aclnnFill and aclnnFill touch the same bytes", "bytes [0, 64) of the 4096 bytes", "writes them (out)",
                 "the memory comes from aclrtMalloc"}),
          [] {
              fill(one, memory);
              fill(two, memory);
          });
}

static void a_reader_races_with_a_writer() {
    RACES(1, (Words{"aclnnFill and aclnnUse", "bytes [32, 64) of", "reads them (self)"}), [] {
        fill(one, memory);
        use(two, memory + 32);
    });
    RACES(1, (Words{"aclnnUse and aclnnFill", "bytes [63, 64) of"}), [] {
        use(one, memory);
        fill(two, memory + 63);
    });
    LEGAL([] {
        use(one, memory);
        use(two, memory);
        fill(three, memory + 64);
    });
}

static void copies_and_fills_of_streams_race_too() {
    RACES(1, (Words{"aclrtMemsetAsync and aclrtMemcpyAsync", "writes them"}), [] {
        CHECK_STATUS(0, aclrtMemsetAsync(memory, size, 0, 64, one));
        CHECK_STATUS(0, aclrtMemcpyAsync(memory, size, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, two));
    });
    RACES(1, (Words{"aclrtMemcpyAsync and aclrtMemcpyAsync", "gave at", "reads them"}), [] {
        CHECK_STATUS(0, aclrtMemcpyAsync(pinned, size, memory, 64, ACL_MEMCPY_DEVICE_TO_HOST, one));
        CHECK_STATUS(0, aclrtMemcpyAsync(memory + 64, size, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, two));
    });
}

static void the_host_races_with_what_it_has_not_waited_for() {
    static char host[64];
    RACES(1, (Words{"aclnnFill and aclrtMemcpy", "reads them on the host", "aclrtSynchronizeStream"}), [] {
        fill(one, memory);
        CHECK_STATUS(0, aclrtMemcpy(host, 64, memory, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    });
    RACES(1, (Words{"aclnnUse and aclrtMemset", "writes them on the host"}), [] {
        use(one, memory);
        CHECK_STATUS(0, aclrtMemset(memory + 60, size - 60, 0, 64));
    });
    LEGAL([] {
        CHECK_STATUS(0, aclrtMemset(memory, size, 0, 64));
        fill(one, memory);
        CHECK_STATUS(0, aclrtMemcpy(host, 64, memory + 64, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    });
    LEGAL([] {
        use(one, memory);
        CHECK_STATUS(0, aclrtMemcpy(host, 64, memory, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    });
}

static void an_order_between_others_does_not_help() {
    RACES(1, (Words{"aclnnFill and aclnnUse"}), [] {
        fill(one, memory);
        order(one, two);
        use(three, memory);
    });
    RACES(1, (Words{"aclnnUse and aclnnFill"}), [] {
        const aclrtEvent event = new_event();
        CHECK_STATUS(0, aclrtRecordEvent(event, one));
        use(one, memory); // behind the record
        CHECK_STATUS(0, aclrtStreamWaitEvent(two, event));
        fill(two, memory);
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
    RACES(1, (Words{"aclnnFill and aclnnUse"}), [] {
        fill(one, memory);
        order(one, two);
        fill(one, memory); // the same again
        use(two, memory);
    });
}

static void a_wait_that_finds_the_event_complete_orders_its_stream_only() {
    RACES(2, (Words{"aclnnFill and aclnnUse"}), [] {
        const aclrtEvent event = new_event();
        fill(one, memory);
        CHECK_STATUS(0, aclrtRecordEvent(event, one));
        usleep(2000);
        CHECK_STATUS(0, aclrtStreamWaitEvent(two, event));
        fill(two, memory);
        order(two, one);
        use(three, memory);
        order(three, one);
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

// ---- order ----

static void an_event_orders() {
    LEGAL([] {
        fill(one, memory);
        order(one, two);
        use(two, memory);
        order(two, three);
        fill(three, memory);
    });
}

static void a_diamond_orders() {
    LEGAL([] {
        fill(one, memory, 128);
        order(one, two);
        order(one, three);
        fill(two, memory);
        fill(three, memory + 64);
        order(two, one);
        order(three, one);
        use(one, memory, 128);
    });
}

static void waiting_on_the_host_orders() {
    LEGAL([] {
        fill(one, memory);
        CHECK_STATUS(0, aclrtSynchronizeStream(one));
        fill(two, memory);
        CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(two, 10000));
        fill(three, memory);
        finish_all();
        fill(one, memory);
        CHECK_STATUS(0, aclrtSynchronizeDeviceWithTimeout(10000));
        CHECK_STATUS(0, aclrtMemset(memory, size, 0, size));
    });
}

static void asking_until_it_is_complete_orders() {
    LEGAL([] {
        const aclrtEvent event = new_event();
        fill(one, memory);
        CHECK_STATUS(0, aclrtRecordEvent(event, one));
        fill(one, memory + 64);
        aclrtEventRecordedStatus recorded = ACL_EVENT_RECORDED_STATUS_NOT_READY;
        while (recorded != ACL_EVENT_RECORDED_STATUS_COMPLETE) {
            CHECK_STATUS(0, aclrtQueryEventStatus(event, &recorded));
        }
        fill(two, memory);
        aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
        while (status != ACL_STREAM_STATUS_COMPLETE) {
            CHECK_STATUS(0, aclrtStreamQuery(two, &status));
        }
        fill(three, memory);
        CHECK_STATUS(0, aclrtRecordEvent(event, three));
        CHECK_STATUS(0, aclrtSynchronizeEvent(event));
        fill(one, memory);
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

static void an_event_that_is_recorded_after_the_wait_orders() {
    LEGAL([] {
        const aclrtEvent event = flagged_event();
        CHECK_STATUS(0, aclrtStreamWaitEvent(two, event));
        fill(two, memory);
        fill(one, memory);
        CHECK_STATUS(0, aclrtMemset(memory + 64, size - 64, 0, 64)); // before what waits is let go
        use(two, memory + 64);
        CHECK_STATUS(0, aclrtRecordEvent(event, one));
        finish_all();
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

static void resetting_and_recording_again_orders() {
    LEGAL([] {
        const aclrtEvent event = flagged_event();
        for (int i = 0; i < 3; i++) {
            fill(one, memory);
            order(one, two, event);
            CHECK_STATUS(0, aclrtResetEvent(event, two));
            use(two, memory);
            order(two, one, event);
            CHECK_STATUS(0, aclrtResetEvent(event, one));
        }
        finish_all();
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    });
}

static void host_functions_tell_the_host() {
    LEGAL([] {
        latch told = LATCH;
        fill(one, memory);
        CHECK_STATUS(0, aclrtLaunchHostFunc(one, [](void *gate) { latch_open(static_cast<latch *>(gate)); }, &told));
        latch_wait(&told);
        fill(two, memory);
        finish_all();
    });
}

static void host_functions_hear_from_the_host() {
    LEGAL([] {
        latch told = LATCH;
        CHECK_STATUS(0, aclrtLaunchHostFunc(one, latch_wait, &told));
        fill(one, memory);
        fill(one, memory + 64);
        fill(two, memory);
        CHECK_STATUS(0, aclrtSynchronizeStream(two));
        CHECK_STATUS(0, aclrtMemset(memory + 64, size - 64, 0, 64));
        latch_open(&told);
        finish_all();
    });
}

static void reports_that_the_stream_waits_for_order() {
    static bool ended;
    ended = false;
    std::thread reports([] {
        CHECK_STATUS(0, aclrtSetDevice(0));
        while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
            aclrtProcessReport(10);
        }
        CHECK_STATUS(0, aclrtResetDevice(0));
    });
    const aclrtStream reported = new_stream();
    CHECK_STATUS(0, aclrtSubscribeReport(static_cast<uint64_t>(reports.native_handle()), reported));
    LEGAL([reported] {
        fill(reported, memory);
        CHECK_STATUS(0, aclrtLaunchCallback([](void *at) { CHECK_STATUS(0, aclrtMemset(at, 64, 1, 64)); }, memory,
                                            ACL_CALLBACK_BLOCK, reported));
        use(reported, memory);
    });
    CHECK_STATUS(0, aclrtUnSubscribeReport(static_cast<uint64_t>(reports.native_handle()), reported));
    __atomic_store_n(&ended, true, __ATOMIC_RELEASE);
    reports.join();
    CHECK_STATUS(0, aclrtDestroyStream(reported));
}

static void a_destroyed_stream_is_over() {
    LEGAL([] {
        const aclrtStream stream = new_stream();
        fill(stream, memory);
        CHECK_STATUS(0, aclrtDestroyStream(stream));
        fill(one, memory);
    });
    LEGAL([] {
        const aclrtStream stream = new_stream();
        fill(stream, memory);
        CHECK_STATUS(0, aclrtStreamAbort(stream));
        fill(one, memory);
        fill(stream, memory + 64);
        CHECK_STATUS(0, aclrtDestroyStreamForce(stream));
        fill(one, memory + 64);
    });
}

static void a_pageable_copy_waits_for_its_stream() {
    static char host[64];
    LEGAL([] {
        fill(one, memory);
        CHECK_STATUS(0, aclrtMemcpyAsync(host, 64, memory, 64, ACL_MEMCPY_DEVICE_TO_HOST, one));
        fill(two, memory);
    });
}

// ---- bytes ----

static void columns_side_by_side_do_not_race() {
    LEGAL([] {
        call(fill_op, {{{memory, {16, 8}, {32, 1}}}}, one);
        call(fill_op, {{{memory, {16, 8}, {32, 1}, 8}}}, two);
        call(fill_op, {{{memory, {16, 16}, {32, 1}, 16}}}, three);
    });
    RACES(1, (Words{"both touch some of the bytes"}), [] {
        call(fill_op, {{{memory, {16, 8}, {32, 1}}}}, one);
        call(fill_op, {{{memory, {16, 8}, {32, 1}, 7}}}, two);
    });
}

static void memory_that_was_given_again_is_another() {
    LEGAL([] {
        void *early = device_memory(256);
        fill(one, early);
        CHECK_STATUS(0, aclrtSynchronizeStream(one));
        release(early);
        void *late = device_memory(256);
        fill(two, late);
        finish_all();
        release(late);
    });
}

static void the_default_stream_is_one_of_them() {
    LEGAL([] {
        fill(nullptr, memory);
        use(nullptr, memory);
        order(nullptr, one);
        fill(one, memory);
    });
    RACES(1, (Words{"aclnnFill and aclnnUse"}), [] {
        fill(nullptr, memory);
        use(one, memory);
    });
}

static void two_devices_are_ordered_by_events_too() {
    aclrtContext here = nullptr, there = nullptr;
    CHECK_STATUS(0, aclrtGetCurrentContext(&here));
    CHECK_STATUS(0, aclrtSetDevice(1));
    CHECK_STATUS(0, aclrtGetCurrentContext(&there));
    const aclrtStream far = new_stream();
    const auto play = [&](bool ordered) {
        const aclrtEvent event = new_event();
        CHECK_STATUS(0, aclrtSetCurrentContext(there));
        fill(far, memory);
        CHECK_STATUS(0, aclrtRecordEvent(event, far));
        CHECK_STATUS(0, aclrtSetCurrentContext(here));
        if (ordered) {
            CHECK_STATUS(0, aclrtStreamWaitEvent(one, event));
        }
        fill(one, memory);
        finish_all();
        CHECK_STATUS(0, aclrtSynchronizeStream(far));
        CHECK_STATUS(0, aclrtDestroyEvent(event));
    };
    LEGAL([&] { play(true); });
    RACES(1, (Words{"of device 1", "of device 0"}), [&] { play(false); });
    CHECK_STATUS(0, aclrtSetCurrentContext(there));
    CHECK_STATUS(0, aclrtDestroyStream(far));
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetCurrentContext(here));
}

static void a_replayed_executor_races_like_any_other() {
    stub_value args[1];
    const View view{memory, {64}};
    aclTensor *tensor = view.make();
    args[0].tensor = tensor;
    uint64_t workspace = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, stub_phase_one(&fill_op, args, &workspace, &executor));
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(executor));
    LEGAL([&] {
        for (int i = 0; i < 5; i++) {
            CHECK_STATUS(0, stub_phase_two(&fill_op, nullptr, 0, executor, one));
        }
        order(one, two);
        CHECK_STATUS(0, stub_phase_two(&fill_op, nullptr, 0, executor, two));
    });
    RACES(1, (Words{"aclnnFill and aclnnFill"}), [&] {
        CHECK_STATUS(0, stub_phase_two(&fill_op, nullptr, 0, executor, one));
        CHECK_STATUS(0, stub_phase_two(&fill_op, nullptr, 0, executor, two));
    });
    CHECK_STATUS(0, aclDestroyAclOpExecutor(executor));
    CHECK_STATUS(0, aclDestroyTensor(tensor));
}

static void checks_may_go_off_and_on_in_between() {
    LEGAL([] {
        fill(one, memory);
        CHECK_STATUS(0, stub_check_set(""));
        CHECK_STATUS(0, aclrtSynchronizeStream(one));
        fill(two, memory);
        CHECK_STATUS(0, stub_check_set("races"));
        fill(three, memory + 64);
        CHECK_STATUS(0, aclrtSynchronizeStream(three));
        fill(one, memory + 64);
    });
}

int main() {
    choose_devices();
    watch("races");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    one = new_stream();
    two = new_stream();
    three = new_stream();
    memory = static_cast<char *>(device_memory(size));
    pinned = static_cast<char *>(pinned_memory(size));
    two_streams_writing_the_same_race();
    a_reader_races_with_a_writer();
    copies_and_fills_of_streams_race_too();
    the_host_races_with_what_it_has_not_waited_for();
    an_order_between_others_does_not_help();
    a_wait_that_finds_the_event_complete_orders_its_stream_only();
    an_event_orders();
    a_diamond_orders();
    waiting_on_the_host_orders();
    asking_until_it_is_complete_orders();
    an_event_that_is_recorded_after_the_wait_orders();
    resetting_and_recording_again_orders();
    host_functions_tell_the_host();
    host_functions_hear_from_the_host();
    reports_that_the_stream_waits_for_order();
    a_destroyed_stream_is_over();
    a_pageable_copy_waits_for_its_stream();
    columns_side_by_side_do_not_race();
    memory_that_was_given_again_is_another();
    the_default_stream_is_one_of_them();
    two_devices_are_ordered_by_events_too();
    a_replayed_executor_races_like_any_other();
    checks_may_go_off_and_on_in_between();
    CHECK_STATUS(0, aclrtDestroyStream(one));
    CHECK_STATUS(0, aclrtDestroyStream(two));
    CHECK_STATUS(0, aclrtDestroyStream(three));
    release(memory);
    CHECK_STATUS(0, aclrtFreeHost(pinned));
    end_device();
    CHECK_QUIET();
    return 0;
}
