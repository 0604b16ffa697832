/* The checks that norms share. */
#include "opapi/norm/norm_checks.h"

#include <string.h>

#include "opapi/view.h"

aclnnStatus stub_norm_given(const stub_call *call, const int *args, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t arg = (uint32_t)args[i];
        if (args[i] != STUB_NO_ARGUMENT) {
            STUB_REQUIRE(stub_check_given(call, &arg, 1));
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_norm_dtype(const stub_call *call, int arg, stub_dtypes allowed) {
    const stub_dtype_rule rule = {(uint32_t)arg, STUB_ON_ALL(allowed)};
    return arg == STUB_NO_ARGUMENT ? ACLNN_SUCCESS : stub_check_dtypes(call, &rule, 1);
}

aclnnStatus stub_norm_dtypes(const stub_call *call, const int *args, size_t count, stub_dtypes allowed) {
    for (size_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_norm_dtype(call, args[i], allowed));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_norm_same_dtype(const stub_call *call, int arg, int like) {
    return arg == STUB_NO_ARGUMENT ? ACLNN_SUCCESS : stub_check_same_dtype(call, (uint32_t)arg, (uint32_t)like);
}

aclnnStatus stub_norm_same_dtypes(const stub_call *call, const int *args, size_t count, int like) {
    for (size_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_norm_same_dtype(call, args[i], like));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_norm_same_or_float(const stub_call *call, int arg, int like) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg);
    return tensor && tensor->dtype == ACL_FLOAT ? ACLNN_SUCCESS : stub_norm_same_dtype(call, arg, like);
}

aclnnStatus stub_norm_same_shapes(const stub_call *call, const int *args, size_t count, int like) {
    for (size_t i = 0; i < count; i++) {
        if (args[i] != STUB_NO_ARGUMENT) {
            STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)args[i], (uint32_t)like));
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_norm_last_dims(const stub_call *call, int arg, int x, uint32_t count) {
    const aclTensor *tensor = stub_tensor_or_none(call, x);
    if (arg == STUB_NO_ARGUMENT) {
        return ACLNN_SUCCESS;
    }
    const uint32_t dims = count < tensor->rank ? count : tensor->rank;
    return stub_check_shape(call, (uint32_t)arg, tensor->shape + tensor->rank - dims, dims, "the last ones of x");
}

static bool is_row(const aclTensor *gamma, const aclTensor *x) {
    return gamma->rank == 2 && gamma->shape[0] == 1 && (x->rank < 2 || x->shape[x->rank - 2] != 1);
}

aclnnStatus stub_norm_gamma_shape(const stub_call *call, int gamma, int x) {
    const aclTensor *tensor = stub_tensor_or_none(call, gamma);
    if (is_row(tensor, stub_tensor_or_none(call, x))) {
        const int64_t dims[] = {1, stub_last_dim(stub_tensor_or_none(call, x))};
        return stub_check_shape(call, (uint32_t)gamma, dims, 2, "1 and the last one of x");
    }
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)gamma, 1, STUB_MAX_RANK));
    return stub_norm_last_dims(call, gamma, x, tensor->rank);
}

uint32_t stub_norm_axes(const stub_call *call, int gamma, int x) {
    const aclTensor *tensor = stub_tensor_or_none(call, gamma);
    return is_row(tensor, stub_tensor_or_none(call, x)) ? 1 : tensor->rank;
}

aclnnStatus stub_norm_statistic_shape(const stub_call *call, int arg, int x, uint32_t count) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg), *model = stub_tensor_or_none(call, x);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    if (tensor->rank == model->rank - count && tensor->rank < model->rank) {
        return stub_check_shape(call, (uint32_t)arg, model->shape, tensor->rank, "that of x without the last axes");
    }
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, model->shape, model->rank * sizeof *dims);
    for (uint32_t i = model->rank - count; i < model->rank; i++) {
        dims[i] = 1;
    }
    return stub_check_shape(call, (uint32_t)arg, dims, model->rank, "that of x with 1 for each axis of gamma");
}

uint32_t stub_norm_statistic_axes(const stub_call *call, int arg, int x, uint32_t count) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg);
    return tensor && tensor->rank == stub_tensor_or_none(call, x)->rank ? stub_last_axes(call, arg, count) : 0;
}
