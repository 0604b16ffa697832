/* What is alive when it should not be any more: the table of what was made and destroyed, and each place. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check/ledger.h"
#include "check/names.h"
#include "check/report.h"
#include "check/settings.h"
#include "core/context.h"

#define MOST_PLACES 30u

typedef struct {
    uint64_t left, bytes;
} remainder_of_kind;

static bool is_unrun(const stub_facts *leak) {
    return leak->kind == STUB_OBJECT_EXECUTOR && !leak->repeatable;
}

/* ---- executors ---- */

static void report_unrun(const stub_facts *leak) {
    const int length = (int)(sizeof "GetWorkspaceSize" - 1);
    char name[160];
    const int whole = snprintf(name, sizeof name, "%s", leak->made_by);
    if (whole > length && whole < (int)sizeof name) {
        name[whole - length] = '\0';
    }
    stub_report *report = stub_report_begin(STUB_CHECK_EXECUTORS, "an executor of %s was never run", name);
    stub_report_line(report, "phase two, or aclDestroyAclOpExecutor, gives it back");
    stub_report_place(report, leak->made, "made by %s", leak->made_by);
    stub_report_end(report);
}

/* ---- the others ---- */

static size_t count_leaks(const stub_facts *leaks, size_t count, remainder_of_kind left[STUB_OBJECT_COUNT]) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_unrun(&leaks[i])) {
            left[leaks[i].kind].left++;
            left[leaks[i].kind].bytes += leaks[i].size;
            total++;
        }
    }
    return total;
}

static void write_table(stub_report *report, const remainder_of_kind left[STUB_OBJECT_COUNT]) {
    stub_tally tallies[STUB_OBJECT_COUNT];
    stub_ledger_tallies(tallies);
    stub_report_line(report, "%-24s %10s %10s %10s", "", "made", "destroyed", "left");
    for (int kind = 0; kind < STUB_OBJECT_COUNT; kind++) {
        const stub_tally *tally = &tallies[kind];
        if (tally->made == 0) {
            continue;
        }
        char bytes[40] = "";
        if (left[kind].bytes > 0) {
            snprintf(bytes, sizeof bytes, "  (%" PRIu64 " bytes)", left[kind].bytes);
        }
        stub_report_line(report, "%-24s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "%s",
                         stub_object_name((stub_object_kind)kind), tally->made, tally->destroyed, left[kind].left,
                         bytes);
    }
}

static bool is_same_group(const stub_facts *a, const stub_facts *b) {
    return a->kind == b->kind && a->made == b->made && a->made_by == b->made_by;
}

static bool is_first_of_group(const stub_facts *leaks, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (is_same_group(&leaks[i], &leaks[at])) {
            return false;
        }
    }
    return true;
}

static void write_group(stub_report *report, const stub_facts *leaks, size_t count, size_t at) {
    const stub_facts *first = &leaks[at];
    size_t same = 0;
    uint64_t bytes = 0;
    for (size_t i = at; i < count; i++) {
        if (is_same_group(&leaks[i], first)) {
            same++;
            bytes += leaks[i].size;
        }
    }
    if (bytes > 0) {
        stub_report_place(report, first->made, "%zu x %s (%" PRIu64 " bytes), made by %s", same,
                          stub_object_name(first->kind), bytes, first->made_by);
    } else {
        stub_report_place(report, first->made, "%zu x %s, made by %s", same, stub_object_name(first->kind),
                          first->made_by);
    }
}

static void write_places(stub_report *report, const stub_facts *leaks, size_t count) {
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_unrun(&leaks[i]) || !is_first_of_group(leaks, i)) {
            continue;
        }
        if (++groups > MOST_PLACES) {
            stub_report_line(report, "and more, made at other places");
            return;
        }
        write_group(report, leaks, count, i);
    }
}

static void report_leaks(uint64_t mark, const char *when) {
    size_t count = 0;
    remainder_of_kind left[STUB_OBJECT_COUNT] = {{0, 0}};
    stub_facts *leaks = stub_ledger_leaks(mark, &count);
    const size_t total = count_leaks(leaks, count, left);
    if (total > 0) {
        stub_report *report = stub_report_begin(STUB_CHECK_LEAKS, "%zu object%s not destroyed %s", total,
                                                total == 1 ? " was" : "s were", when);
        write_table(report, left);
        write_places(report, leaks, count);
        stub_report_end(report);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_unrun(&leaks[i])) {
            report_unrun(&leaks[i]);
        }
    }
    free(leaks);
}

uint64_t stub_leak_mark(void) {
    return stub_ledger_mark();
}

void stub_leak_report(uint64_t mark) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        report_leaks(mark, "by the end of what was watched");
    }
}

void stub_check_end_of_process(const char *when) {
    char text[80];
    snprintf(text, sizeof text, "before %s", when);
    report_leaks(0, text);
}

/* When the process never finalized, or went on after that. Later than all of the program's own destructors. */
__attribute__((destructor)) static void look_for_leaks(void) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_end_of_process("the end of the process");
    }
}
