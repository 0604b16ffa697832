// Tasks that run when told, and schedules that change while tasks are queued: from any thread, and nothing waits for
// ever.
#include <thread>

#include "scene.h"

// ---- hold ----

static void held_tasks_run_when_told_oldest_first() {
    const Scene scene("hold");
    CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event));
    queue(scene.a, "a");
    queue(scene.b, "x");
    CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
    queue(scene.b, "y");
    CHECK(!is_idle(scene.a) && !is_idle(scene.b) && !is_recorded(scene.event));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(scene.b, 5));
    CHECK_STATUS(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, aclrtSynchronizeEventWithTimeout(scene.event, 5));
    CHECK(stub_schedule_step(0) == 0 && noted().empty());
    CHECK(stub_schedule_step(1) == 1 && noted() == "x"); // the wait is older, and not ready
    CHECK(stub_schedule_step(2) == 2 && is_recorded(scene.event));
    CHECK(noted() == "x");
    CHECK(stub_schedule_step(UINT64_MAX) == 2 && noted() == "xay");
    CHECK(stub_schedule_step(1) == 0);
    CHECK(is_idle(scene.a) && is_idle(scene.b));
}

static void steps_come_from_any_thread_and_release_who_waits() {
    const Scene scene("hold");
    queue(scene.a, "x");
    std::thread stepper([] { CHECK(stub_schedule_step(1) == 1); });
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    stepper.join();
    queue(scene.a, "y");
    std::thread ender([] { Scene::use(""); });
    CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
    ender.join();
    CHECK(noted() == "xy" && stub_schedule_step(1) == 0);
}

static void held_streams_are_aborted_and_destroyed_by_force() {
    const Scene scene("hold");
    const aclrtStream forced = new_stream();
    queue(scene.a, "x");
    queue(forced, "y");
    CHECK_STATUS(0, aclrtStreamAbort(scene.a));
    CHECK_STATUS(0, aclrtDestroyStreamForce(forced));
    CHECK(is_idle(scene.a) && noted().empty());
    queue(scene.a, "z");
    CHECK(stub_schedule_step(UINT64_MAX) == 1 && noted() == "z");
}

// ---- changing ----

static void a_schedule_may_change_while_tasks_are_queued() {
    for (const char *first : {"", "eager", "deferred", "shuffle:1", "hold"}) {
        for (const char *second : {"", "eager", "deferred", "shuffle:2"}) {
            const Scene scene(first);
            queue(scene.a, "ab");
            queue(scene.b, "x");
            CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
            CHECK_STATUS(0, aclrtStreamWaitEvent(scene.a, scene.event));
            queue(scene.a, "c");
            Scene::use(second);
            queue(scene.a, "d");
            CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
            CHECK_STATUS(0, aclrtSynchronizeStream(scene.b));
            CHECK(noted().size() == 5);
        }
    }
}

static void threads_that_queue_and_one_that_changes_come_to_an_end() {
    const Scene scene("");
    std::thread left([&] {
        CHECK_STATUS(0, aclrtSetDevice(0));
        for (int i = 0; i < 30; i++) {
            queue(scene.a, "ab");
            CHECK_STATUS(0, aclrtSynchronizeStream(scene.a));
        }
    });
    std::thread right([&] {
        CHECK_STATUS(0, aclrtSetDevice(0));
        for (int i = 0; i < 30; i++) {
            queue(scene.b, "xy");
            CHECK_STATUS(0, aclrtRecordEvent(scene.event, scene.b));
            CHECK_STATUS(0, aclrtSynchronizeEvent(scene.event));
        }
    });
    for (const char *schedule : {"shuffle:1", "hold", "deferred", "eager", "hold", "shuffle:2", "", "deferred"}) {
        Scene::use(schedule);
        usleep(500);
        stub_schedule_step(3);
    }
    left.join();
    right.join();
    CHECK(noted().size() == 120);
}

static void exit_does_not_wait_for_held_work() {
    Scene::use("hold");
    queue(new_stream(), "never");
}

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    held_tasks_run_when_told_oldest_first();
    steps_come_from_any_thread_and_release_who_waits();
    held_streams_are_aborted_and_destroyed_by_force();
    a_schedule_may_change_while_tasks_are_queued();
    threads_that_queue_and_one_that_changes_come_to_an_end();
    exit_does_not_wait_for_held_work();
    return 0;
}
