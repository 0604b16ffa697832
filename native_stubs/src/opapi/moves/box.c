/* Cutting and turning boxes. */
#include "opapi/moves/box.h"

#include <string.h>

static stub_box box_of(const aclTensor *tensor, uint8_t *base) {
    const int64_t width = stub_dtype_bits(tensor->dtype) / 8;
    stub_box box = {
        .first = base == NULL ? NULL : base + tensor->offset * width, .dtype = tensor->dtype, .rank = tensor->rank};
    for (uint32_t i = 0; i < tensor->rank; i++) {
        box.shape[i] = tensor->shape[i];
        box.steps[i] = tensor->shape[i] > 1 ? tensor->strides[i] * width : 0; /* a single element's may be anything */
    }
    return box;
}

aclnnStatus stub_box_open_item(const stub_call *call, uint32_t arg, const aclTensor *tensor, stub_box *box) {
    void *base = NULL;
    const aclnnStatus status = stub_tensor_open(call, arg, tensor, &base);
    *box = box_of(tensor, base);
    return status;
}

aclnnStatus stub_box_open(const stub_call *call, uint32_t arg, stub_box *box) {
    return stub_box_open_item(call, arg, call->args[arg].tensor, box);
}

int64_t stub_box_size(const stub_box *box) {
    int64_t size = 1;
    for (uint32_t i = 0; i < box->rank; i++) {
        size *= box->shape[i];
    }
    return size;
}

int64_t stub_box_width(const stub_box *box) {
    return stub_dtype_bits(box->dtype) / 8;
}

stub_box stub_box_over(void *memory, aclDataType dtype, const int64_t *shape, uint32_t rank) {
    stub_box box = {.first = memory, .dtype = dtype, .rank = rank};
    int64_t step = stub_box_width(&box);
    for (uint32_t i = rank; i-- > 0;) {
        box.shape[i] = shape[i];
        box.steps[i] = step;
        step *= shape[i];
    }
    return box;
}

void stub_box_take(stub_box *box, uint32_t axis, int64_t start, int64_t count, int64_t step) {
    if (box->first != NULL && count > 0) {
        box->first += start * box->steps[axis];
    }
    box->shape[axis] = count;
    box->steps[axis] *= step;
}

void stub_box_pick(stub_box *box, uint32_t axis, int64_t index) {
    stub_box_take(box, axis, index, 1, 1);
    box->rank--;
    memmove(&box->shape[axis], &box->shape[axis + 1], (box->rank - axis) * sizeof *box->shape);
    memmove(&box->steps[axis], &box->steps[axis + 1], (box->rank - axis) * sizeof *box->steps);
}

void stub_box_insert(stub_box *box, uint32_t axis, int64_t size, int64_t step) {
    memmove(&box->shape[axis + 1], &box->shape[axis], (box->rank - axis) * sizeof *box->shape);
    memmove(&box->steps[axis + 1], &box->steps[axis], (box->rank - axis) * sizeof *box->steps);
    box->rank++;
    box->shape[axis] = size;
    box->steps[axis] = step;
}

void stub_box_split(stub_box *box, uint32_t axis, int64_t outer) {
    const int64_t inner = outer == 0 ? 0 : box->shape[axis] / outer;
    stub_box_insert(box, axis, outer, box->steps[axis] * inner);
    box->shape[axis + 1] = inner;
}

void stub_box_permute(stub_box *box, const uint32_t *order) {
    const stub_box before = *box;
    for (uint32_t i = 0; i < box->rank; i++) {
        box->shape[i] = before.shape[order[i]];
        box->steps[i] = before.steps[order[i]];
    }
}

void stub_box_expand(stub_box *box, const int64_t *shape, uint32_t rank) {
    while (box->rank < rank) {
        stub_box_insert(box, 0, 1, 0);
    }
    for (uint32_t i = 0; i < rank; i++) {
        if (box->shape[i] == 1) {
            box->steps[i] = 0;
        }
        box->shape[i] = shape[i];
    }
}
