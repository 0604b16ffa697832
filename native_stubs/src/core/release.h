/* The release of CANN that is played: ASCEND_STUB_CANN, read on first use; and what came with which release. */
#ifndef ASCEND_STUB_CORE_RELEASE_H
#define ASCEND_STUB_CORE_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/export.h"

/* No function of CANN's is newer than this: the stand-in's own release, behaviour of 9.1 with all functions. */
#define STUB_RELEASE_LATEST 902

/* 801, 805, 900, 901, or STUB_RELEASE_LATEST when nothing is asked for. */
STUB_EXPORT int stub_release(void);

/* Differences in behaviour, each under a name. */

/* Copies and fills of nothing succeed before anything else is looked at; older releases refuse a count of 0 (107000).
 */
static inline bool stub_release_copies_nothing(void) {
    return stub_release() >= 901;
}

/* Handles are tagged objects, and a destroyed one is recognised (107017, for a context 107000). */
static inline bool stub_release_checks_handles(void) {
    return stub_release() >= 901;
}

/* Asynchronous copies of pageable memory are over when the call returns. */
static inline bool stub_release_waits_for_pageable(void) {
    return stub_release() >= 805;
}

/* Status of a task whose remote partner failed: 507057 (ACL_ERROR_RT_SUSPECT_REMOTE_ERROR), which CANN 8.1 has not. */
static inline int stub_release_remote_error(void) {
    return stub_release() >= 805 ? 507057 : 507000;
}

/* A function (both of an operator's) that came after CANN 8.1. Generated from the catalogue, by name. */
typedef struct {
    const char *name;
    int since;
} stub_later_function;

extern const stub_later_function stub_later_functions[];
extern const size_t stub_later_function_count;

#endif
