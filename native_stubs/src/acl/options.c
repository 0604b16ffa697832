/* Run options of the process and of a context, and the float overflow mode. */
#include "core/options.h"

#include "acl/acl.h"
#include "core/context.h"
#include "core/error.h"
#include "core/release.h"

#define LARGEST_VALUE 1

enum { DETERMINISTIC, ENABLE_DEBUG_KERNEL, STRONG_CONSISTENCY, EARLY_START };

/* STRONG_CONSISTENCY came with CANN 8.5; EARLY_START is the process's and in 9.0 only. */
static int last_option(bool of_process) {
    const int release = stub_release();
    if (release < 805) {
        return ENABLE_DEBUG_KERNEL;
    }
    return of_process && release == 900 ? EARLY_START : STRONG_CONSISTENCY;
}

static int check_option(const char *function, aclSysParamOpt opt, bool of_process) {
    static const char *const allowed[] = {
        [ENABLE_DEBUG_KERNEL] = "",
        [STRONG_CONSISTENCY] = ", ACL_OPT_STRONG_CONSISTENCY (2)",
        [EARLY_START] = ", ACL_OPT_STRONG_CONSISTENCY (2), ACL_OPT_EARLY_START (3)",
    };
    const int last = last_option(of_process);
    if ((int)opt >= DETERMINISTIC && (int)opt <= last) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_INVALID_PARAM,
                     "%s: opt is %d; allowed are ACL_OPT_DETERMINISTIC (0), ACL_OPT_ENABLE_DEBUG_KERNEL (1)%s.",
                     function, (int)opt, allowed[last]);
}

static int check_value(const char *function, aclSysParamOpt opt, bool of_process, int64_t value) {
    int status = check_option(function, opt, of_process);
    if (status != ACL_SUCCESS || (value >= 0 && value <= LARGEST_VALUE)) {
        return status;
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: value is %lld; allowed are 0 and 1.", function, (long long)value);
}

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
    int status = check_value("aclrtSetSysParamOpt", opt, true, value);
    if (status == ACL_SUCCESS) {
        stub_set_option((int)opt, value);
    }
    return status;
}

static int check_get(const char *function, aclSysParamOpt opt, bool of_process, const int64_t *value) {
    if (value == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: value is NULL.", function);
    }
    return check_option(function, opt, of_process);
}

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
    int status = check_get("aclrtGetSysParamOpt", opt, true, value);
    if (status == ACL_SUCCESS) {
        *value = stub_option((int)opt);
    }
    return status;
}

/* CANN writes a context's option through to the process. */
aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
    stub_context *context = NULL;
    int status = check_value("aclrtCtxSetSysParamOpt", opt, false, value);
    if (status == ACL_SUCCESS) {
        status = stub_context_current(&context);
    }
    if (status == ACL_SUCCESS) {
        stub_context_set_option(context, (int)opt, value);
        stub_set_option((int)opt, value);
    }
    return status;
}

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
    stub_context *context = NULL;
    int status = check_get("aclrtCtxGetSysParamOpt", opt, false, value);
    if (status == ACL_SUCCESS) {
        status = stub_context_current(&context);
    }
    if (status != ACL_SUCCESS || stub_context_get_option(context, (int)opt, value)) {
        return status;
    }
    return stub_fail(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET,
                     "aclrtCtxGetSysParamOpt: option %d was never set in this context (aclrtCtxSetSysParamOpt).",
                     (int)opt);
}

/* Kernels of the stand-in keep infinities and NaN, the default of the A2 and later. */
aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
    if (mode == ACL_RT_OVERFLOW_MODE_INFNAN) {
        return ACL_SUCCESS;
    }
    if (mode == ACL_RT_OVERFLOW_MODE_SATURATION) {
        return stub_fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                         "aclrtSetDeviceSatMode: the ascend-ops stand-in has no saturation mode; it computes as "
                         "ACL_RT_OVERFLOW_MODE_INFNAN (1) says.");
    }
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                     "aclrtSetDeviceSatMode: mode is %d; allowed is ACL_RT_OVERFLOW_MODE_INFNAN (1).", (int)mode);
}

aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode *mode) {
    if (mode == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtGetDeviceSatMode: mode is NULL.");
    }
    *mode = ACL_RT_OVERFLOW_MODE_INFNAN;
    return ACL_SUCCESS;
}
