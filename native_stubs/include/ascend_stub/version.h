/* Which release of CANN the stand-in plays (ASCEND_STUB_CANN). Nothing of this exists in CANN. Link with -lascend_stub.
 *
 * The libraries export what the latest release has. A function that came later than the played release answers 100039
 * (in HCCL 5) with a text; a program that looks functions up with dlsym asks here first, as it would find nothing. */
#ifndef ASCEND_STUB_VERSION_H
#define ASCEND_STUB_VERSION_H

#include <stdbool.h>

#include "acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the played release has the function. True for what is no function of CANN's. */
ACL_FUNC_VISIBILITY bool stub_function_exists(const char *name);

/* Whether the played release has the library: CANN 8.1 has no "libacl_rt.so" and no "libhcomm.so". */
ACL_FUNC_VISIBILITY bool stub_library_exists(const char *file);

#ifdef __cplusplus
}
#endif

#endif
