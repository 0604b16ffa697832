/* Which bytes a task reads and writes: what checks and the trace know of queued work. Made only while somebody
 * watches. */
#ifndef ASCEND_STUB_WATCH_ACCESS_H
#define ASCEND_STUB_WATCH_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

typedef enum { STUB_READS = 1, STUB_WRITES = 2, STUB_READS_AND_WRITES = 3 } stub_access_mode;

#define STUB_ACCESS_RANK 8

/* The bytes first + i0 * dims[0].stride + i1 * dims[1].stride + ... + [0, run) with 0 <= ik < dims[k].count. Outermost
 * dimension first; counts above 1, strides above 0 and never below what is inside of them (an access that would break
 * that is described by the range it spans, with `bounding`). */
typedef struct {
    uintptr_t first;
    size_t run;
    uint32_t rank;
    struct {
        size_t count, stride;
    } dims[STUB_ACCESS_RANK];
    stub_access_mode mode;
    bool partial;     /* some of the bytes may never be touched: nothing is concluded from reads of unwritten ones */
    bool bounding;    /* more bytes than are touched: no race or overlap is concluded from it */
    const char *what; /* "self", "workspace", "dst"; static text */
    uint32_t item;    /* of a tensor list: 1 for the first; 0: no list */
    uint32_t view;    /* of a tensor: equal for equal shapes, strides and data types; 0: no tensor */
} stub_access;

typedef struct {
    stub_access *items;
    size_t count, capacity;
} stub_access_list;

/* Appends a copy; accesses of no bytes and of NULL are left out. Without memory the list stays as it is. */
STUB_EXPORT void stub_access_add(stub_access_list *list, const stub_access *access);
STUB_EXPORT void stub_access_free(stub_access_list *list);

/* The range an access spans. */
STUB_EXPORT uintptr_t stub_access_end(const stub_access *access);

/* Whether two accesses share a byte, exactly. False for bounding ones, and in the rare case that the work to find out
 * exceeds a bound. */
STUB_EXPORT bool stub_accesses_overlap(const stub_access *a, const stub_access *b);

#endif
