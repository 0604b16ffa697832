/* Executors between their two phases: each is run once, with enough workspace, while its descriptors live. */
#include <inttypes.h>
#include <stdlib.h>

#include "check/check.h"
#include "check/ledger.h"
#include "check/names.h"
#include "check/report.h"

void stub_check_planned(const void *executor, stub_need *needs, size_t count) {
    stub_check_made(STUB_OBJECT_EXECUTOR, executor, 0);
    stub_ledger_set_needs(executor, needs, count);
}

static void report_lost(const stub_need *need, const stub_facts *lost, const void *executor, const char *op) {
    const stub_place *here = stub_place_here();
    stub_facts planned;
    stub_report *report = stub_report_begin(STUB_CHECK_LIFETIME, "%s runs after its %s %s was destroyed", op,
                                            stub_object_name(need->kind), need->param);
    stub_report_line(report, "descriptors have to live until phase two returns, those of a repeatable executor until "
                             "it is destroyed");
    stub_report_place(report, here, "run by %s", op);
    if (lost != NULL) {
        stub_report_life(report, lost);
    }
    if (stub_ledger_find(STUB_OBJECT_EXECUTOR, executor, &planned)) {
        stub_report_place(report, planned.made, "the call was planned by %s", planned.made_by);
    }
    stub_report_end(report);
}

static void look_for_needs(const void *executor, const char *op) {
    size_t count = 0;
    stub_need *needs = stub_ledger_needs(executor, &count);
    for (size_t i = 0; i < count; i++) {
        stub_facts facts;
        const bool known = stub_ledger_find_generation(&needs[i], &facts);
        if (!known || facts.ended_by != NULL) {
            report_lost(&needs[i], known ? &facts : NULL, executor, op);
        }
    }
    free(needs);
}

void stub_check_running(const void *executor, const char *op, bool repeatable) {
    if (stub_check_is_dead(STUB_OBJECT_EXECUTOR, executor)) {
        stub_check_destroyed(STUB_OBJECT_EXECUTOR, executor, op);
        return;
    }
    look_for_needs(executor, op);
    if (!repeatable) {
        stub_check_destroyed(STUB_OBJECT_EXECUTOR, executor, op);
    }
}

void stub_check_small_workspace(const void *executor, const char *op, uint64_t given, uint64_t needed) {
    const stub_place *here = stub_place_here();
    stub_facts planned;
    stub_report *report = stub_report_begin(
        STUB_CHECK_WORKSPACE, "%s is given a workspace of %" PRIu64 " bytes, phase one asked for %" PRIu64, op, given,
        needed);
    stub_report_place(report, here, "run by %s", op);
    if (stub_ledger_find(STUB_OBJECT_EXECUTOR, executor, &planned)) {
        stub_report_place(report, planned.made, "planned by %s", planned.made_by);
    }
    stub_report_end(report);
}
