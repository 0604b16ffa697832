/* Error text and the per-thread last error. Every failing call leaves one readable sentence here. */
#ifndef ASCEND_STUB_CORE_ERROR_H
#define ASCEND_STUB_CORE_ERROR_H

#include <stddef.h>

#include "core/export.h"

#ifdef __GNUC__
#define STUB_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define STUB_PRINTF(at, first)
#endif

/* Adds a formatted message to the calling thread's list and returns `status`, so callers can write
 * `return stub_fail(ACL_ERROR_INVALID_PARAM, "...")`. A message says what was given, what is allowed and, where it
 * helps, what to do next. Never called on success paths. */
STUB_EXPORT int stub_fail(int status, const char *format, ...) STUB_PRINTF(2, 3);

/* The same with a finished text, which may be longer than a formatted one (2 kB). */
STUB_EXPORT int stub_fail_text(int status, const char *text);

/* The answer of a function that the stand-in lacks: ACL_ERROR_COMPILING_STUB_MODE (100039) with a text that names it.
 */
STUB_EXPORT int stub_unsupported(const char *function);

/* The same for a function of a release (805: CANN 8.5) that is later than the one that is played. */
int stub_refuse_later(const char *function, int since);

/* The thread's messages, newest on top, one per line; NULL when there are none. Clears the list. The text lives in a
 * thread-local buffer until the next call of this function in the same thread. */
STUB_EXPORT const char *stub_error_take(void);

/* The thread's last runtime status (aclrtGetLastError / aclrtPeekAtLastError). stub_fail sets it when the status is one
 * of the runtime layer's (107xxx, 207xxx, 507xxx); the ACL layer's own argument errors do not count, as in CANN. */
STUB_EXPORT int stub_last_error_peek(void);
STUB_EXPORT int stub_last_error_take(void);

#endif
