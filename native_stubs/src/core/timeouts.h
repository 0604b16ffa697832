/* The process-wide time limits of aclrtSetOpWaitTimeout and aclrtSetOpExecuteTimeOut. */
#ifndef ASCEND_STUB_CORE_TIMEOUTS_H
#define ASCEND_STUB_CORE_TIMEOUTS_H

#include <stdint.h>

#include "core/export.h"

/* Seconds that a queued aclrtStreamWaitEvent may last; 0 (the default): for ever. */
STUB_EXPORT uint32_t stub_wait_timeout_s(void);
STUB_EXPORT void stub_set_wait_timeout_s(uint32_t seconds);

/* The limit for an operator, which the stand-in remembers and reports but does not enforce. As on the device it is a
 * multiple, 1 to 254, of an interval; 0 asks for the largest. Returns what is in force then. */
STUB_EXPORT uint64_t stub_set_execute_timeout_us(uint64_t microseconds);
STUB_EXPORT uint64_t stub_execute_timeout_us(void);
STUB_EXPORT uint64_t stub_execute_timeout_interval_us(void);

#endif
