/* Checks shared by the operators' first phases, and their texts. */
#include "opapi/validate.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 256 };

static const char *name_of(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].name;
}

aclnnStatus stub_check_given(const stub_call *call, const uint32_t *args, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (!stub_tensor_arg(call, args[i])) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                             name_of(call, args[i]));
        }
    }
    return ACLNN_SUCCESS;
}

static bool allows(stub_dtypes set, aclDataType dtype) {
    return (int)dtype >= 0 && (int)dtype < 64 && (set >> (int)dtype & 1);
}

static const char *list_dtypes(stub_dtypes set, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int dtype = 0; dtype < 64 && used < size; dtype++) {
        if (allows(set, (aclDataType)dtype)) {
            const int n =
                snprintf(text + used, size - used, "%s%s", used ? ", " : "", stub_dtype_name((aclDataType)dtype));
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return text;
}

static aclnnStatus check_dtype(const stub_call *call, const stub_dtype_rule *rule) {
    const aclTensor *tensor = stub_tensor_arg(call, rule->arg);
    const stub_dtypes allowed = rule->allowed[stub_get_settings()->product];
    if (!tensor || allows(allowed, tensor->dtype)) {
        return ACLNN_SUCCESS;
    }
    char given[TEXT], list[TEXT];
    stub_describe(tensor, given, sizeof given);
    if (!allowed) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s does not have this operator with the argument %s (given: %s)",
                         call->op->name, stub_product_name(), name_of(call, rule->arg), given);
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the data type of %s (%s) is not supported; %s allows %s",
                     call->op->name, name_of(call, rule->arg), given, stub_product_name(),
                     list_dtypes(allowed, list, sizeof list));
}

aclnnStatus stub_check_dtypes(const stub_call *call, const stub_dtype_rule *rules, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(check_dtype(call, &rules[i]));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_check_same_dtype(const stub_call *call, uint32_t arg, uint32_t like) {
    const aclTensor *tensor = stub_tensor_arg(call, arg), *model = stub_tensor_arg(call, like);
    if (!tensor || !model || tensor->dtype == model->dtype) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has data type %s, %s has %s; the two must be equal",
                     call->op->name, name_of(call, arg), stub_dtype_name(tensor->dtype), name_of(call, like),
                     stub_dtype_name(model->dtype));
}

static bool has_negative_dim(const aclTensor *tensor) {
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] < 0) {
            return true;
        }
    }
    return false;
}

aclnnStatus stub_check_rank(const stub_call *call, uint32_t arg, uint32_t low, uint32_t high) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    char given[TEXT];
    if (tensor->rank < low || tensor->rank > high) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s (%s) has %u dimensions; allowed are %u to %u", call->op->name,
                         name_of(call, arg), stub_describe(tensor, given, sizeof given), tensor->rank, low, high);
    }
    if (has_negative_dim(tensor)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s (%s) has a negative dimension", call->op->name,
                         name_of(call, arg), stub_describe(tensor, given, sizeof given));
    }
    return ACLNN_SUCCESS;
}

static bool has_shape(const aclTensor *tensor, const int64_t *dims, uint32_t rank) {
    return tensor->rank == rank && (rank == 0 || memcmp(tensor->shape, dims, rank * sizeof *dims) == 0);
}

static const char *list_dims(const int64_t *dims, uint32_t rank, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < rank && used < size; i++) {
        const int n = snprintf(text + used, size - used, "%s%lld", i ? ", " : "", (long long)dims[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < size) {
        snprintf(text + used, size - used, "]");
    }
    return text;
}

aclnnStatus stub_check_shape(const stub_call *call, uint32_t arg, const int64_t *dims, uint32_t rank,
                             const char *rule) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor || has_shape(tensor, dims, rank)) {
        return ACLNN_SUCCESS;
    }
    char given[TEXT], wanted[TEXT];
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; its shape must be %s (%s)", call->op->name,
                     name_of(call, arg), stub_describe(tensor, given, sizeof given),
                     list_dims(dims, rank, wanted, sizeof wanted), rule);
}

aclnnStatus stub_check_same_shape(const stub_call *call, uint32_t arg, uint32_t like) {
    const aclTensor *model = stub_tensor_arg(call, like);
    char rule[TEXT];
    snprintf(rule, sizeof rule, "that of %s", name_of(call, like));
    return stub_check_shape(call, arg, model->shape, model->rank, rule);
}

aclnnStatus stub_check_axis(const stub_call *call, uint32_t arg, uint32_t rank) {
    const int64_t dim = call->args[arg].integer, bound = rank > 0 ? rank : 1;
    if (dim >= -bound && dim < bound) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are %lld to %lld", call->op->name,
                     name_of(call, arg), (long long)dim, (long long)-bound, (long long)bound - 1);
}

aclnnStatus stub_refuse_arithmetic(const stub_call *call, const char *what) {
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s: the stand-in has no kernel for %s on %s, whose arithmetic differs from Atlas A2 and A3; "
                     "choose another product with ASCEND_STUB_SOC",
                     call->op->name, what, stub_product_name());
}
