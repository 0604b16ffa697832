/* Packed int4 matrices as int8: two in a byte, the lower index in the low nibble; eight in an INT32, likewise. */
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"
#include "opapi/validate.h"

enum { IN_BYTE = 2, IN_WORD = 8, SHARE = 1 << 15, TEXT = 160 };

stub_int4 stub_int4_of(const aclTensor *tensor) {
    const uint32_t rank = tensor->rank;
    stub_int4 found = {
        .is_packed = tensor->dtype == ACL_INT4 || tensor->dtype == ACL_INT32,
        .rows = tensor->shape[rank - 2],
        .columns = tensor->shape[rank - 1],
    };
    found.along_rows = found.is_packed && stub_is_transposed(tensor);
    if (tensor->dtype == ACL_INT32) {
        *(found.along_rows ? &found.rows : &found.columns) *= IN_WORD;
    }
    return found;
}

typedef struct {
    const uint8_t *from;
    int8_t *to;
    int64_t bytes, share;
} unpacking;

static void unpack_share(void *state, size_t piece) {
    const unpacking *job = state;
    const int64_t first = (int64_t)piece * job->share;
    const int64_t end = first + job->share < job->bytes ? first + job->share : job->bytes;
    for (int64_t i = first; i < end; i++) {
        const int low = job->from[i] & 15, high = job->from[i] >> 4;
        job->to[IN_BYTE * i] = (int8_t)((low ^ 8) - 8);
        job->to[IN_BYTE * i + 1] = (int8_t)((high ^ 8) - 8);
    }
}

/* Whether the elements fill their storage without gaps, the last two axes in either order. */
static bool is_dense(const aclTensor *tensor, const stub_int4 *by) {
    int64_t step = 1;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        const bool swapped = by->along_rows && i + 2 >= tensor->rank;
        const uint32_t axis = swapped ? 2 * tensor->rank - 3 - i : i;
        if (tensor->shape[axis] != 1 && tensor->strides[axis] != step) {
            return false;
        }
        step *= tensor->shape[axis];
    }
    return true;
}

/* The unpacked matrices lie one after the other, as rows or as columns. */
static stub_part part_of(const aclTensor *tensor, const stub_int4 *by, uint32_t batch_rank, int8_t *first) {
    stub_part part = {.first = (uint8_t *)first, .dtype = ACL_INT8, .row = by->columns, .column = 1};
    if (by->along_rows) {
        part.row = 1;
        part.column = by->rows;
    }
    int64_t step = by->rows * by->columns;
    for (uint32_t i = tensor->rank - 2, axis = batch_rank; i-- > 0; step *= tensor->shape[i]) {
        part.batch[--axis] = tensor->shape[i] == 1 ? 0 : step;
    }
    return part;
}

aclnnStatus stub_int4_open(const stub_call *call, uint32_t arg, const stub_view *view, uint32_t batch_rank,
                           stub_part *part, void **owned) {
    const aclTensor *tensor = view->tensor;
    const stub_int4 by = stub_int4_of(tensor);
    *owned = NULL;
    if (!by.is_packed) {
        *part = stub_part_last(view, batch_rank);
        return ACLNN_SUCCESS;
    }
    const int64_t per_byte = tensor->dtype == ACL_INT4 ? IN_BYTE : 1, width = tensor->dtype == ACL_INT4 ? 1 : 4;
    const int64_t elements = stub_tensor_numel(tensor);
    char text[TEXT];
    if (!is_dense(tensor, &by) || elements % per_byte != 0 || tensor->offset % per_byte != 0) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: the packed %s (%s) has gaps or odd sizes; copy it first",
                         call->op->name, call->op->params[arg].name, stub_describe(tensor, text, sizeof text));
    }
    unpacking job = {.from = view->base ? view->base + tensor->offset / per_byte * width : NULL,
                     .bytes = elements / per_byte * width,
                     .share = SHARE};
    *owned = job.to = malloc((size_t)(job.bytes * IN_BYTE) + 1);
    if (!job.to) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %s", call->op->name, call->op->params[arg].name);
    }
    stub_parallel((size_t)((job.bytes + SHARE - 1) / SHARE), unpack_share, &job);
    *part = part_of(tensor, &by, batch_rank, job.to);
    return ACLNN_SUCCESS;
}
