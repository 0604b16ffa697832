/* Reads HcclCommConfig. Buffer sizes, expansion modes and traffic classes are checked as CANN does and have no effect
 * on a processor; the name has. */
#include "hccl/comm_config.h"

#include <stddef.h>
#include <string.h>

#include "core/release.h"
#include "core/settings.h"
#include "hccl/arguments.h"
#include "hccl/hccl_comm.h"

/* What HcclCommConfigInit writes into `reserved`. */
typedef struct {
    uint64_t size;
    uint32_t magic;
    uint32_t version;
} config_head;

enum { WITH_NAME = 2, WITH_ZERO_COPY = 7, STRICT = 2 };

/* Smallest size of a version from 5 on; earlier ones were never in a release that the stand-in stands for. */
static size_t least_size(uint32_t version) {
    return version >= 10  ? offsetof(HcclCommConfig, hcclChannelSqDepth)
           : version >= 8 ? offsetof(HcclCommConfig, hcclBufferName)
           : version >= 5 ? offsetof(HcclCommConfig, hcclWorldRankID)
                          : offsetof(HcclCommConfig, hcclCommName);
}

/* A release knows its own version of the structure, and reads no more of a later one. */
static void forget_later(config_head *head) {
    static const struct {
        int release;
        uint32_t version;
        size_t size;
    } own[] = {
        {801, 5, offsetof(HcclCommConfig, hcclWorldRankID)},
        {805, 8, offsetof(HcclCommConfig, hcclBufferName)},
        {901, 10, offsetof(HcclCommConfig, hcclChannelSqDepth)}, /* 9.0 as well */
        {STUB_RELEASE_LATEST, 11, sizeof(HcclCommConfig)},
    };
    size_t i = 0;
    while (own[i].release < stub_release()) {
        i++;
    }
    head->version = head->version < own[i].version ? head->version : own[i].version;
    head->size = head->size < own[i].size ? head->size : own[i].size;
}

static HcclResult check_head(const char *function, const config_head *head) {
    if (head->magic != HCCL_COMM_CONFIG_MAGIC_WORD) {
        return stub_fail(HCCL_E_PARA, "%s: config has the magic word 0x%x, not 0x%x. Fill it with HcclCommConfigInit.",
                         function, head->magic, HCCL_COMM_CONFIG_MAGIC_WORD);
    }
    if (head->version == 0 || head->size < least_size(head->version)) {
        return stub_fail(HCCL_E_PARA,
                         "%s: config says it is of version %u with %llu bytes; versions start at 1 and that one has at "
                         "least %zu bytes. Fill it with HcclCommConfigInit.",
                         function, head->version, (unsigned long long)head->size, least_size(head->version));
    }
    return HCCL_SUCCESS;
}

static HcclResult refuse_value(const char *function, const char *field, uint32_t value, const char *allowed) {
    return stub_fail(HCCL_E_PARA, "%s: config's %s is %u; allowed is %s.", function, field, value, allowed);
}

static HcclResult check_values(const char *function, const HcclCommConfig *config) {
    const bool has_strict = stub_get_settings()->product == STUB_PRODUCT_A2 && stub_release() >= 805;
    const uint32_t strictest = has_strict ? STRICT : STRICT - 1;
    if (config->hcclBufferSize == 0) {
        return refuse_value(function, "hcclBufferSize", 0, "1 (MB) or more");
    }
    if (config->hcclDeterministic > strictest && config->hcclDeterministic != HCCL_COMM_DETERMINISTIC_CONFIG_NOT_SET) {
        return refuse_value(function, "hcclDeterministic", config->hcclDeterministic,
                            "0 (off), 1 (on), 2 (strict, on Atlas A2 and since CANN 8.5 only)");
    }
    if (memchr(config->hcclCommName, '\0', sizeof config->hcclCommName) == NULL) {
        return stub_fail(HCCL_E_PARA, "%s: config's hcclCommName has no end; names have at most %u characters.",
                         function, (unsigned)COMM_NAME_MAX_LENGTH - 1);
    }
    if (config->aclGraphZeroCopyEnable > 1) {
        return refuse_value(function, "aclGraphZeroCopyEnable", config->aclGraphZeroCopyEnable, "0 or 1");
    }
    return HCCL_SUCCESS;
}

static void copy_known(const HcclCommConfig *config, const config_head *head, HcclCommConfig *found) {
    const size_t from = head->version >= WITH_NAME ? head->size : offsetof(HcclCommConfig, hcclCommName);
    HcclCommConfigInit(found);
    memcpy(found, config, from < sizeof *found ? (size_t)from : sizeof *found);
    if (head->version < WITH_ZERO_COPY) { /* what lies behind its end may be anything */
        found->aclGraphZeroCopyEnable = 0;
    }
}

HcclResult read_comm_config(const char *function, const HcclCommConfig *config, HcclCommConfig *found) {
    if (config == NULL) {
        return stub_fail(HCCL_E_PARA, "%s: config is NULL.", function);
    }
    config_head head;
    memcpy(&head, config, sizeof head);
    forget_later(&head);
    HcclResult status = check_head(function, &head);
    if (status == HCCL_SUCCESS) {
        copy_known(config, &head, found);
        status = check_values(function, found);
    }
    return status;
}
