/* What every part of the API shares: basic types and all status codes. */
#ifndef ASCEND_STUB_ACL_ACL_BASE_H
#define ASCEND_STUB_ACL_ACL_BASE_H

#include "acl_base_rt.h"
#include "error_codes/ge_error_codes.h"
#include "error_codes/rt_error_codes.h"

#endif
