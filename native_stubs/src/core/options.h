/* Process-wide run options (aclrtSetSysParamOpt). Those of a context live in the context. */
#ifndef ASCEND_STUB_CORE_OPTIONS_H
#define ASCEND_STUB_CORE_OPTIONS_H

#include <stdint.h>

#include "core/export.h"

#define STUB_OPTION_COUNT 4 /* aclSysParamOpt 0..3 */

/* 0 until set. */
STUB_EXPORT int64_t stub_option(int option);
STUB_EXPORT void stub_set_option(int option, int64_t value);

#endif
