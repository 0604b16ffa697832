/* The versions the stand-in gives itself: the behaviour it copies is that of CANN 9.1.0. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "acl/acl.h"
#include "core/error.h"

#define CANN_MAJOR 9
#define CANN_MINOR 1
#define CANN_PATCH 0
#define CANN_VERSION "9.1.0"
/* aclsysGetVersionNum: major * 10000000 + minor * 100000 + patch * 1000 for a release */
#define CANN_NUMBER (CANN_MAJOR * 10000000 + CANN_MINOR * 100000 + CANN_PATCH * 1000)

aclError aclrtGetVersion(int32_t *majorVersion, int32_t *minorVersion, int32_t *patchVersion) {
    if (majorVersion == NULL || minorVersion == NULL || patchVersion == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM,
                         "aclrtGetVersion: majorVersion, minorVersion or patchVersion is NULL.");
    }
    *majorVersion = ACL_MAJOR_VERSION;
    *minorVersion = ACL_MINOR_VERSION;
    *patchVersion = ACL_PATCH_VERSION;
    return ACL_SUCCESS;
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion *version) {
    if (version == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclsysGetCANNVersion: version is NULL.");
    }
    if ((int)name < ACL_PKG_NAME_CANN || (int)name > ACL_PKG_NAME_DRIVER) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclsysGetCANNVersion: name is %d; allowed are 0 to %d.", (int)name,
                         (int)ACL_PKG_NAME_DRIVER);
    }
    if (name == ACL_PKG_NAME_DRIVER) {
        return stub_fail(ACL_ERROR_INVALID_FILE, "aclsysGetCANNVersion: the ascend-ops stand-in has no driver.");
    }
    memset(version, 0, sizeof *version);
    snprintf(version->version, sizeof version->version, "%s", CANN_VERSION);
    snprintf(version->majorVersion, sizeof version->majorVersion, "%d", CANN_MAJOR);
    snprintf(version->minorVersion, sizeof version->minorVersion, "%d", CANN_MINOR);
    snprintf(version->releaseVersion, sizeof version->releaseVersion, "%d", CANN_PATCH);
    snprintf(version->patchVersion, sizeof version->patchVersion, "0");
    return ACL_SUCCESS;
}

static bool same_package(const char *given, const char *known) {
    for (; *given != '\0' && *known != '\0'; given++, known++) {
        char normalised = *given == '_' ? '-' : *given;
        if (normalised != *known) {
            return false;
        }
    }
    return *given == *known;
}

/* What the stand-in stands in for; driver and firmware it does not. */
static aclError check_package(const char *function, const char *name, const void *result) {
    static const char *const known[] = {"cann",   "runtime",  "hccl",   "hcomm",           "opbase",    "metadef",
                                        "ops-cv", "ops-math", "ops-nn", "ops-transformer", "ops-legacy"};
    if (name == NULL || result == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: pkgName or the result pointer is NULL.", function);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (same_package(name, known[i])) {
            return ACL_SUCCESS;
        }
    }
    return stub_fail(ACL_ERROR_INVALID_FILE,
                     "%s: the ascend-ops stand-in has no package \"%s\"; it knows cann, runtime, hccl, opbase, ops-nn "
                     "and their like.",
                     function, name);
}

aclError aclsysGetVersionStr(char *pkgName, char *versionStr) {
    aclError status = check_package("aclsysGetVersionStr", pkgName, versionStr);
    if (status == ACL_SUCCESS) {
        memcpy(versionStr, CANN_VERSION, sizeof CANN_VERSION);
    }
    return status;
}

aclError aclsysGetVersionNum(char *pkgName, int32_t *versionNum) {
    aclError status = check_package("aclsysGetVersionNum", pkgName, versionNum);
    if (status == ACL_SUCCESS) {
        *versionNum = CANN_NUMBER;
    }
    return status;
}
