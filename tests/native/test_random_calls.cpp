// The runtime under random calls, legal and not, in random order on several threads: no crash, no hang, and no status
// that CANN does not have. Seeds are fixed; "test_random_calls SEED" runs one more.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "ascend_stub/check.h"
#include "ascend_stub/schedule.h"
#include "lane.h"

// The device memory that tasks race for is the program's mistake, and meant; the stand-in's own memory counts.
extern "C" const char *__tsan_default_suppressions() {
    return "race:fill_bytes\nrace:copy_bytes\nrace:^step(";
}

namespace {

constexpr int thread_count = 4;
constexpr int steps = 1500; // per thread
constexpr unsigned hang_s = 120;

// Ranges of shared/cann's status tables: ACL, runtime, resources, device; a timed wait may end as such.
bool is_known(int status) {
    static const int ranges[][2] = {{0, 0},           {100000, 100060}, {107000, 107045}, {161001, 161003},
                                    {200000, 200007}, {207000, 207021}, {300000, 300000}, {361001, 361001},
                                    {500000, 500005}, {507000, 507057}, {507899, 507916}, {561000, 561112}};
    for (const auto &range : ranges) {
        if (status >= range[0] && status <= range[1]) {
            return true;
        }
    }
    return false;
}

void check_known(int status, const char *call) {
    if (!is_known(status)) {
        std::fprintf(stderr, "%s answered %d, which is no status of CANN's\n", call, status);
        check_failed();
    }
}

#define TRY(call) check_known((int)(call), #call)

// What a thread has made: some of it is destroyed, and used all the same.
class Player {
  public:
    Player(unsigned seed, int number) : random_(seed * 31u + static_cast<unsigned>(number)) {
        TRY(aclrtSetDevice(number % 2));
        TRY(aclrtMallocHost(&pinned_, bytes));
    }

    void play() {
        using move = void (Player::*)();
        static const move moves[] = {&Player::make_stream, &Player::make_event,     &Player::allocate,
                                     &Player::record,      &Player::wait,           &Player::copy,
                                     &Player::copy,        &Player::call_operator,  &Player::call_operator,
                                     &Player::synchronize, &Player::query,          &Player::set_memory,
                                     &Player::give_back,   &Player::change_context, &Player::misuse};
        for (int i = 0; i < steps; i++) {
            (this->*moves[below(sizeof moves / sizeof *moves)])();
        }
    }

    // Nothing that is queued may last for ever, so that destruction may wait.
    ~Player() {
        TRY(aclrtSetDevice(0));
        for (aclrtStream stream : streams_) {
            TRY(aclrtStreamAbort(stream));
            TRY(aclrtDestroyStreamForce(stream));
        }
        for (aclrtEvent event : events_) {
            TRY(aclrtDestroyEvent(event));
        }
        for (void *block : blocks_) {
            TRY(aclrtFree(block));
        }
        // Not pinned_: a copy that was running when its stream was destroyed by force may still use it.
    }

  private:
    static constexpr size_t bytes = 4096;

    size_t below(size_t count) {
        return random_() % count;
    }
    bool chance(unsigned percent) {
        return below(100) < percent;
    }
    template <typename T> T any(const std::vector<T> &from) {
        return from.empty() || chance(3) ? nullptr : from[below(from.size())];
    }

    void make_stream() {
        aclrtStream stream = nullptr;
        if (streams_.size() < 6) {
            TRY(aclrtCreateStreamWithConfig(&stream, static_cast<uint32_t>(below(10)),
                                            static_cast<uint32_t>(below(4))));
            keep(streams_, stream);
        } else {
            destroy_stream();
        }
    }
    void destroy_stream() {
        aclrtStream stream = any(streams_);
        if (chance(50)) { // a wait for an event that never comes would hold the other form
            TRY(aclrtStreamAbort(stream));
        }
        TRY(aclrtDestroyStreamForce(stream));
        if (!chance(10)) {
            forget(streams_, stream);
        }
    }
    void make_event() {
        aclrtEvent event = nullptr;
        if (events_.size() < 8) {
            const uint32_t flags[] = {ACL_EVENT_SYNC, ACL_EVENT_TIME_LINE, ACL_EVENT_CAPTURE_STREAM_PROGRESS, 0x77, 0};
            TRY(chance(50) ? aclrtCreateEvent(&event) : aclrtCreateEventExWithFlag(&event, flags[below(5)]));
            keep(events_, event);
        } else {
            event = any(events_);
            TRY(aclrtDestroyEvent(event));
            if (!chance(10)) {
                forget(events_, event);
            }
        }
    }
    void allocate() {
        void *block = nullptr;
        const size_t sizes[] = {0, 1, 511, bytes, bytes, 3 << 20, SIZE_MAX - 40, SIZE_MAX / 2};
        TRY(aclrtMalloc(&block, sizes[below(8)], static_cast<aclrtMemMallocPolicy>(below(12))));
        keep(blocks_, block);
    }
    void give_back() {
        void *block = any(blocks_);
        TRY(chance(90) ? aclrtFree(block) : aclrtFree(static_cast<char *>(block) + 1));
        if (!chance(10)) {
            forget(blocks_, block);
        }
    }
    void record() {
        TRY(aclrtRecordEvent(any(events_), any(streams_)));
        if (chance(10)) {
            TRY(aclrtResetEvent(any(events_), any(streams_)));
        }
    }
    void wait() {
        TRY(aclrtStreamWaitEvent(any(streams_), any(events_)));
    }
    void copy() {
        void *device = any(blocks_);
        const size_t count = chance(95) ? below(64) : below(1u << 20);
        const aclrtMemcpyKind kind = static_cast<aclrtMemcpyKind>(below(7));
        const bool up = chance(50);
        void *to = up ? device : pinned_;
        void *from = up ? pinned_ : device;
        if (count <= 512) { // the host's side is real memory: beyond it the program itself would be wrong
            TRY(chance(50) ? aclrtMemcpy(to, bytes, from, count, kind)
                           : aclrtMemcpyAsync(to, bytes, from, count, kind, any(streams_)));
        }
        TRY(aclrtMemcpyAsync(any(blocks_), below(bytes), any(blocks_), count, ACL_MEMCPY_DEVICE_TO_DEVICE,
                             any(streams_)));
    }
    void set_memory() {
        TRY(aclrtMemsetAsync(any(blocks_), bytes, 7, below(2 * bytes), any(streams_)));
        TRY(aclrtMemset(any(blocks_), bytes, 7, below(2 * bytes)));
    }
    void call_operator() {
        stub_value args[3];
        args[0].tensor = number_tensor(any(blocks_));
        args[1].integer = 0;
        args[2].integer = -1;
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        TRY(stub_phase_one(&step_operator, args, &size, &executor));
        if (chance(10)) {
            TRY(aclSetAclOpExecutorRepeatable(executor));
        }
        if (chance(90)) {
            TRY(stub_phase_two(&step_operator, nullptr, size, executor, any(streams_)));
        }
        TRY(chance(50) ? aclDestroyAclOpExecutor(executor)
                       : stub_phase_two(&step_operator, nullptr, size, executor, any(streams_)));
        aclDestroyTensor(args[0].tensor);
    }
    void synchronize() {
        TRY(aclrtSynchronizeStreamWithTimeout(any(streams_), static_cast<int32_t>(below(4)) - 1 > 0 ? 2 : 1));
        TRY(aclrtSynchronizeEventWithTimeout(any(events_), 1));
    }
    void query() {
        aclrtStreamStatus stream = ACL_STREAM_STATUS_RESERVED;
        aclrtEventRecordedStatus event = ACL_EVENT_RECORDED_STATUS_NOT_READY;
        float ms = 0;
        TRY(aclrtStreamQuery(any(streams_), &stream));
        TRY(aclrtQueryEventStatus(any(events_), &event));
        TRY(aclrtEventElapsedTime(&ms, any(events_), any(events_)));
        aclGetRecentErrMsg();
    }
    void change_context() {
        aclrtContext context = nullptr;
        TRY(aclrtGetCurrentContext(&context));
        TRY(aclrtSetCurrentContext(chance(90) ? context : pinned_));
        TRY(aclrtSetDevice(static_cast<int32_t>(below(10)) - 1));
    }
    // Handles of another kind, memory that is no handle, NULL.
    void misuse() {
        void *wrong[] = {
            nullptr, pinned_, this, any(blocks_), any(events_), any(streams_), reinterpret_cast<void *>(8)};
        void *handle = wrong[below(7)];
        void *stream = handle == nullptr ? pinned_ : handle; // NULL is the default stream, which takes all of this
        if (std::find(streams_.begin(), streams_.end(), stream) == streams_.end()) {
            TRY(aclrtDestroyStream(stream));
            TRY(aclrtSynchronizeStream(stream));
        }
        if (std::find(events_.begin(), events_.end(), handle) == events_.end()) {
            TRY(aclrtDestroyEvent(handle));
            TRY(aclrtRecordEvent(handle, any(streams_)));
        }
        TRY(aclrtSetCurrentContext(wrong[below(7)]));
        TRY(aclrtDestroyContext(wrong[below(7)]));
        TRY(aclDestroyAclOpExecutor(static_cast<aclOpExecutor *>(handle)));
        TRY(aclrtFreeHost(handle == pinned_ ? nullptr : handle));
    }

    template <typename T> static void keep(std::vector<T> &into, T made) {
        if (made != nullptr) {
            into.push_back(made);
        }
    }
    template <typename T> static void forget(std::vector<T> &from, T gone) {
        from.erase(std::remove(from.begin(), from.end(), gone), from.end());
    }

    std::mt19937 random_;
    std::vector<aclrtStream> streams_;
    std::vector<aclrtEvent> events_;
    std::vector<void *> blocks_;
    void *pinned_ = nullptr;
};

void random_calls_neither_crash_nor_hang_nor_answer_unknown_statuses(unsigned seed) {
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; i++) {
        threads.emplace_back([seed, i] { Player(seed, i).play(); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

} // namespace

int main(int argc, char **argv) {
    alarm(hang_s);
    setenv("ASCEND_STUB_HBM", "64M", 0);
    CHECK_STATUS(0, aclInit(nullptr));
    for (unsigned seed = 1; seed <= 2; seed++) {
        random_calls_neither_crash_nor_hang_nor_answer_unknown_statuses(seed);
    }
    if (argc > 1) {
        random_calls_neither_crash_nor_hang_nor_answer_unknown_statuses(static_cast<unsigned>(std::atoi(argv[1])));
    }
    for (const char *schedule : {"eager", "deferred", "shuffle:3"}) {
        CHECK_STATUS(0, stub_schedule_set(schedule));
        random_calls_neither_crash_nor_hang_nor_answer_unknown_statuses(3);
    }
    CHECK_STATUS(0, stub_schedule_set(""));
    stub_reports_print(false);
    CHECK_STATUS(0, stub_check_set("all"));
    random_calls_neither_crash_nor_hang_nor_answer_unknown_statuses(4);
    CHECK(stub_report_count() > 0);
    CHECK_STATUS(0, stub_check_set(""));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
