/* Making views axis by axis. */
#include "opapi/made_view.h"

void stub_made_start(stub_made_view *made, const stub_view *of) {
    made->tensor = *of->tensor;
    made->tensor.rank = 0;
    made->tensor.shape = made->shape;
    made->tensor.strides = made->strides;
    made->view = (stub_view){.tensor = &made->tensor, .base = of->base, .bits = of->bits};
}

void stub_made_axis(stub_made_view *made, int64_t size, int64_t stride) {
    made->shape[made->tensor.rank] = size;
    made->strides[made->tensor.rank++] = stride;
}

void stub_made_insert(stub_made_view *made, const stub_view *of, uint32_t before) {
    const aclTensor *tensor = of->tensor;
    stub_made_start(made, of);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (i == before) {
            stub_made_axis(made, 1, 0);
        }
        stub_made_axis(made, tensor->shape[i], tensor->strides[i]);
    }
}

static bool last_two_continue(const aclTensor *tensor) {
    const uint32_t last = tensor->rank - 1;
    return tensor->strides[last - 1] == tensor->strides[last] * tensor->shape[last];
}

bool stub_made_split(stub_made_view *made, const stub_view *of, uint32_t axis, int64_t outer) {
    const aclTensor *tensor = of->tensor;
    const bool merges = tensor->rank == STUB_MAX_RANK;
    if (merges && (axis + 2 >= tensor->rank || !last_two_continue(tensor))) {
        return false;
    }
    stub_made_start(made, of);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        const int64_t size = tensor->shape[i], stride = tensor->strides[i];
        if (i == axis) {
            stub_made_axis(made, outer, stride * (size / outer));
            stub_made_axis(made, size / outer, stride);
        } else if (merges && i + 2 == tensor->rank) {
            stub_made_axis(made, size * tensor->shape[i + 1], tensor->strides[i + 1]);
            break;
        } else {
            stub_made_axis(made, size, stride);
        }
    }
    return true;
}
