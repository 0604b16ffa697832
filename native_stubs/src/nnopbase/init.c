/* aclnnInit and aclnnFinalize. */
#include "aclnn/aclnn_base.h"
#include "aclnn/opdev/op_errno.h"

/* CANN loads its operator packages here and ignores errors of the configuration file, repeats and missing pairs. The
 * stand-in's operators are linked in, so both calls have nothing left to do. */
aclnnStatus aclnnInit(const char *configPath) {
    (void)configPath;
    return ACLNN_SUCCESS;
}

aclnnStatus aclnnFinalize(void) {
    return ACLNN_SUCCESS;
}
