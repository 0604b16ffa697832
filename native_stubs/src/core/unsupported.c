/* The answer of every public function that has a declaration but no implementation. */
#include "acl/acl_base.h"
#include "core/error.h"
#include "core/release.h"

int stub_unsupported(const char *function) {
    return stub_fail(ACL_ERROR_COMPILING_STUB_MODE,
                     "%s is not implemented by the ascend-ops stand-in for CANN. Avoid the call, or run on a machine "
                     "with CANN and an NPU.",
                     function);
}

int stub_refuse_later(const char *function, int since) {
    const int played = stub_release();
    return stub_fail(ACL_ERROR_COMPILING_STUB_MODE,
                     "%s came with CANN %d.%d, and the stand-in plays CANN %d.%d (ASCEND_STUB_CANN), which has no such "
                     "function. Do without it there, or ask for a later release.",
                     function, since / 100, since % 100, played / 100, played % 100);
}
