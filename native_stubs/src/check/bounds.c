/* Accesses beyond their memory, and of memory that was freed. */
#include <inttypes.h>

#include "check/accesses.h"
#include "check/place.h"
#include "check/report.h"
#include "core/memory.h"

/* Memory as it was asked for: what the device's heap knows is always right, the registry knows the places. */
typedef struct {
    uintptr_t address;
    size_t size;
    bool live;
    bool known; /* to the registry, as this very memory */
    stub_check_memory record;
} memory;

static const char *verb_of(const stub_access *access) {
    return access->mode == STUB_READS ? "reads" : access->mode == STUB_WRITES ? "writes" : "reads and writes";
}

static memory device_memory_at(uintptr_t address) {
    memory found = {.address = address};
    stub_allocation live;
    found.known = stub_check_find_memory(address, &found.record);
    found.live = stub_find_allocation((const void *)address, &live);
    if (found.live) {
        found.address = live.address;
        found.size = live.size;
        /* The heap gives the latest; freed memory was here before. */
        found.known = found.known && found.record.freed_by == NULL && found.record.address == live.address;
    }
    return found;
}

/* Pageable memory is nobody's business, and what was freed may belong to the program again. */
static memory host_memory_at(uintptr_t address) {
    memory found = {.address = address};
    found.known = stub_check_find_memory(address, &found.record) && found.record.kind == STUB_OBJECT_PINNED_MEMORY &&
                  found.record.freed_by == NULL;
    found.live = found.known;
    if (found.known) {
        found.address = found.record.address;
        found.size = found.record.size;
    }
    return found;
}

/* A view whose numbers do not fit has no end, see nnopbase/accesses.c. */
static stub_report *begin_beyond(const stub_accessor *by, const stub_access *access, uintptr_t limit) {
    const uintptr_t end = stub_access_end(access);
    const stub_argument_name argument = stub_argument_of(access);
    if (end == UINTPTR_MAX) {
        return stub_report_begin(STUB_CHECK_BOUNDS, "%s: %s reaches beyond all memory", by->name, argument.text);
    }
    stub_report *report =
        stub_report_begin(STUB_CHECK_BOUNDS, "%s: %s reaches %" PRIuPTR " byte%s beyond the end of its memory",
                          by->name, argument.text, end - limit, end - limit == 1 ? "" : "s");
    char range[256];
    stub_report_line(report, "%s %s", verb_of(access), stub_report_range(access->first, end, range, sizeof range));
    return report;
}

static void report_beyond(const stub_accessor *by, const stub_access *access, const memory *in) {
    stub_report *report = begin_beyond(by, access, in->address + in->size);
    stub_report_line(report, "%s",
                     access->view != 0 ? "check shape, strides and offset, or allocate more"
                                       : "check the number of bytes, or allocate more");
    if (in->known) {
        stub_report_place(report, in->record.made, "allocated by %s", in->record.made_by);
    }
    stub_report_place(report, by->place, "%s was called", by->name);
    stub_report_end(report);
}

static void report_freed(const stub_accessor *by, const stub_access *access, const memory *in) {
    char range[256];
    stub_report *report = stub_report_begin(STUB_CHECK_MEMORY, "%s: %s is memory that was freed", by->name,
                                            stub_argument_of(access).text);
    stub_report_line(report, "%s %s", verb_of(access),
                     stub_report_range(access->first, stub_access_end(access), range, sizeof range));
    stub_report_place(report, in->record.made, "allocated by %s", in->record.made_by);
    stub_report_place(report, in->record.freed, "freed by %s", in->record.freed_by);
    stub_report_place(report, by->place, "%s was called", by->name);
    stub_report_end(report);
}

static void report_nowhere(const stub_accessor *by, const stub_access *access) {
    stub_report *report =
        stub_report_begin(STUB_CHECK_BOUNDS, "%s: %s lies in no allocation", by->name, stub_argument_of(access).text);
    stub_report_line(report,
                     "%s %" PRIuPTR " bytes from 0x%" PRIxPTR " on: device memory that was never allocated, or "
                     "freed before the checks were turned on",
                     verb_of(access), stub_access_end(access) - access->first, access->first);
    stub_report_place(report, by->place, "%s was called", by->name);
    stub_report_end(report);
}

static void check_device_access(const stub_accessor *by, const stub_access *access) {
    const memory in = device_memory_at(access->first);
    if (in.live && stub_access_end(access) - in.address > in.size) {
        report_beyond(by, access, &in);
    } else if (!in.live && in.known && in.record.freed_by != NULL) {
        report_freed(by, access, &in);
    } else if (!in.live && !in.known) {
        report_nowhere(by, access);
    }
}

static void check_host_access(const stub_accessor *by, const stub_access *access) {
    const memory in = host_memory_at(access->first);
    if (in.live && stub_access_end(access) - in.address > in.size) {
        report_beyond(by, access, &in);
    }
}

void stub_bounds_check(const stub_accessor *by) {
    if (!stub_checks(STUB_CHECK_BOUNDS) && !stub_checks(STUB_CHECK_MEMORY)) {
        return;
    }
    for (size_t i = 0; i < by->accesses->count; i++) {
        const stub_access *access = &by->accesses->items[i];
        if (stub_is_device_address((const void *)access->first)) {
            check_device_access(by, access);
        } else {
            check_host_access(by, access);
        }
    }
}
