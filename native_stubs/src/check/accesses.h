/* The checks that look at which bytes a task, or the host, touches. Behind stub_is_watched_by(STUB_WATCH_CHECKS). */
#ifndef ASCEND_STUB_CHECK_ACCESSES_H
#define ASCEND_STUB_CHECK_ACCESSES_H

#include "check/books.h"
#include "check/check.h"

/* For tasks.c. When it is queued: bounds, freed memory, overlaps. When it starts: reads of what nobody has written.
 * When it is over, run or not: what it has written. */
void stub_check_accesses(const stub_watched *watched);
void stub_check_reads(const stub_watched *watched);
void stub_check_writes(const stub_watched *watched);

/* From now on what is written to new memory is noted, or nothing is; all that was noted is forgotten. */
void stub_contents_note(bool on);

/* The contents of memory that is freed. */
void stub_contents_forget(const void *address);

/* ---- between these files ---- */

/* Who touches something: a task or a function, and where it was called. */
typedef struct {
    const char *name;
    const stub_place *place;
    const stub_access_list *accesses;
    const stub_check_task *task; /* NULL: the host */
} stub_accessor;

void stub_bounds_check(const stub_accessor *by);
void stub_overlaps_check(const stub_accessor *by);
void stub_contents_read(const stub_accessor *by);
void stub_contents_written(const stub_accessor *by);

/* "self", "tensors[2]". */
typedef struct {
    char text[96];
} stub_argument_name;

stub_argument_name stub_argument_of(const stub_access *access);

#endif
