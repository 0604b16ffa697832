/* aclnnDiag and aclnnDiagFlat: a vector on a diagonal of zeros, or the diagonal of a matrix. */
#include "opapi/moves/arrange.h"

enum { SELF, DIAGONAL, OUT };

#define DIAGONALS (STUB_NUMBERS | STUB_DTYPE(ACL_COMPLEX64))

typedef struct {
    bool flat; /* any shape counts as a vector */
} stub_diagonals;

static int64_t magnitude(int64_t k) {
    return k < 0 ? -k : k;
}

/* The matrix's diagonal as a vector; `matrix` has two axes. */
static stub_box diagonal_of(stub_box matrix, int64_t k) {
    const uint32_t axis = k < 0 ? 0 : 1;
    const int64_t skipped = magnitude(k) < matrix.shape[axis] ? magnitude(k) : matrix.shape[axis];
    stub_box_take(&matrix, axis, skipped, matrix.shape[axis] - skipped, 1);
    matrix.shape[0] = matrix.shape[0] < matrix.shape[1] ? matrix.shape[0] : matrix.shape[1];
    matrix.steps[0] += matrix.steps[1];
    matrix.rank = 1;
    return matrix;
}

static bool is_matrix(const stub_call *call, const stub_diagonals *data) {
    return !data->flat && stub_tensor_arg(call, SELF)->rank == 2;
}

static aclnnStatus stub_diagonals_check(const stub_call *call, stub_plan *plan, const stub_diagonals *data) {
    const int64_t k = call->args[DIAGONAL].integer;
    STUB_REQUIRE(stub_check_move(call, SELF, OUT, DIAGONALS));
    STUB_REQUIRE(stub_check_rank(call, SELF, data->flat ? 0 : 1, data->flat ? STUB_MAX_RANK : 2));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (k == INT64_MIN) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: diagonal is out of range", call->op->name);
    }
    if (is_matrix(call, data)) {
        const stub_box line = diagonal_of(stub_box_planned(self), k);
        STUB_REQUIRE(stub_check_shape(call, OUT, line.shape, 1, "the diagonal of self"));
    } else {
        const int64_t side = stub_tensor_numel(self) + magnitude(k), shape[] = {side, side};
        STUB_REQUIRE(stub_check_shape(call, OUT, shape, 2, "elements of self + |diagonal|"));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_diagonals_run(const stub_call *call, const stub_diagonals *data) {
    stub_box self, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    const int64_t k = call->args[DIAGONAL].integer;
    if (is_matrix(call, data)) {
        const stub_box line = diagonal_of(self, k);
        stub_copy(&out, &line);
        return ACLNN_SUCCESS;
    }
    stub_fill_zero(&out);
    stub_box line = diagonal_of(out, k);
    for (uint32_t i = 1; i < self.rank; i++) { /* the vector in the axes of self */
        stub_box_split(&line, i - 1, self.shape[i - 1]);
    }
    if (self.rank == 0) {
        line.rank = 0;
    }
    stub_copy(&line, &self);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnDiag, stub_diagonals, {false})
STUB_FAMILY_KERNEL(aclnnDiagFlat, stub_diagonals, {true})
