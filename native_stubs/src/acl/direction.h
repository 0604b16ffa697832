/* Where the two ends of a copy really lie. CANN trusts the addresses more than the `kind` argument. */
#ifndef ASCEND_STUB_ACL_DIRECTION_H
#define ASCEND_STUB_ACL_DIRECTION_H

#include <stdbool.h>

#include "acl/acl_rt.h"
#include "core/copy.h"

typedef struct {
    bool src_device, dst_device;
    bool pageable; /* a host end is neither from aclrtMallocHost nor registered */
} stub_direction;

stub_direction stub_direction_of(const stub_copy *copy);

/* CANN corrects a wrong kind when it knows both ends, and refuses it (107000) when one is pageable memory. */
int stub_check_kind(const char *function, aclrtMemcpyKind kind, const stub_direction *direction);

#endif
