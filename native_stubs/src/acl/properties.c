/* What the device and the product can do: names, core counts, capabilities. */
#include <string.h>

#include "acl/acl.h"
#include "core/error.h"
#include "core/settings.h"

/* From CANN's platform tables; the first prefix of the product's name that fits counts. */
typedef struct {
    const char *prefix;
    int32_t ai_cores, vector_cores, ai_cpus;
    int32_t architecture;
    int64_t l2_bytes;
} platform;

#define MIB (INT64_C(1) << 20)

static const platform platforms[] = {
    {"Ascend910B4", 20, 40, 6, 2201, 96 * MIB},     {"Ascend910B3", 20, 40, 6, 2201, 192 * MIB},
    {"Ascend910B", 24, 48, 6, 2201, 192 * MIB},     {"Ascend910_936", 20, 40, 6, 2201, 168 * MIB},
    {"Ascend910_9372", 20, 40, 6, 2201, 192 * MIB}, {"Ascend910_93", 24, 48, 6, 2201, 192 * MIB},
    {"Ascend910", 32, 0, 4, 1001, 32 * MIB},        {"Ascend310P1", 10, 8, 8, 2002, 16 * MIB},
    {"Ascend310P", 8, 7, 7, 2002, 16 * MIB},        {"Ascend950", 32, 64, 6, 3510, 128 * MIB},
};

static const platform *this_platform(void) {
    const char *name = stub_get_settings()->soc_name;
    const platform *p = platforms;
    while (strncmp(name, p->prefix, strlen(p->prefix)) != 0) {
        p++; /* settings accept no name without a prefix here */
    }
    return p;
}

const char *aclrtGetSocName(void) {
    return stub_get_settings()->soc_name;
}

/* The program runs on the host, the kernels elsewhere. */
aclError aclrtGetRunMode(aclrtRunMode *runMode) {
    if (runMode == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtGetRunMode: runMode is NULL.");
    }
    *runMode = ACL_HOST;
    return ACL_SUCCESS;
}

static int check_device(const char *function, uint32_t deviceId, int status_of_bad_id) {
    uint32_t count = 0;
    aclError status = aclrtGetDeviceCount(&count);
    if (status != ACL_SUCCESS || deviceId < count) {
        return status;
    }
    return stub_fail(status_of_bad_id, "%s: deviceId is %u; there are %u devices, counted from 0.", function, deviceId,
                     count);
}

aclError aclGetDeviceCapability(uint32_t deviceId, aclDeviceInfo deviceInfo, int64_t *value) {
    if (value == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclGetDeviceCapability: value is NULL.");
    }
    int status = check_device("aclGetDeviceCapability", deviceId, ACL_ERROR_INVALID_PARAM);
    if (status != ACL_SUCCESS) {
        return status;
    }
    switch ((int)deviceInfo) {
    case ACL_DEVICE_INFO_AI_CORE_NUM:
        *value = this_platform()->ai_cores;
        return ACL_SUCCESS;
    case ACL_DEVICE_INFO_VECTOR_CORE_NUM:
        *value = this_platform()->vector_cores;
        return ACL_SUCCESS;
    case ACL_DEVICE_INFO_L2_SIZE:
        *value = this_platform()->l2_bytes;
        return ACL_SUCCESS;
    default:
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclGetDeviceCapability: deviceInfo is %d; allowed are 0 to 2.",
                         (int)deviceInfo);
    }
}

/* CANN answers 0 for the SIMT limits of a product that has no SIMT. */
static bool is_simt_limit(int attr) {
    return attr >= ACL_DEV_ATTR_WARP_SIZE && attr <= ACL_DEV_ATTR_MAX_BLOCK_DIM_Z;
}

static int fail_attribute(int attr) {
    bool known = (attr >= ACL_DEV_ATTR_SMP_ID && attr <= ACL_DEV_ATTR_DEVICE_FORM_FACTOR) || is_simt_limit(attr);
    return stub_fail(known ? ACL_ERROR_RT_FEATURE_NOT_SUPPORT : ACL_ERROR_RT_PARAM_INVALID,
                     "aclrtGetDeviceInfo: attr is %d, which %s.", attr,
                     known ? "the ascend-ops stand-in does not know" : "is no aclrtDevAttr");
}

aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t *value) {
    if (value == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclrtGetDeviceInfo: value is NULL.");
    }
    int status = check_device("aclrtGetDeviceInfo", deviceId, ACL_ERROR_RT_PARAM_INVALID);
    if (status != ACL_SUCCESS) {
        return status;
    }
    const stub_settings *settings = stub_get_settings();
    const platform *p = this_platform();
    const struct {
        int attr;
        int64_t value;
    } answers[] = {
        {ACL_DEV_ATTR_AICPU_CORE_NUM, p->ai_cpus},
        {ACL_DEV_ATTR_AICORE_CORE_NUM, p->ai_cores},
        {ACL_DEV_ATTR_CUBE_CORE_NUM, p->ai_cores},
        {ACL_DEV_ATTR_VECTOR_CORE_NUM, p->vector_cores},
        {ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE, (int64_t)settings->hbm_bytes},
        {ACL_DEV_ATTR_L2_CACHE_SIZE, p->l2_bytes},
        {ACL_DEV_ATTR_PHY_CHIP_ID, settings->visible[deviceId]},
        {ACL_DEV_ATTR_IS_VIRTUAL, 0},
        {ACL_DEV_ATTR_NPU_ARCH, p->architecture},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (answers[i].attr == (int)attr) {
            *value = answers[i].value;
            return ACL_SUCCESS;
        }
    }
    if (is_simt_limit((int)attr) && settings->product != STUB_PRODUCT_950) {
        *value = 0;
        return ACL_SUCCESS;
    }
    return fail_attribute((int)attr);
}

/* INF_NAN and BF16 came with the A2; binary operators every product has. */
static const aclCannAttr attributes[] = {ACL_CANN_ATTR_INF_NAN, ACL_CANN_ATTR_BF16, ACL_CANN_ATTR_JIT_COMPILE};

static bool has_new_arithmetic(void) {
    stub_product product = stub_get_settings()->product;
    return product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3 || product == STUB_PRODUCT_950;
}

aclError aclGetCannAttributeList(const aclCannAttr **cannAttrList, size_t *num) {
    if (cannAttrList == NULL || num == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclGetCannAttributeList: %s is NULL.",
                         cannAttrList == NULL ? "cannAttrList" : "num");
    }
    size_t skipped = has_new_arithmetic() ? 0 : 2;
    *cannAttrList = attributes + skipped;
    *num = sizeof attributes / sizeof *attributes - skipped;
    return ACL_SUCCESS;
}

aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t *value) {
    if (value == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclGetCannAttribute: value is NULL.");
    }
    if ((int)cannAttr < ACL_CANN_ATTR_INF_NAN || (int)cannAttr > ACL_CANN_ATTR_JIT_COMPILE) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclGetCannAttribute: cannAttr is %d; allowed are 0 to 2.",
                         (int)cannAttr);
    }
    *value = cannAttr == ACL_CANN_ATTR_JIT_COMPILE || has_new_arithmetic();
    return ACL_SUCCESS;
}
