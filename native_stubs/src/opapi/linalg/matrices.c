/* Loading and storing matrices; the matrices of a batch run on all cores. */
#include "opapi/linalg/matrices.h"

#include <stdlib.h>

#include "core/parallel.h"
#include "opapi/elements.h"

typedef struct {
    stub_view view;
    int64_t rows, columns, row, column, batch[STUB_MAX_RANK]; /* steps in elements */
    size_t at;                                                /* of its array */
} operand;

typedef struct {
    const stub_matrices *by;
    bool is_complex;
    uint32_t rank;
    int64_t batch[STUB_MAX_RANK];
    operand operand[STUB_MATRIX_TENSORS];
    size_t bytes; /* of all arrays of one matrix */
    uint8_t *memory;
    int64_t count, share;
} job;

static bool is_number(const stub_matrices *by, uint32_t i) {
    return by->numbers >> i & 1;
}

static void plan_operand(const stub_matrices *by, uint32_t i, uint32_t rank, operand *to) {
    const aclTensor *tensor = to->view.tensor;
    const uint32_t behind = is_number(by, i) ? 0 : 2, lead = tensor->rank - behind;
    to->rows = to->columns = 1;
    if (behind) {
        to->rows = tensor->shape[lead];
        to->columns = tensor->shape[lead + 1];
        to->row = tensor->strides[lead];
        to->column = tensor->strides[lead + 1];
    }
    for (uint32_t axis = 0; axis < lead; axis++) {
        to->batch[rank - lead + axis] = tensor->shape[axis] == 1 ? 0 : tensor->strides[axis];
    }
}

/* The last tensor is an output: its batch is everyone's. */
static void plan_batch(job *all) {
    const stub_matrices *by = all->by;
    const aclTensor *out = all->operand[by->count - 1].view.tensor;
    all->rank = out->rank - (is_number(by, by->count - 1) ? 0 : 2);
    all->count = 1;
    for (uint32_t i = 0; i < all->rank; i++) {
        all->batch[i] = out->shape[i];
        all->count *= out->shape[i];
    }
    for (uint32_t i = 0; i < by->count; i++) {
        operand *each = &all->operand[i];
        plan_operand(by, i, all->rank, each);
        each->at = all->bytes;
        const int64_t rows = each->rows + (i == 0 && by->extra_row);
        all->bytes += (size_t)(rows * each->columns) * (all->is_complex ? sizeof(double _Complex) : sizeof(double));
    }
}

static void move_matrix(const job *all, uint32_t i, int64_t index, uint8_t *array, bool stores) {
    const operand *each = &all->operand[i];
    const int64_t size = each->view.bits / 8, width = all->is_complex ? 16 : 8;
    const aclDataType as = all->is_complex ? ACL_COMPLEX128 : ACL_DOUBLE;
    int64_t offset = each->view.tensor->offset;
    for (uint32_t axis = all->rank; axis-- > 0; index /= all->batch[axis]) {
        offset += index % all->batch[axis] * each->batch[axis];
    }
    for (int64_t row = 0; row < each->rows; row++) {
        for (int64_t first = 0; first < each->columns; first += STUB_STRETCH) {
            const int64_t left = each->columns - first;
            const size_t n = left < STUB_STRETCH ? (size_t)left : STUB_STRETCH;
            uint8_t *at = each->view.base + (offset + row * each->row + first * each->column) * size;
            uint8_t *numbers = array + (row * each->columns + first) * width;
            if (stores) {
                stub_store(as, numbers, n, each->view.tensor->dtype, at, each->column * size);
            } else {
                stub_load(each->view.tensor->dtype, at, each->column * size, n, as, numbers);
            }
        }
    }
}

static void do_matrix(const job *all, int64_t index, uint8_t *memory) {
    const stub_matrices *by = all->by;
    void *arrays[STUB_MATRIX_TENSORS] = {0};
    int64_t rows[STUB_MATRIX_TENSORS], columns[STUB_MATRIX_TENSORS];
    for (uint32_t i = 0; i < by->count; i++) {
        arrays[i] = memory + all->operand[i].at;
        rows[i] = all->operand[i].rows;
        columns[i] = all->operand[i].columns;
        if (i < by->inputs) {
            move_matrix(all, i, index, arrays[i], false);
        }
    }
    if (all->is_complex) {
        double _Complex *matrix[STUB_MATRIX_TENSORS] = {arrays[0], arrays[1], arrays[2], arrays[3]};
        by->of_complexes(by->constants, matrix, rows, columns);
    } else {
        double *matrix[STUB_MATRIX_TENSORS] = {arrays[0], arrays[1], arrays[2], arrays[3]};
        by->of_reals(by->constants, matrix, rows, columns);
    }
    for (uint32_t i = by->inputs; i < by->count; i++) {
        move_matrix(all, i, index, arrays[i], true);
    }
}

static void do_share(void *state, size_t piece) {
    const job *all = state;
    const int64_t first = (int64_t)piece * all->share;
    for (int64_t i = first; i < all->count && i < first + all->share; i++) {
        do_matrix(all, i, all->memory + piece * all->bytes);
    }
}

aclnnStatus stub_matrices_run(const stub_call *call, const stub_matrices *by) {
    job all = {.by = by};
    for (uint32_t i = 0; i < by->count; i++) {
        STUB_REQUIRE(stub_view_open(call, by->arg[i], &all.operand[i].view));
        all.is_complex = all.is_complex || stub_class_of(all.operand[i].view.tensor->dtype) == STUB_C128;
    }
    plan_batch(&all);
    if (all.count == 0 || all.bytes == 0) {
        return ACLNN_SUCCESS;
    }
    const int64_t threads = stub_parallel_threads(), pieces = all.count < threads ? all.count : threads;
    all.share = (all.count + pieces - 1) / pieces;
    all.memory = malloc(all.bytes * (size_t)pieces);
    if (!all.memory) {
        return stub_fail(ACLNN_ERR_INNER, "%s: the host has no %zu bytes for matrices", call->op->name,
                         all.bytes * (size_t)pieces);
    }
    if (pieces > 1) {
        stub_parallel((size_t)pieces, do_share, &all);
    } else {
        do_share(&all, 0);
    }
    free(all.memory);
    return ACLNN_SUCCESS;
}
