/* One report: a headline, lines, places. Built by the check that found it, then printed on stderr and kept for
 * stub_report_read. */
#ifndef ASCEND_STUB_CHECK_REPORT_H
#define ASCEND_STUB_CHECK_REPORT_H

#include "ascend_stub/check.h"
#include "check/check.h"
#include "check/place.h"
#include "core/error.h"

typedef struct stub_report stub_report;

/* NULL when that check is off (or without memory); the others then do nothing. The headline says what is wrong in one
 * sentence, without a full stop; the lines and places explain. */
STUB_EXPORT stub_report *stub_report_begin(stub_check check, const char *headline, ...) STUB_PRINTF(2, 3);
STUB_EXPORT void stub_report_line(stub_report *report, const char *format, ...) STUB_PRINTF(2, 3);
/* "  allocated by aclrtMalloc at\n" and the place's lines; `what` is "allocated by aclrtMalloc". */
STUB_EXPORT void stub_report_place(stub_report *report, const stub_place *place, const char *what, ...)
    STUB_PRINTF(3, 4);
/* Reports of one key (not 0) are the same, whatever differs in their texts. */
STUB_EXPORT void stub_report_key(stub_report *report, uint64_t key);
/* Prints and keeps it. The same report again is only counted. With ASCEND_STUB_CHECK=...,fatal the process aborts. */
STUB_EXPORT void stub_report_end(stub_report *report);

/* "bytes [16, 64) of the 48 bytes that aclrtMalloc gave at 0x..." for a range, into the caller's buffer. */
STUB_EXPORT const char *stub_report_range(uintptr_t begin, uintptr_t end, char *buffer, size_t size);

#endif
