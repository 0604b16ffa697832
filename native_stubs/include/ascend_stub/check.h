/* The stand-in's checks: mistakes that hardware hides, as reports. Nothing of this exists in CANN.
 *
 * ASCEND_STUB_CHECK=all, or the words below separated by commas, turns checks on for the whole process; a leading minus
 * takes one out ("all,-leaks"); "fatal" aborts at the first report. Reports go to stderr. Link with -lascend_stub. */
#ifndef ASCEND_STUB_CHECK_H
#define ASCEND_STUB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    STUB_CHECK_LEAKS,         /* "leaks": alive at aclFinalize or at the end of the process */
    STUB_CHECK_HANDLES,       /* "handles": handles and descriptors used or destroyed after their end */
    STUB_CHECK_MEMORY,        /* "memory": memory used after its end or freed twice */
    STUB_CHECK_LIFETIME,      /* "lifetime": memory or descriptors that ended before the work that needs them */
    STUB_CHECK_BOUNDS,        /* "bounds": copies and views beyond their allocation */
    STUB_CHECK_UNINITIALISED, /* "uninitialised": reads of device memory that was never written */
    STUB_CHECK_EXECUTORS,     /* "executors": run twice, or never */
    STUB_CHECK_WORKSPACE,     /* "workspace": too small, or overlapping a tensor */
    STUB_CHECK_OVERLAPS,      /* "overlaps": an output over an input that is not the same view */
    STUB_CHECK_RACES,         /* "races": unordered streams at the same bytes, one of them writing */
    STUB_CHECK_CONTEXT,       /* "context": calls from threads without a context */
    STUB_CHECK_PAGEABLE,      /* "pageable": asynchronous copies of memory that is not pinned */
    STUB_CHECK_COUNT
} stub_check;

/* Turns on exactly what the words say ("" turns all off). ACL_ERROR_INVALID_PARAM with a text for an unknown word. */
ACL_FUNC_VISIBILITY aclError stub_check_set(const char *words);

/* The words of what is on, in the order above, and "fatal"; cut to `size`. Returns the full length + 1. */
ACL_FUNC_VISIBILITY size_t stub_check_get(char *buffer, size_t size);

/* "leaks" and so on; NULL for an unknown number. */
ACL_FUNC_VISIBILITY const char *stub_check_name(stub_check check);

/* Reports so far; the same one twice counts once. */
ACL_FUNC_VISIBILITY size_t stub_report_count(void);

/* The text of a report, cut to `size`; returns its full length + 1, 0 for an index beyond the last. `check` and `times`
 * (may be NULL) get which check found it, and how often. */
ACL_FUNC_VISIBILITY size_t stub_report_read(size_t index, stub_check *check, uint64_t *times, char *buffer,
                                            size_t size);

ACL_FUNC_VISIBILITY void stub_reports_clear(void);

/* Whether reports are printed on stderr (they are, unless a program turns that off to read them itself). */
ACL_FUNC_VISIBILITY void stub_reports_print(bool on);

/* Objects made after the mark and alive now become a report of "leaks". */
ACL_FUNC_VISIBILITY uint64_t stub_leak_mark(void);
ACL_FUNC_VISIBILITY void stub_leak_report(uint64_t mark);

/* Who knows more than a C backtrace of where a call comes from: writes "    file:line in function\n" lines into the
 * buffer, or nothing when the calling thread is not its own. Called with no lock held. NULL removes it. */
typedef void (*stub_frame_reader)(char *buffer, size_t size);
ACL_FUNC_VISIBILITY void stub_set_frame_reader(stub_frame_reader reader);

#ifdef __cplusplus
}
#endif

#endif
