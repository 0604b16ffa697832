/* Start and end of the operator library, for clients that use it without aclInit. */
#ifndef ASCEND_STUB_ACLNN_ACLNN_BASE_H
#define ASCEND_STUB_ACLNN_ACLNN_BASE_H

#include "aclnn/acl_meta.h"

#ifdef __cplusplus
extern "C" {
#endif

ACL_FUNC_VISIBILITY aclnnStatus aclnnInit(const char *configPath);
ACL_FUNC_VISIBILITY aclnnStatus aclnnFinalize(void);

#ifdef __cplusplus
}
#endif

#endif
