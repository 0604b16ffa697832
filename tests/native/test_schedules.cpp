// What the schedules of ascend_stub/schedule.h promise: when tasks run, in which orders, and that nothing waits for
// ever. "hold", and changes of the schedule, are in test_schedules_held.cpp.
#include <cstring>
#include <set>

#include "ascend_stub/fault.h"
#include "hccl/hccl.h"
#include "scene.h"

// ---- choosing ----

static void malformed_schedules_are_refused_and_the_one_in_force_stays() {
    const Scene scene("shuffle:18446744073709551615");
    for (const char *wrong : {"lazy", "shuffle", "shuffle:", "shuffle:x", "shuffle:-1", "shuffle:1 ", "hold:1", " ",
                              "shuffle:18446744073709551616"}) {
        CHECK_STATUS(ACL_ERROR_INVALID_PARAM, stub_schedule_set(wrong));
        CHECK(std::strstr(aclGetRecentErrMsg(), "shuffle:<seed>") != nullptr);
    }
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, stub_schedule_set(nullptr));
    char text[64];
    CHECK(stub_schedule_get(text, sizeof text) == 28 && std::strcmp(text, "shuffle:18446744073709551615") == 0);
    CHECK(stub_schedule_get(text, 8) == 28 && std::strcmp(text, "shuffle") == 0);
}

static void a_malformed_environment_is_ignored() {
    char text[16];
    CHECK(stub_schedule_get(text, sizeof text) == 0 && text[0] == '\0');
}

// ---- eager ----

static void eager_tasks_have_run_when_the_call_returns() {
    const Scene scene("eager");
    queue(scene.a, "x");
    CHECK(noted() == "x");
    queue(scene.b, "yz");
    CHECK(noted() == "xyz");
}

static void eager_calls_do_not_wait_for_what_needs_their_caller() {
    const Scene scene("eager");
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event)); // recorded later
    queue(scene.a, "x");
    queue(scene.b, "y");
    CHECK(noted() == "y");
    CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK(noted() == "yx");
    latch gate = LATCH;
    CHECK_STATUS(0, aclrtLaunchHostFunc(scene.a, latch_wait, &gate));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
}

static void eager_calls_do_not_wait_for_a_task_that_hangs() {
    const Scene scene("eager");
    uint64_t rule = 0;
    CHECK_STATUS(0, stub_fault_add("aclnnNote:hang", &rule));
    queue(scene.a, "x");
    CHECK(noted().empty());
    stub_fault_remove(rule);
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK(noted() == "x");
}

// ---- deferred ----

static void deferred_tasks_wait_until_somebody_needs_them() {
    const Scene scene("deferred");
    void *memory = nullptr;
    char bytes[16] = {0};
    CHECK_STATUS(0, aclrtMalloc(&memory, sizeof bytes, ACL_MEM_MALLOC_HUGE_FIRST));
    queue(scene.a, "ab");
    queue(scene.b, "c");
    CHECK_STATUS(0, aclrtMemcpy(memory, sizeof bytes, bytes, sizeof bytes, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK(noted().empty());
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK(noted() == "ab");
    CHECK_STATUS(0, aclrtSynchronizeDevice());
    CHECK(noted() == "abc");
}

static void a_needed_wait_makes_what_is_before_its_event_needed_and_no_more() {
    const Scene scene("deferred");
    queue(scene.a, "a");
    CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.a));
    queue(scene.a, "b");
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.b, scene.event));
    queue(scene.b, "c");
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.b));
    CHECK(noted() == "ac");
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK(noted() == "acb");
}

static void an_event_may_be_recorded_after_somebody_needs_it() {
    const Scene scene("deferred");
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event));
    queue(scene.a, "x");
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(scene.a, 5));
    queue(scene.b, "y");
    CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK(noted() == "yx");
}

static void asking_in_a_loop_comes_to_an_end() {
    const Scene scene("deferred");
    queue(scene.a, "x");
    while (!is_idle(scene.a)) {
        usleep(50);
    }
    queue(scene.b, "y");
    CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event));
    while (!is_recorded(scene.event)) {
        usleep(50);
    }
    CHECK(noted() == "xy");
    aclrtEventWaitStatus status = ACL_EVENT_WAIT_STATUS_NOT_READY;
    while (status != ACL_EVENT_WAIT_STATUS_COMPLETE) {
        CHECK_STATUS(0, aclrtQueryEventWaitStatus(scene.event, &status));
    }
}

static void user_code_that_the_host_waits_for_by_other_means_runs() {
    for (const char *schedule : {"deferred", "shuffle:1"}) {
        const Scene scene(schedule);
        latch gate = LATCH;
        queue(scene.a, "x");
        CHECK_STATUS(0, aclrtLaunchHostFunc(scene.a, latch_wait, &gate));
        latch_await(&gate, 1);
        CHECK(noted() == "x");
        queue(scene.b, "y"); // runs while the host function keeps the turn
        CHECK_STATUS(0, aclrtSynchronizeStream(scene.b));
        latch_open(&gate);
        CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    }
}

static void destroying_a_stream_needs_its_tasks_and_by_force_it_does_not() {
    Scene scene("deferred");
    const aclrtStream gentle = new_stream(), forced = new_stream();
    queue(gentle, "x");
    queue(forced, "y");
    CHECK_STATUS(0, aclrtDestroyStreamForce(forced));
    CHECK_STATUS(0, aclrtDestroyStream(gentle));
    CHECK(noted() == "x");
}

static void a_full_queue_lets_go_what_is_in_the_way(int depth) {
    const Scene scene("deferred");
    queue(scene.a, std::string(static_cast<size_t>(depth), 'x').c_str());
    CHECK(noted().empty());
    queue(scene.a, "yy");
    CHECK(noted() == "xx");
}

// Other processes may wait for a rank that has queued its part and does something else.
static void collectives_and_what_is_before_them_are_needed_at_once() {
    enum { RANKS = 2 };
    int32_t devices[RANKS] = {0, 1};
    HcclComm comms[RANKS];
    aclrtStream streams[RANKS];
    CHECK_STATUS(0, HcclCommInitAll(RANKS, devices, comms));
    CHECK_STATUS(0, stub_schedule_set("deferred"));
    for (int rank = 0; rank < RANKS; rank++) {
        CHECK_STATUS(0, aclrtSetDevice(rank));
        streams[rank] = new_stream();
        queue(streams[rank], "x");
        CHECK_STATUS(0, HcclBarrier(comms[rank], streams[rank]));
        queue(streams[rank], "y");
    }
    while (noted() != "xx") {
        usleep(50);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        CHECK_STATUS(0, aclrtSetDevice(rank));
        CHECK_STATUS(0, aclrtDestroyStream(streams[rank]));
        CHECK_STATUS(0, HcclCommDestroy(comms[rank]));
        CHECK_STATUS(0, aclrtResetDevice(rank));
    }
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK(take_notes() == "xxyy");
}

// ---- shuffle ----

static std::string shuffled(unsigned seed, bool with_event) {
    const Scene scene(("shuffle:" + std::to_string(seed)).c_str());
    queue(scene.a, "a");
    queue(scene.b, "x");
    if (with_event) {
        CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.a));
        CHECK_STATUS(0, aclrtStreamWaitEvent(scene.b, scene.event));
    }
    queue(scene.a, "bc");
    queue(scene.b, "yz");
    CHECK(noted().empty());
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.b));
    return take_notes();
}

// As many seeds as it takes, but not endlessly many.
static std::set<std::string> orders_until(size_t count, bool with_event) {
    std::set<std::string> orders;
    for (unsigned seed = 0; seed < 2000 && orders.size() < count; seed++) {
        const std::string order = shuffled(seed, with_event);
        CHECK(order.size() == 6);
        orders.insert(order);
    }
    return orders;
}

static void every_legal_order_comes_up_for_some_seed_and_no_other() {
    CHECK(orders_until(20, false).size() == 20); // 3 of 6 places are for a, b, c
    const std::set<std::string> ordered = orders_until(16, true);
    CHECK(ordered.size() == 16); // not the four that begin with x y
    for (const std::string &order : ordered) {
        CHECK(order.find('a') < order.find('y'));
    }
}

static void a_seed_gives_the_same_order_again() {
    for (unsigned seed = 0; seed < 20; seed++) {
        const std::string first = shuffled(seed, seed % 2 != 0);
        CHECK(shuffled(seed, seed % 2 != 0) == first);
    }
}

static void shuffled_waits_still_time_out() {
    const Scene scene("shuffle:3");
    CHECK_STATUS(0, aclrtSetOpWaitTimeout(1));
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event));
    queue(scene.b, "x");
    CHECK_STATUS(ACL_ERROR_RT_TASK_TIMEOUT, aclrtSynchronizeStream(scene.a));
    CHECK_STATUS(0, aclrtSetOpWaitTimeout(0));
}

int main() {
    setenv("ASCEND_STUB_SCHEDULE", "sideways", 1); // reported on stderr
    setenv("ASCEND_STUB_QUEUE_DEPTH", "64", 1);
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    a_malformed_environment_is_ignored();
    malformed_schedules_are_refused_and_the_one_in_force_stays();
    eager_tasks_have_run_when_the_call_returns();
    eager_calls_do_not_wait_for_what_needs_their_caller();
    eager_calls_do_not_wait_for_a_task_that_hangs();
    deferred_tasks_wait_until_somebody_needs_them();
    a_needed_wait_makes_what_is_before_its_event_needed_and_no_more();
    an_event_may_be_recorded_after_somebody_needs_it();
    asking_in_a_loop_comes_to_an_end();
    user_code_that_the_host_waits_for_by_other_means_runs();
    destroying_a_stream_needs_its_tasks_and_by_force_it_does_not();
    a_full_queue_lets_go_what_is_in_the_way(64);
    collectives_and_what_is_before_them_are_needed_at_once();
    every_legal_order_comes_up_for_some_seed_and_no_other();
    a_seed_gives_the_same_order_again();
    shuffled_waits_still_time_out();
    return 0;
}
