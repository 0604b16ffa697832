/* The runtime API in one include, as clients spell it: #include "acl/acl.h". */
#ifndef ASCEND_STUB_ACL_ACL_H
#define ASCEND_STUB_ACL_ACL_H

#include "acl_mdl.h"
#include "acl_op.h"
#include "acl_rt.h"

#endif
