/* Tensors of one operator call over each other, and the workspace over a tensor. */
#include <string.h>

#include "check/accesses.h"
#include "check/place.h"
#include "check/report.h"

static bool is_workspace(const stub_access *access) {
    return access->view == 0 && access->mode == STUB_READS_AND_WRITES && strcmp(access->what, "workspace") == 0;
}

static bool is_same_view(const stub_access *a, const stub_access *b) {
    return a->view == b->view && a->first == b->first;
}

static void add_range(stub_report *report, const stub_access *access) {
    char range[256];
    stub_report_line(report, "%s: %s", stub_argument_of(access).text,
                     stub_report_range(access->first, stub_access_end(access), range, sizeof range));
}

static void finish(stub_report *report, const stub_accessor *by, const stub_access *a, const stub_access *b,
                   const char *advice) {
    add_range(report, a);
    add_range(report, b);
    stub_report_line(report, "%s", advice);
    stub_report_place(report, by->place, "%s was called", by->name);
    stub_report_end(report);
}

static void report_workspace(const stub_accessor *by, const stub_access *workspace, const stub_access *tensor) {
    stub_report *report = stub_report_begin(STUB_CHECK_WORKSPACE, "%s: the workspace overlaps %s", by->name,
                                            stub_argument_of(tensor).text);
    finish(report, by, workspace, tensor, "the operator writes its workspace at any time: give it memory of its own");
}

static void report_outputs(const stub_accessor *by, const stub_access *a, const stub_access *b) {
    stub_report *report = stub_report_begin(STUB_CHECK_OVERLAPS, "%s: the outputs %s and %s overlap", by->name,
                                            stub_argument_of(a).text, stub_argument_of(b).text);
    finish(report, by, a, b, "which of the two is left there is undefined: give each memory of its own");
}

static void report_input(const stub_accessor *by, const stub_access *output, const stub_access *input) {
    stub_report *report =
        stub_report_begin(STUB_CHECK_OVERLAPS, "%s: the output %s overlaps the input %s, which is not the same view",
                          by->name, stub_argument_of(output).text, stub_argument_of(input).text);
    finish(report, by, output, input,
           "the input may be overwritten before it is read: give the same address, shape, strides and data type "
           "(in place), or memory that does not overlap");
}

/* What may be touched in part may be touched where the other is not. */
static void check_tensors(const stub_accessor *by, const stub_access *a, const stub_access *b) {
    const bool writes = ((a->mode | b->mode) & STUB_WRITES) != 0;
    if (!writes || a->partial || b->partial || !stub_accesses_overlap(a, b)) {
        return;
    }
    if ((a->mode & b->mode & STUB_WRITES) != 0) {
        report_outputs(by, a, b);
    } else if (!is_same_view(a, b)) {
        const bool a_writes = (a->mode & STUB_WRITES) != 0;
        report_input(by, a_writes ? a : b, a_writes ? b : a);
    }
}

static void check_pair(const stub_accessor *by, const stub_access *a, const stub_access *b) {
    if (a->view != 0 && b->view != 0) {
        check_tensors(by, a, b);
    } else if ((is_workspace(a) ? b : a)->view != 0 && (is_workspace(a) || is_workspace(b)) &&
               stub_accesses_overlap(a, b)) {
        report_workspace(by, is_workspace(a) ? a : b, is_workspace(a) ? b : a);
    }
}

void stub_overlaps_check(const stub_accessor *by) {
    if (!stub_checks(STUB_CHECK_OVERLAPS) && !stub_checks(STUB_CHECK_WORKSPACE)) {
        return;
    }
    const stub_access_list *list = by->accesses;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = i + 1; k < list->count; k++) {
            check_pair(by, &list->items[i], &list->items[k]);
        }
    }
}
