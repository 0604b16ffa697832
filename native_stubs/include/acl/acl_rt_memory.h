/* The name that acl_rt_memory_soma.h had in CANN 9.0. */
#ifndef ASCEND_STUB_ACL_ACL_RT_MEMORY_H
#define ASCEND_STUB_ACL_ACL_RT_MEMORY_H

#include "acl_rt_memory_soma.h"

#endif
