/* Adaptive scales and shifts. */
#include "opapi/norm/adaptive.h"

#include <string.h>

aclnnStatus stub_adaptive_check(const stub_call *call, int arg, int x) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg), *like = stub_tensor_or_none(call, x);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    int64_t dims[STUB_MAX_RANK];
    const uint32_t last = like->rank - 1;
    memcpy(dims, like->shape, like->rank * sizeof *dims);
    dims[last - 1] = tensor->rank == like->rank ? 1 : like->shape[last];
    return stub_check_shape(call, (uint32_t)arg, dims, tensor->rank == like->rank ? like->rank : last,
                            "that of x with 1 for, or without, its last axis but one");
}

void stub_adaptive_input(stub_line_set *set, int arg, const aclTensor *x, stub_adaptive *adaptive) {
    if (set->status == ACLNN_SUCCESS) {
        set->status = stub_view_open(set->call, (uint32_t)arg, &adaptive->view);
    }
    if (set->status != ACLNN_SUCCESS) {
        return;
    }
    if (adaptive->view.tensor->rank < x->rank) {
        stub_made_insert(&adaptive->made, &adaptive->view, x->rank - 2);
        adaptive->view = adaptive->made.view;
    }
    stub_line_input_view(set, &adaptive->view, 1u << (x->rank - 1), ACL_FLOAT);
}
