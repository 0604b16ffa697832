/* When the stand-in's streams run their tasks. Nothing of this exists in CANN. Link with -lascend_stub. */
#ifndef ASCEND_STUB_SCHEDULE_H
#define ASCEND_STUB_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "" as soon as the stream's worker gets to it (the default), "eager" before the call that queues it returns (unless it
 * has to wait for other work), "deferred" as late as legal: when somebody waits for it, "shuffle:<seed>" one at a time,
 * in an order across streams that follows from the seed, "hold" when stub_schedule_step says so. Takes effect for tasks
 * that have not started. ACL_ERROR_INVALID_PARAM with a text for anything else. */
ACL_FUNC_VISIBILITY aclError stub_schedule_set(const char *schedule);

/* The schedule in force, in the words of stub_schedule_set: written to `schedule` as far as `size` allows, with a NUL.
 * Returns its length. */
ACL_FUNC_VISIBILITY size_t stub_schedule_get(char *schedule, size_t size);

/* While "hold": lets this many of the tasks that are ready run, oldest first, and waits for them; returns how many
 * ran. UINT64_MAX: until none is left. */
ACL_FUNC_VISIBILITY uint64_t stub_schedule_step(uint64_t tasks);

#ifdef __cplusplus
}
#endif

#endif
