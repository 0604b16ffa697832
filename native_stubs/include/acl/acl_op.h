/* Single operators by type name (aclop) are not offered; the file exists because clients include it. */
#ifndef ASCEND_STUB_ACL_ACL_OP_H
#define ASCEND_STUB_ACL_ACL_OP_H

#include "acl_base.h"

#endif
