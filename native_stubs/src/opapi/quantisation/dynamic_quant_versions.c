/* aclnnDynamicQuant, V3 and V4: the arguments of each as those of V2, which computes the per-token mode.
 *
 * V4's dstTypeMax is for HIFLOAT8 alone, which A2 and A3 lack. */
#include <string.h>

#include "core/error.h"
#include "opapi/kernel.h"
#include "opapi/quantisation/dynamic_quant.h"

static const stub_param parameters[DYNAMIC_QUANT_ARGUMENTS] = {
    [DYNAMIC_QUANT_X] = {"x", STUB_TENSOR, STUB_IN},
    [DYNAMIC_QUANT_SMOOTH] = {"smoothScalesOptional", STUB_TENSOR, STUB_IN},
    [DYNAMIC_QUANT_GROUP] = {"groupIndexOptional", STUB_TENSOR, STUB_IN},
    [DYNAMIC_QUANT_DST_TYPE] = {"dstType", STUB_INT, STUB_IN},
    [DYNAMIC_QUANT_Y] = {"yOut", STUB_TENSOR, STUB_OUT},
    [DYNAMIC_QUANT_SCALE] = {"scaleOut", STUB_TENSOR, STUB_OUT},
    [DYNAMIC_QUANT_OFFSET] = {"offsetOut", STUB_TENSOR, STUB_OUT},
};

/* Where a version has the arguments of V2; -1: nowhere. */
typedef struct {
    int place[DYNAMIC_QUANT_ARGUMENTS];
    int symmetric, mode;
} dynamic_quant;

/* A call of V2 under the other's name. */
typedef struct {
    stub_value args[DYNAMIC_QUANT_ARGUMENTS];
    stub_operator op;
    stub_call call;
} translation;

static void translate(const stub_call *call, const dynamic_quant *version, translation *to) {
    memset(to->args, 0, sizeof to->args);
    for (int i = 0; i < DYNAMIC_QUANT_ARGUMENTS; i++) {
        if (version->place[i] >= 0) {
            to->args[i] = call->args[version->place[i]];
        }
    }
    to->op = *call->op;
    to->op.params = parameters;
    to->op.count = DYNAMIC_QUANT_ARGUMENTS;
    to->call = *call;
    to->call.op = &to->op;
    to->call.args = to->args;
}

enum { PER_TOKEN = -1, UNKNOWN = -2 };

static int mode_of(const stub_call *call, const dynamic_quant *version) {
    const char *mode = version->mode < 0 ? "pertoken" : call->args[version->mode].text;
    if (!mode) {
        return UNKNOWN;
    }
    return strcmp(mode, "pertoken") == 0     ? PER_TOKEN
           : strcmp(mode, "pertensor") == 0  ? DYNAMIC_QUANT_PER_TENSOR
           : strcmp(mode, "perchannel") == 0 ? DYNAMIC_QUANT_PER_CHANNEL
                                             : UNKNOWN;
}

static aclnnStatus check_attributes(const stub_call *call, const dynamic_quant *version) {
    if (version->symmetric >= 0) {
        const bool symmetric = call->args[version->symmetric].flag;
        const bool has_offset = call->args[version->place[DYNAMIC_QUANT_OFFSET]].tensor != NULL;
        if (symmetric == has_offset) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: isSymmetrical is %s and offsetOut is %s; offsetOut must be "
                             "given exactly when isSymmetrical is false",
                             call->op->name, symmetric ? "true" : "false", has_offset ? "given" : "NULL");
        }
    }
    if (mode_of(call, version) == UNKNOWN) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMode is %s; allowed are pertoken, pertensor and perchannel",
                         call->op->name, call->args[version->mode].text ? call->args[version->mode].text : "NULL");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus dynamic_quant_check(const stub_call *call, stub_plan *plan, const dynamic_quant *version) {
    translation v2;
    translate(call, version, &v2);
    const uint32_t required[] = {DYNAMIC_QUANT_X, DYNAMIC_QUANT_Y, DYNAMIC_QUANT_SCALE};
    STUB_REQUIRE(stub_check_given(&v2.call, required, 3));
    STUB_REQUIRE(check_attributes(call, version));
    const int mode = mode_of(call, version);
    return mode == PER_TOKEN ? stub_dynamic_quant_v2_check(&v2.call, plan)
                             : stub_dynamic_quant_mode_check(&v2.call, plan, (dynamic_quant_mode)mode);
}

static aclnnStatus dynamic_quant_run(const stub_call *call, const dynamic_quant *version) {
    translation v2;
    translate(call, version, &v2);
    const int mode = mode_of(call, version);
    return mode == PER_TOKEN ? stub_dynamic_quant_v2_run(&v2.call)
                             : stub_dynamic_quant_mode_run(&v2.call, (dynamic_quant_mode)mode);
}

STUB_FAMILY_KERNEL(aclnnDynamicQuant, dynamic_quant, {{0, 1, -1, -1, 2, 3, -1}, -1, -1})
STUB_FAMILY_KERNEL(aclnnDynamicQuantV3, dynamic_quant, {{0, 1, 2, 3, 6, 7, 8}, 4, 5})
STUB_FAMILY_KERNEL(aclnnDynamicQuantV4, dynamic_quant, {{0, 1, 2, 3, 7, 8, 9}, 4, 5})
