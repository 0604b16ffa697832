/* Targets that name classes. */
#include "opapi/elements.h"
#include "opapi/loss/nll.h"

float stub_element_get(const stub_view *view, int64_t offset) {
    float value;
    stub_load(view->tensor->dtype, view->base + offset * (view->bits / 8), 0, 1, ACL_FLOAT, &value);
    return value;
}

void stub_element_set(const stub_view *view, int64_t offset, float value) {
    stub_store(ACL_FLOAT, &value, 1, view->tensor->dtype, view->base + offset * (view->bits / 8), 0);
}

aclnnStatus stub_classes_at(const stub_call *call, const stub_classes *of, int64_t position, int64_t *found) {
    stub_row row;
    stub_row_start(&row, &of->target, of->target.tensor->rank, position);
    int64_t class_;
    stub_load(of->target.tensor->dtype, of->target.base + row.offset * (of->target.bits / 8), 0, 1, ACL_INT64, &class_);
    if (class_ == of->ignored) {
        *found = -1;
        return ACLNN_SUCCESS;
    }
    if (class_ < 0 || class_ >= of->classes) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: target names class %lld of %lld at position %lld",
                         call->op->name, (long long)class_, (long long)of->classes, (long long)position);
    }
    *found = class_;
    return ACLNN_SUCCESS;
}

int64_t stub_classes_offset(const stub_classes *of, const aclTensor *in, int64_t position, int64_t class_) {
    int64_t offset = in->offset + class_ * in->strides[of->axis];
    for (uint32_t i = in->rank; i-- > 0;) {
        if (i != of->axis) {
            offset += position % in->shape[i] * in->strides[i];
            position /= in->shape[i];
        }
    }
    return offset;
}

float stub_classes_weight(const stub_classes *of, int64_t class_) {
    const aclTensor *weight = of->weight.tensor;
    return weight ? stub_element_get(&of->weight, weight->offset + class_ * weight->strides[0]) : 1;
}
