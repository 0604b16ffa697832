/* Halves of tensors, and their checks. */
#include "opapi/glu/halves.h"

#include <string.h>

#include "opapi/lines.h"

void stub_halves_take(const stub_view *whole, uint32_t axis, int part, stub_halves_part *half) {
    half->tensor = *whole->tensor;
    memcpy(half->shape, whole->tensor->shape, whole->tensor->rank * sizeof *half->shape);
    half->shape[axis] /= 2;
    half->tensor.shape = half->shape;
    half->tensor.offset += part * half->shape[axis] * whole->tensor->strides[axis];
    half->view = (stub_view){.tensor = &half->tensor, .base = whole->base, .bits = whole->bits};
}

aclnnStatus stub_halves_check_axis(const stub_call *call, uint32_t x, int64_t dim) {
    const aclTensor *tensor = stub_tensor_arg(call, x);
    STUB_REQUIRE(stub_check_rank(call, x, 1, STUB_MAX_RANK));
    const int axis = stub_axis(dim, tensor->rank);
    if (axis < 0 || tensor->shape[axis] % 2 != 0) {
        char given[160];
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dim %lld of %s (%s) must be one of its axes, of even length",
                         call->op->name, (long long)dim, call->op->params[x].name,
                         stub_describe(tensor, given, sizeof given));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_halves_check_half(const stub_call *call, uint32_t out, uint32_t x, int64_t dim) {
    const aclTensor *tensor = stub_tensor_arg(call, x);
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, tensor->shape, tensor->rank * sizeof *dims);
    dims[stub_axis(dim, tensor->rank)] /= 2;
    return stub_check_shape(call, out, dims, tensor->rank, "that of the input, its axis dim halved");
}
