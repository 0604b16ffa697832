// What the stand-in's checks have reported, for the tests of the checks.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ascend_stub/check.h"
#include "check.h"

// Races for device memory are made on purpose here; the stand-in's own memory counts.
extern "C" const char *__tsan_default_suppressions() {
    return "race:copy_bytes\nrace:fill_bytes";
}

// Before the first call: these checks are on, and nothing is printed.
inline void watch(const char *words) {
    setenv("ASCEND_STUB_CHECK", "", 1);
    CHECK_STATUS(0, stub_check_set(words));
    stub_reports_print(false);
}

struct Report {
    stub_check check;
    uint64_t times;
    std::string text;
};

// All of them, which are forgotten then.
inline std::vector<Report> take_reports() {
    std::vector<Report> reports;
    for (size_t i = 0; i < stub_report_count(); i++) {
        Report report{};
        std::string text(stub_report_read(i, &report.check, &report.times, nullptr, 0), '\0');
        stub_report_read(i, nullptr, nullptr, text.data(), text.size());
        report.text = text.c_str();
        reports.push_back(report);
    }
    stub_reports_clear();
    return reports;
}

inline bool is_quiet(const char *file, int line) {
    const auto reports = take_reports();
    for (const Report &report : reports) {
        std::fprintf(stderr, "%s:%d: unexpected: [%s] %s\n", file, line, stub_check_name(report.check),
                     report.text.c_str());
    }
    return reports.empty();
}

// One report of that check, which has all the texts.
inline bool is_reported(stub_check check, const std::vector<const char *> &texts, const char *file, int line) {
    const auto reports = take_reports();
    bool good = reports.size() == 1 && reports[0].check == check;
    for (const char *text : texts) {
        good = good && reports[0].text.find(text) != std::string::npos;
    }
    for (size_t i = 0; !good && i < reports.size(); i++) {
        std::fprintf(stderr, "%s:%d: reported: [%s] %s\n", file, line, stub_check_name(reports[i].check),
                     reports[i].text.c_str());
    }
    return good;
}

#define CHECK_QUIET() CHECK(is_quiet(__FILE__, __LINE__))
#define CHECK_REPORT(check, ...) CHECK(is_reported(check, {__VA_ARGS__}, __FILE__, __LINE__))
