/* Where the ranks of a communicator meet: a listener in one process, which introduces them to each other. */
#ifndef ASCEND_STUB_COMM_ROOT_H
#define ASCEND_STUB_COMM_ROOT_H

#include "comm/segment.h"

/* Opens the meeting place `place` for one communicator. HCCL_E_UNAVAIL without a text when somebody has it open; other
 * failures have one. The listener ends by itself: when all ranks have met or cannot meet, or when nobody came within
 * the connect timeout. */
HcclResult stub_root_open(const char *place, const char *identifier);

#endif
