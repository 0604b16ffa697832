/* HCCL_DETERMINISTIC of the process: what HcclSetConfig keeps. The stand-in's results never depend on it. */
#ifndef ASCEND_STUB_COMM_DETERMINISTIC_H
#define ASCEND_STUB_COMM_DETERMINISTIC_H

#include <stdint.h>

#include "core/export.h"

/* What was set last, else what the environment asks for: 0 off, 1 on, 2 strict. */
STUB_EXPORT int32_t stub_deterministic(void);

/* Without effect where the environment has decided. */
STUB_EXPORT void stub_set_deterministic(int32_t value);

#endif
