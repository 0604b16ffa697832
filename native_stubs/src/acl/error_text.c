/* Error texts, the last error of a thread and the application log. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl.h"
#include "core/error.h"

#define QUIET_BELOW_DEFAULT ACL_ERROR /* as CANN: errors only */
#define LINE_BYTES 1024

const char *aclGetRecentErrMsg(void) {
    return stub_error_take();
}

static aclError check_level(const char *function, aclrtLastErrLevel level) {
    if (level == ACL_RT_THREAD_LEVEL) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: level is %d; only ACL_RT_THREAD_LEVEL (0) is allowed.", function,
                     (int)level);
}

aclError aclrtGetLastError(aclrtLastErrLevel level) {
    aclError status = check_level("aclrtGetLastError", level);
    return status == ACL_SUCCESS ? stub_last_error_take() : status;
}

aclError aclrtPeekAtLastError(aclrtLastErrLevel level) {
    aclError status = check_level("aclrtPeekAtLastError", level);
    return status == ACL_SUCCESS ? stub_last_error_peek() : status;
}

/* CANN's variable: 0 debug, 1 info, 2 warning, 3 error, 4 nothing. */
static int quietest_level(void) {
    const char *text = getenv("ASCEND_GLOBAL_LOG_LEVEL");
    return text != NULL && text[0] >= '0' && text[0] <= '4' && text[1] == '\0' ? text[0] - '0' : QUIET_BELOW_DEFAULT;
}

void aclAppLog(aclLogLevel logLevel, const char *func, const char *file, uint32_t line, const char *fmt, ...) {
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    if (func == NULL || file == NULL || fmt == NULL || (unsigned)logLevel > ACL_ERROR ||
        (int)logLevel < quietest_level()) {
        return;
    }
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    fprintf(stderr, "[%s] APP %s:%s:%u: %s\n", names[logLevel], func, file, (unsigned)line, text);
}
