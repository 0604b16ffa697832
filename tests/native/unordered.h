// For the tests of races and lifetimes: work on streams that touches what it says, and takes any time; every case runs
// under all schedules, as nothing may depend on when a task runs.
#pragma once

#include <unistd.h>

#include <atomic>
#include <functional>
#include <random>

#include "ascend_stub/schedule.h"
#include "reports.h"
#include "views.h"

inline aclnnStatus take_a_while(const stub_call *) {
    static std::atomic<unsigned> calls{0};
    usleep(std::minstd_rand(++calls)() % 150);
    return 0;
}

inline const stub_kernel slow_kernel = {plan_workspace, take_a_while};
inline const stub_operator fill_op = {"aclnnFill", write_params, 1, &slow_kernel};
inline const stub_operator use_op = {"aclnnUse", read_params, 1, &slow_kernel};

inline void fill(aclrtStream stream, void *memory, int64_t bytes = 64) {
    call(fill_op, {{{memory, {bytes}}}}, stream);
}

inline void use(aclrtStream stream, void *memory, int64_t bytes = 64) {
    call(use_op, {{{memory, {bytes}}}}, stream);
}

inline void finish_all() {
    CHECK_STATUS(0, aclrtSynchronizeDevice());
}

inline const char *const schedules[] = {"", "", "eager", "deferred", "shuffle:1", "shuffle:2", "shuffle:3"};

using Words = std::vector<const char *>;

// Exactly `count` reports of a check, all with these words, however the tasks are run.
inline void always(int line, stub_check check, size_t count, const Words &words, const std::function<void()> &play) {
    for (const char *schedule : schedules) {
        CHECK_STATUS(0, stub_schedule_set(schedule));
        play();
        finish_all();
        const auto reports = take_reports();
        bool good = reports.size() == count;
        for (const Report &report : reports) {
            good = good && report.check == check;
            for (const char *word : words) {
                good = good && report.text.find(word) != std::string::npos;
            }
        }
        if (!good) {
            std::fprintf(stderr, "line %d, schedule \"%s\": %zu reports instead of %zu\n", line, schedule,
                         reports.size(), count);
            for (const Report &report : reports) {
                std::fprintf(stderr, "[%s] %s\n", stub_check_name(report.check), report.text.c_str());
            }
        }
        CHECK(good);
    }
    CHECK_STATUS(0, stub_schedule_set(""));
}

#define RACES(count, words, ...) always(__LINE__, STUB_CHECK_RACES, count, words, __VA_ARGS__)
#define LEGAL(...) always(__LINE__, STUB_CHECK_RACES, 0, {}, __VA_ARGS__)
