/* Faults on demand. Nothing of this exists in CANN. Link with -lascend_stub. */
#ifndef ASCEND_STUB_FAULT_H
#define ASCEND_STUB_FAULT_H

#include <stdint.h>

#include "acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds the rules of a text in the language of ASCEND_STUB_FAULT (see the README); `id` gets a number for them.
 * ACL_ERROR_INVALID_PARAM with a text that names what is wrong in it. */
ACL_FUNC_VISIBILITY aclError stub_fault_add(const char *rules, uint64_t *id);

/* Ends rules; what has become sticky with them (a lost device) ends as well. 0: all rules. */
ACL_FUNC_VISIBILITY void stub_fault_remove(uint64_t id);

/* How often the rules of that number have struck; 0 when they were removed. */
ACL_FUNC_VISIBILITY uint64_t stub_fault_hits(uint64_t id);

#ifdef __cplusplus
}
#endif

#endif
