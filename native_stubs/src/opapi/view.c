/* Device tensor views on the host, and their rows one by one. */
#include "opapi/view.h"

aclnnStatus stub_view_open(const stub_call *call, uint32_t arg, stub_view *view) {
    const aclTensor *tensor = call->args[arg].tensor;
    void *base;
    const aclnnStatus status = stub_tensor_open(call, arg, tensor, &base);
    *view = (stub_view){.tensor = tensor, .base = base, .bits = stub_dtype_bits(tensor->dtype)};
    return status;
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
