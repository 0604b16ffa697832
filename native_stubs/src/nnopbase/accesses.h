/* Which bytes a queued operator call will touch, for those who watch; see watch/access.h. */
#ifndef ASCEND_STUB_NNOPBASE_ACCESSES_H
#define ASCEND_STUB_NNOPBASE_ACCESSES_H

#include "core/stream.h"
#include "nnopbase/call.h"

/* The describe function of an executor's task. */
void stub_describe_executor(const stub_task *task, stub_access_list *accesses);

/* Whether the operator may leave a part of argument `arg` unread: then nothing follows from unwritten bytes there. */
bool stub_reads_in_part(const stub_call *call, uint32_t arg);

#endif
