// Long queues: a caller that is ahead of its stream waits, memory stays bounded, and nothing is lost or overtaken.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "lane.h"

namespace {

constexpr int depth = 100; // of every stream here
constexpr int calls = 100000;
constexpr long most_kib = 48 * 1024; // far less than 100,000 executors need, with room for a sanitizer's own memory

// Queues calls one after the other; returns how many were waiting or running at most.
int queue_calls(const Lane &lane, int count, bool replayed) {
    aclOpExecutor *executor = replayed ? lane.phase_one(-1) : nullptr;
    if (replayed) {
        CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(executor));
    }
    int most = 0;
    for (int i = 0; i < count; i++) {
        lane.phase_two(replayed ? executor : lane.phase_one(i));
        most = std::max(most, i + 1 - lane.run());
    }
    if (replayed) {
        CHECK_STATUS(0, aclDestroyAclOpExecutor(executor)); // runs are still queued
    }
    lane.synchronize();
    return most;
}

void check_queue(int count, bool replayed) {
    Lane lane(0);
    const int most = queue_calls(lane, count, replayed);
    CHECK(most <= depth);
    CHECK(lane.run() == count && lane.state() == count);
}

void a_queue_of_100000_calls_needs_bounded_memory(bool replayed) {
    check_queue(2 * depth, replayed);
    const long before = resident_kib();
    check_queue(calls, replayed);
    CHECK(resident_kib() - before < most_kib);
}

void eight_queues_at_once_need_bounded_memory(bool replayed) {
    const long before = resident_kib();
    std::vector<std::thread> threads;
    for (int i = 0; i < lane_count; i++) {
        threads.emplace_back([i, replayed] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            {
                Lane lane(i);
                CHECK(queue_calls(lane, calls / lane_count, replayed) <= depth);
                CHECK(lane.state() == calls / lane_count);
            }
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(resident_kib() - before < most_kib);
}

// A host function that keeps the stream until the promise is fulfilled.
void wait_for(void *promise) {
    static_cast<std::promise<void> *>(promise)->get_future().wait();
}

void a_held_stream_makes_its_caller_wait() {
    Lane lane(0);
    std::promise<void> gate;
    std::atomic<int> queued{0};
    CHECK_STATUS(0, aclrtLaunchHostFunc(lane.stream(), wait_for, &gate));
    std::thread caller([&] {
        CHECK_STATUS(0, aclrtSetDevice(0));
        for (int i = 0; i < 3 * depth; i++) {
            lane.phase_two(lane.phase_one(i));
            queued++;
        }
        CHECK_STATUS(0, aclrtResetDevice(0));
    });
    while (queued < depth - 1) { // the host function has a place too
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5)); // time for one too many
    CHECK(queued == depth - 1 && lane.run() == 0);
    gate.set_value();
    caller.join();
    lane.synchronize();
    CHECK(lane.state() == 3 * depth);
}

long sleeps_of_this_thread() {
    rusage usage;
    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nvcsw;
}

void note_sleeps(void *sleeps) {
    *static_cast<long *>(sleeps) = sleeps_of_this_thread();
}

// A queue with room and work in it puts neither side to sleep.
void nobody_sleeps_while_the_worker_is_busy() {
    constexpr int some = depth - 10;
    constexpr long few = 5; // what the system does on its own account
    Lane lane(0);
    std::promise<void> gate;
    long first = -1, last = -1;
    CHECK_STATUS(0, aclrtLaunchHostFunc(lane.stream(), wait_for, &gate));
    CHECK_STATUS(0, aclrtLaunchHostFunc(lane.stream(), note_sleeps, &first));
    const long before = sleeps_of_this_thread();
    for (int i = 0; i < some; i++) {
        lane.phase_two(lane.phase_one(i));
    }
    CHECK(sleeps_of_this_thread() - before <= few);
    CHECK_STATUS(0, aclrtLaunchHostFunc(lane.stream(), note_sleeps, &last));
    gate.set_value();
    lane.synchronize();
    CHECK(first >= 0 && last - first <= few);
}

// Every call waits for the one before: the worker goes to sleep and is woken over and over.
void a_worker_wakes_up_for_every_call() {
    Lane lane(0);
    for (int i = 0; i < 2000; i++) {
        lane.phase_two(lane.phase_one(i));
        if (i % 16 == 0) {
            usleep(20);
        }
        lane.synchronize();
        CHECK(lane.run() == i + 1);
    }
}

void two_threads_may_share_a_stream() {
    Lane lane(0);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++) {
        threads.emplace_back([&lane] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            for (int call = 0; call < 5000; call++) {
                lane.phase_two(lane.phase_one(-1));
            }
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    lane.synchronize();
    CHECK(lane.run() == 10000 && lane.state() == 10000);
}

// While streams are busy others come and go.
void streams_may_be_aborted_and_destroyed_while_busy() {
    for (int round = 0; round < 100; round++) {
        Lane lane(round % lane_count);
        for (int i = 0; i < depth; i++) {
            lane.phase_two(lane.phase_one(i));
        }
        if (round % 2 == 0) {
            CHECK_STATUS(0, aclrtStreamAbort(lane.stream()));
            CHECK(lane.run() <= depth);
        }
    }
}

} // namespace

int main() {
    setenv("ASCEND_STUB_QUEUE_DEPTH", std::to_string(depth).c_str(), 1);
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    for (const bool replayed : {false, true}) {
        a_queue_of_100000_calls_needs_bounded_memory(replayed);
        eight_queues_at_once_need_bounded_memory(replayed);
    }
    a_held_stream_makes_its_caller_wait();
    nobody_sleeps_while_the_worker_is_busy();
    a_worker_wakes_up_for_every_call();
    two_threads_may_share_a_stream();
    streams_may_be_aborted_and_destroyed_while_busy();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
