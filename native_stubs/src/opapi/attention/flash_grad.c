/* aclnnFlashAttentionScoreGrad and aclnnFlashAttentionUnpaddingScoreGrad in their versions. dpseOut is not written: the
 * documents reserve it. */
#include <stdlib.h>

#include "opapi/attention/attention_backward.h"
#include "opapi/attention/flash.h"

enum { DY, DQ, DK, DV, DQ_ROPE, DK_ROPE, GRADIENTS };

static const char *const names[GRADIENTS] = {"dy", "dqOut", "dkOut", "dvOut", "dqRopeOut", "dkRopeOut"};
/* Whose shape and type they have. */
static const stub_flash_argument models[GRADIENTS] = {FLASH_OUT,   FLASH_QUERY,      FLASH_KEY,
                                                      FLASH_VALUE, FLASH_QUERY_ROPE, FLASH_KEY_ROPE};

static aclnnStatus check_gradients(const stub_flash *flash) {
    for (int i = 0; i < GRADIENTS; i++) {
        const int arg = stub_argument(flash->call, names[i]);
        if (!stub_flash_tensor(flash, models[i])) {
            continue;
        }
        const uint32_t place = (uint32_t)arg, model = (uint32_t)flash->arg[models[i]];
        STUB_REQUIRE(stub_check_given(flash->call, &place, 1));
        STUB_REQUIRE(stub_check_same_dtype(flash->call, place, model));
        STUB_REQUIRE(stub_check_same_shape(flash->call, place, model));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_flash_grad_check(const stub_call *call, stub_plan *plan, const stub_flash_family *family) {
    stub_flash flash;
    STUB_REQUIRE(stub_flash_read(call, family, &flash));
    plan->nothing_to_run = stub_tensor_numel(stub_flash_tensor(&flash, FLASH_QUERY)) == 0;
    return check_gradients(&flash);
}

static bool same_layout(const stub_flash *flash, int gradient, stub_layout *layout) {
    const char *letters = flash->call->args[flash->arg[FLASH_LAYOUT]].text;
    const aclTensor *tensor = flash->call->args[stub_argument(flash->call, names[gradient])].tensor;
    const bool by_query = gradient == DY || gradient == DQ || gradient == DQ_ROPE;
    return stub_layout_of(tensor, letters, tensor->rank, by_query ? flash->heads : flash->kv_heads, layout);
}

static aclnnStatus open_gradient(const stub_flash *flash, int gradient, stub_gradients *to) {
    const int arg = stub_argument(flash->call, names[gradient]);
    const bool by_query = gradient == DY || gradient == DQ || gradient == DQ_ROPE;
    stub_layout layout;
    void *base;
    if (!stub_flash_tensor(flash, models[gradient]) || !same_layout(flash, gradient, &layout)) {
        return ACLNN_SUCCESS;
    }
    const aclTensor *tensor = flash->call->args[arg].tensor;
    STUB_REQUIRE(stub_tensor_open(flash->call, (uint32_t)arg, tensor, &base));
    for (int64_t batch = 0; batch < flash->batches; batch++) {
        stub_heads *const heads[GRADIENTS] = {&to[batch].dy, &to[batch].dq,      &to[batch].dk,
                                              &to[batch].dv, &to[batch].dq_more, &to[batch].dk_more};
        const int64_t start = by_query ? stub_flash_rows(flash, batch).start : stub_flash_columns(flash, batch).start;
        *heads[gradient] = stub_layout_heads(&layout, tensor, base, batch, start);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus derive(const stub_flash *flash, const stub_attention *attention, void *user) {
    for (int i = 0; i < GRADIENTS; i++) {
        STUB_REQUIRE(open_gradient(flash, i, user));
    }
    return stub_attention_backward(flash->call, attention, user);
}

static aclnnStatus stub_flash_grad_run(const stub_call *call, const stub_flash_family *family) {
    stub_flash flash;
    STUB_REQUIRE(stub_flash_read(call, family, &flash));
    stub_gradients *gradients = calloc((size_t)flash.batches + 1, sizeof *gradients);
    const aclnnStatus status = gradients ? stub_flash_run(&flash, derive, gradients)
                                         : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", call->op->name);
    free(gradients);
    return status;
}

#define STUB_FLASH_GRAD_KERNEL(operator_, by_tokens_)                                                                  \
    static const stub_flash_family family_of_##operator_ = {by_tokens_};                                               \
    static aclnnStatus check_##operator_(const stub_call *call, stub_plan *plan) {                                     \
        return stub_flash_grad_check(call, plan, &family_of_##operator_);                                              \
    }                                                                                                                  \
    static aclnnStatus run_##operator_(const stub_call *call) {                                                        \
        return stub_flash_grad_run(call, &family_of_##operator_);                                                      \
    }                                                                                                                  \
    STUB_KERNEL(operator_, check_##operator_, run_##operator_)

STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionScoreGrad, false)
STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionScoreGradV2, false)
STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionUnpaddingScoreGrad, true)
STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionUnpaddingScoreGradV2, true)
STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionUnpaddingScoreGradV3, true)
STUB_FLASH_GRAD_KERNEL(aclnnFlashAttentionUnpaddingScoreGradV4, true)
