/* Lists of tensors, item by item. */
#include "opapi/optimiser/lists.h"

aclnnStatus stub_item_open(const stub_call *call, uint32_t arg, uint64_t index, stub_view *view) {
    uint64_t count;
    const aclTensor *const *items = stub_argument_items(call, arg, &count);
    void *base;
    const aclnnStatus status = stub_tensor_open(call, arg, items[index], &base);
    *view = (stub_view){.tensor = items[index], .base = base, .bits = stub_dtype_bits(items[index]->dtype)};
    return status;
}

uint64_t stub_item_count(const stub_call *call, uint32_t arg) {
    uint64_t count = 0;
    stub_argument_items(call, arg, &count);
    return count;
}

static aclnnStatus check_item(const stub_call *call, uint32_t arg, uint64_t index, const aclTensor *item,
                              const aclTensor *like) {
    char text[256], model[256];
    const char *name = call->op->params[arg].name;
    if (!item) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s[%llu] is NULL", call->op->name, name,
                         (unsigned long long)index);
    }
    bool alike = item->dtype == like->dtype && item->rank == like->rank;
    for (uint32_t i = 0; alike && i < item->rank; i++) {
        alike = item->shape[i] == like->shape[i];
    }
    if (!alike || (STUB_FLOATS >> item->dtype & 1) == 0 || item->rank > STUB_MAX_RANK) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s[%llu] is %s; it must be FLOAT, FLOAT16 or BF16 of up to 8 dimensions, like %s[%llu], "
                         "which is %s",
                         call->op->name, name, (unsigned long long)index, stub_describe(item, text, sizeof text),
                         call->op->params[0].name, (unsigned long long)index, stub_describe(like, model, sizeof model));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_check_lists(const stub_call *call, const uint32_t *args, uint32_t lists) {
    uint64_t count, given;
    const aclTensor *const *models = stub_argument_items(call, args[0], &count);
    for (uint32_t k = 0; k < lists; k++) {
        const aclTensor *const *items = stub_argument_items(call, args[k], &given);
        if (!items) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this list is required", call->op->name,
                             call->op->params[args[k]].name);
        }
        if (given != count) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu tensors, %s has %llu", call->op->name,
                             call->op->params[args[k]].name, (unsigned long long)given, call->op->params[args[0]].name,
                             (unsigned long long)count);
        }
        for (uint64_t i = 0; i < count; i++) {
            STUB_REQUIRE(check_item(call, args[k], i, items[i], models[i] ? models[i] : items[i]));
        }
    }
    return ACLNN_SUCCESS;
}
