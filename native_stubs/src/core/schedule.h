/* When tasks run: ASCEND_STUB_SCHEDULE, include/ascend_stub/schedule.h. The default costs one load and branch a task.
 */
#ifndef ASCEND_STUB_CORE_SCHEDULE_H
#define ASCEND_STUB_CORE_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ascend_stub/schedule.h"
#include "core/stream_state.h"

#endif
