/* The answer of every public function that has a declaration but no implementation. */
#include "acl/acl_base.h"
#include "core/error.h"

int stub_unsupported(const char *function) {
    return stub_fail(ACL_ERROR_COMPILING_STUB_MODE,
                     "%s is not implemented by the ascend-ops stand-in for CANN. Avoid the call, or run on a machine "
                     "with CANN and an NPU.",
                     function);
}
