/* A timeline of calls, tasks and memory in the Chrome trace format. Nothing of this exists in CANN. Link with
 * -lascend_stub. ASCEND_STUB_TRACE=FILE traces the whole process. */
#ifndef ASCEND_STUB_TRACE_H
#define ASCEND_STUB_TRACE_H

#include "acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Traces into a file from now on. ACL_ERROR_INVALID_FILE with a text when it cannot be written,
 * ACL_ERROR_REPEAT_INITIALIZE when a trace is running. */
ACL_FUNC_VISIBILITY aclError stub_trace_begin(const char *file);

/* Ends the trace; the file is complete when this returns. ACL_ERROR_UNINITIALIZE when none is running. */
ACL_FUNC_VISIBILITY aclError stub_trace_end(void);

#ifdef __cplusplus
}
#endif

#endif
