/* Device tensor views on the host: address checks and row iteration. */
#include "opapi/view.h"

#include "acl/acl_base.h"
#include "core/error.h"
#include "core/memory.h"

/* Element offsets of the lowest and the highest element, false when they do not fit 64 bits. */
static bool find_extent(const aclTensor *tensor, int64_t *low, int64_t *high) {
    *low = *high = tensor->offset;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        int64_t reach;
        int64_t *end = tensor->strides[i] < 0 ? low : high;
        if (__builtin_mul_overflow(tensor->shape[i] - 1, tensor->strides[i], &reach) ||
            __builtin_add_overflow(*end, reach, end)) {
            return false;
        }
    }
    return true;
}

static bool is_inside_device(const aclTensor *tensor, int bits) {
    int64_t low, high, low_bits, high_bits;
    if (!find_extent(tensor, &low, &high) || __builtin_mul_overflow(low, bits, &low_bits) || high == INT64_MAX ||
        __builtin_mul_overflow(high + 1, bits, &high_bits)) {
        return false;
    }
    const uintptr_t first = (uintptr_t)tensor->data + (uintptr_t)(low_bits >> 3);
    const uint64_t bytes = (uint64_t)((high_bits + 7) >> 3) - (uint64_t)(low_bits >> 3);
    const size_t left = stub_device_bytes_from((const void *)first);
    /* Another device may begin there; the same end means the same one. */
    const bool same = first + left == (uintptr_t)tensor->data + stub_device_bytes_from(tensor->data);
    return same && bytes <= left;
}

static aclnnStatus refuse(const stub_call *call, uint32_t arg, const char *why) {
    const aclTensor *tensor = call->args[arg].tensor;
    char text[160];
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %s (%s) at %p %s", call->op->name, call->op->params[arg].name,
                     stub_describe(tensor, text, sizeof text), tensor->data, why);
}

aclnnStatus stub_view_open(const stub_call *call, uint32_t arg, stub_view *view) {
    const aclTensor *tensor = call->args[arg].tensor;
    *view = (stub_view){.tensor = tensor, .bits = stub_dtype_bits(tensor->dtype)};
    if (stub_tensor_numel(tensor) == 0) {
        return ACL_SUCCESS;
    }
    if (!tensor->data) {
        return refuse(call, arg, "has no address; give aclCreateTensor device memory");
    }
    if (stub_device_bytes_from(tensor->data) == 0) {
        return refuse(call, arg, "lies in no device memory; allocate with aclrtMalloc and copy to it");
    }
    if (!is_inside_device(tensor, view->bits)) {
        return refuse(call, arg, "reaches outside device memory with its strides and offset");
    }
    view->base = stub_shadow(tensor->data);
    return view->base ? ACL_SUCCESS : ACL_ERROR_RT_AICORE_EXCEPTION;
}

void stub_row_start(stub_row *row, const stub_view *view, uint32_t dims, int64_t position) {
    const aclTensor *tensor = view->tensor;
    *row = (stub_row){.view = view, .offset = tensor->offset, .step = 1, .dims = dims};
    if (dims < tensor->rank && tensor->shape[dims] > 1) { /* the stride of a single element may be anything */
        row->step = tensor->strides[dims];
    }
    for (uint32_t i = dims; i-- > 0;) {
        row->index[i] = position % tensor->shape[i];
        position /= tensor->shape[i];
        row->offset += row->index[i] * tensor->strides[i];
    }
}

void stub_row_next(stub_row *row) {
    const aclTensor *tensor = row->view->tensor;
    for (uint32_t i = row->dims; i-- > 0;) {
        if (row->index[i] + 1 < tensor->shape[i]) {
            row->index[i]++;
            row->offset += tensor->strides[i];
            return;
        }
        row->offset -= row->index[i] * tensor->strides[i];
        row->index[i] = 0;
    }
}

void stub_row_flat(stub_row *row, const stub_view *view) {
    *row = (stub_row){.view = view, .offset = view->tensor->offset, .step = 1};
}
