/* Graph capture (aclmdlRI) is declared in acl_rt.h; CANN 8.1 had it here. Offline models are not offered. */
#ifndef ASCEND_STUB_ACL_ACL_MDL_H
#define ASCEND_STUB_ACL_ACL_MDL_H

#include "acl_rt.h"

#endif
