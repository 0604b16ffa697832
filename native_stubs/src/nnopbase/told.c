/* See told.h. */
#include "nnopbase/told.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/objects.h"

enum { MOST_SHAPES = 8, MOST_DIMENSIONS = 8 };

typedef struct {
    const aclTensor *origin; /* the caller's descriptor */
    uint32_t rank;
    int64_t shape[MOST_DIMENSIONS], strides[MOST_DIMENSIONS];
} told_shape;

struct stub_told {
    _Atomic(uint32_t) references;
    bool ran;
    uint32_t count;
    told_shape shapes[MOST_SHAPES];
};

stub_told *stub_told_new(void) {
    stub_told *told = malloc(sizeof *told);
    if (told != NULL) {
        atomic_init(&told->references, 2);
        told->ran = false;
        told->count = 0;
    }
    return told;
}

void stub_told_release(stub_told *told) {
    if (atomic_fetch_sub_explicit(&told->references, 1, memory_order_acq_rel) == 1) {
        free(told);
    }
}

void stub_told_end_run(stub_told *told, bool ran) {
    told->ran = ran;
    stub_told_release(told);
}

static void fill_strides(told_shape *to, const aclTensor *output) {
    if (!stub_tensor_is_contiguous(output) && output->rank == to->rank) {
        memcpy(to->strides, output->strides, to->rank * sizeof *to->strides);
        return;
    }
    int64_t step = 1;
    for (uint32_t i = to->rank; i-- > 0; step *= to->shape[i]) {
        to->strides[i] = step;
    }
}

aclnnStatus stub_tell_shape(const stub_call *call, uint32_t arg, const int64_t *dims, uint32_t rank) {
    stub_told *told = call->told;
    if (told == NULL || rank > MOST_DIMENSIONS || told->count == MOST_SHAPES) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: stub_tell_shape %s", call->op->name,
                         told == NULL             ? "needs a plan with tells_shapes, and is for run only"
                         : rank > MOST_DIMENSIONS ? "takes up to 8 dimensions"
                                                  : "takes up to 8 outputs");
    }
    const aclTensor *output = call->args[arg].tensor;
    told_shape *to = &told->shapes[told->count++];
    *to = (told_shape){.origin = output->origin, .rank = rank};
    memcpy(to->shape, dims, rank * sizeof *dims);
    fill_strides(to, output);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_told_apply(const stub_told *told, const stub_operator *op) {
    if (!told->ran) {
        return stub_fail(ACL_ERROR_RT_STREAM_ABORT, "%s: its stream was aborted before it ran", op->name);
    }
    aclnnStatus status = ACLNN_SUCCESS;
    for (uint32_t i = 0; i < told->count && status == ACLNN_SUCCESS; i++) {
        const told_shape *from = &told->shapes[i];
        if (stub_is_alive(from->origin, STUB_MAGIC_TENSOR)) {
            status = stub_tensor_change_shape(from->origin, from->shape, from->strides, from->rank);
        }
    }
    return status;
}
