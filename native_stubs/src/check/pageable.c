/* See pageable.h. */
#include "check/pageable.h"

#include "check/place.h"
#include "check/report.h"
#include "core/memory.h"

static size_t extent_of(const stub_copy *copy, size_t pitch) {
    return (copy->height - 1) * pitch + copy->width;
}

static void report(const char *function, const char *side, const void *address, size_t size) {
    const bool begins_pinned = stub_is_pinned(address, 1);
    stub_report *report = stub_report_begin(STUB_CHECK_PAGEABLE, "%s: %s is %s", function, side,
                                            begins_pinned ? "pinned memory only in part" : "pageable host memory");
    stub_report_line(report, "%zu bytes at %p %s", size, address,
                     begins_pinned ? "reach beyond what is pinned" : "are not pinned");
    stub_report_line(report, "CANN 8.5 and later wait for the stream and copy before the call returns; earlier ones "
                             "copy later, from memory that may be gone by then");
    stub_report_line(report, "use memory from aclrtMallocHost, register it with aclrtHostRegister, or give the kind "
                             "ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE (5)");
    stub_report_place(report, stub_place_here(), "called");
    stub_report_end(report);
}

static void look_at(const char *function, const char *side, const void *address, size_t size) {
    if (!stub_is_device_address(address) && !stub_is_pinned(address, size)) {
        report(function, side, address, size);
    }
}

void stub_check_pageable(const char *function, const stub_copy *copy) {
    if (stub_checks(STUB_CHECK_PAGEABLE)) {
        look_at(function, "dst", copy->dst, extent_of(copy, copy->dst_pitch));
        look_at(function, "src", copy->src, extent_of(copy, copy->src_pitch));
    }
}
