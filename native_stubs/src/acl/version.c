/* The versions the stand-in gives itself: the played release's, otherwise 9.1.0, whose behaviour it copies. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "acl/acl.h"
#include "core/error.h"
#include "core/release.h"

typedef struct {
    int release;
    const char *text, *major, *minor, *rest;
    int number;      /* major * 10000000 + minor * 100000 + patch * 1000, for a candidate 100 less plus its number */
    int runtime_api; /* the second part of aclrtGetVersion's, 1.x.0 */
} played;

static const played versions[] = {
    {801, "8.1.RC1", "8", "1", "RC1", 80099901, 13},
    {805, "8.5.0", "8", "5", "0", 80500000, 16},
    {900, "9.0.0", "9", "0", "0", 90000000, 17},
    {901, "9.1.0", "9", "1", "0", 90100000, 17},
};

static const played *this_version(void) {
    const played *found = versions;
    while (found->release < stub_release() && found + 1 < versions + sizeof versions / sizeof *versions) {
        found++;
    }
    return found;
}

aclError aclrtGetVersion(int32_t *majorVersion, int32_t *minorVersion, int32_t *patchVersion) {
    if (majorVersion == NULL || minorVersion == NULL || patchVersion == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM,
                         "aclrtGetVersion: majorVersion, minorVersion or patchVersion is NULL.");
    }
    *majorVersion = ACL_MAJOR_VERSION;
    *minorVersion = this_version()->runtime_api;
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
    const played *mine = this_version();
    memset(version, 0, sizeof *version);
    snprintf(version->version, sizeof version->version, "%s", mine->text);
    snprintf(version->majorVersion, sizeof version->majorVersion, "%s", mine->major);
    snprintf(version->minorVersion, sizeof version->minorVersion, "%s", mine->minor);
    snprintf(version->releaseVersion, sizeof version->releaseVersion, "%s", mine->rest);
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
        strcpy(versionStr, this_version()->text);
    }
    return status;
}

aclError aclsysGetVersionNum(char *pkgName, int32_t *versionNum) {
    aclError status = check_package("aclsysGetVersionNum", pkgName, versionNum);
    if (status == ACL_SUCCESS) {
        *versionNum = this_version()->number;
    }
    return status;
}
