/* HcclSetConfig, HcclGetConfig and what the library says it can be configured with. */
#include <stdlib.h>

#include "comm/deterministic.h"
#include "core/release.h"
#include "core/settings.h"
#include "hccl/arguments.h"
#include "hccl/hccl.h"

enum { STRICT = 2 };

static HcclResult set_deterministic(int32_t value) {
    if (value < 0 || value > (stub_release() >= 805 ? STRICT : STRICT - 1)) {
        return stub_fail(HCCL_E_PARA,
                         "HcclSetConfig: HCCL_DETERMINISTIC is %d; allowed are 0 (off), 1 (on) and since CANN 8.5 2 "
                         "(strict).",
                         value);
    }
    if (value == STRICT && stub_get_settings()->product != STUB_PRODUCT_A2) {
        return stub_fail(HCCL_E_NOT_SUPPORT,
                         "HcclSetConfig: HCCL_DETERMINISTIC 2 (strict) needs an Atlas A2; this is "
                         "%s.",
                         stub_get_settings()->soc_name);
    }
    stub_set_deterministic(value);
    return HCCL_SUCCESS;
}

/* As in CANN, other settings and a setting that the environment has made already are passed over in silence. */
HcclResult HcclSetConfig(HcclConfig config, HcclConfigValue configValue) {
    const bool decided = config != HCCL_DETERMINISTIC || getenv("HCCL_DETERMINISTIC") != NULL;
    return decided ? HCCL_SUCCESS : set_deterministic(configValue.value);
}

HcclResult HcclGetConfig(HcclConfig config, HcclConfigValue *configValue) {
    if (configValue == NULL) {
        return refuse_null(__func__, "configValue");
    }
    if (config == HCCL_DETERMINISTIC) {
        configValue->value = stub_deterministic();
    }
    return HCCL_SUCCESS;
}

/* Items of HcclCommConfigCapability below this number are known: those whose absence from the stand-in cannot be seen.
 */
uint32_t HcclGetCommConfigCapability(void) {
    return stub_release() >= 805 ? HCCL_COMM_CONFIG_EXEC_TIMEOUT : HCCL_COMM_CONFIG_WORLD_RANKID;
}
