/* HcclCommConfig of any CANN since 8.1. */
#ifndef ASCEND_STUB_HCCL_COMM_CONFIG_H
#define ASCEND_STUB_HCCL_COMM_CONFIG_H

#include "hccl/hccl_types.h"

/* Reads the caller's config, whose size and version it says itself; what it does not have is "not set". 1 with a text
 * when it was not made by HcclCommConfigInit, holds a value that is not allowed, or is NULL. */
HcclResult read_comm_config(const char *function, const HcclCommConfig *config, HcclCommConfig *found);

#endif
