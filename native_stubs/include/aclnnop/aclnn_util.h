/* What operator headers mark their functions with. */
#ifndef ASCEND_STUB_ACLNNOP_ACLNN_UTIL_H
#define ASCEND_STUB_ACLNNOP_ACLNN_UTIL_H

#define ACLNN_API __attribute__((visibility("default")))

#endif
