/* aclnnTril and aclnnTriu: one triangle of matrices, zeros elsewhere. */
#include <string.h>

#include "core/parallel.h"
#include "opapi/moves/arrange.h"

#define TRIANGULAR (STUB_NUMBERS | STUB_UNSIGNED)

typedef struct {
    uint32_t diagonal, out; /* arguments */
    bool upper;
} stub_triangles;

typedef struct {
    stub_box from, to;
    int64_t diagonal;
    bool upper;
    int64_t rows, share; /* of all matrices; of one part */
} job;

static aclnnStatus stub_triangles_check(const stub_call *call, stub_plan *plan, const stub_triangles *data) {
    STUB_REQUIRE(stub_check_move(call, 0, data->out, TRIANGULAR));
    STUB_REQUIRE(stub_check_rank(call, 0, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, data->out, 0));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, 0)) == 0;
    return ACLNN_SUCCESS;
}

static uint8_t *row_of(const stub_box *box, int64_t row) {
    uint8_t *at = box->first;
    for (uint32_t i = box->rank - 1; i-- > 0; row /= box->shape[i]) {
        at += row % box->shape[i] * box->steps[i];
    }
    return at;
}

/* Columns from .. to of a row: kept ones are copied, the others zeroed. */
static void put(const job *work, uint8_t *to, const uint8_t *from, int64_t first, int64_t end, bool keep) {
    static const uint8_t zero[16];
    const uint32_t last = work->to.rank - 1;
    const int64_t width = stub_box_width(&work->to), step = work->to.steps[last], other = work->from.steps[last];
    if (keep && to != from) {
        stub_move(width, to + first * step, step, from + first * other, other, end - first);
    } else if (!keep) {
        stub_move(width, to + first * step, step, zero, 0, end - first);
    }
}

static void do_rows(void *state, size_t part) {
    const job *work = state;
    const int64_t rows = work->to.shape[work->to.rank - 2], columns = work->to.shape[work->to.rank - 1];
    const int64_t first = (int64_t)part * work->share;
    for (int64_t row = first; row < first + work->share && row < work->rows; row++) {
        /* Row r has the diagonal's element at column r + diagonal. */
        const int64_t border = row % rows + work->diagonal + (work->upper ? 0 : 1);
        const int64_t split = border < 0 ? 0 : border > columns ? columns : border;
        uint8_t *to = row_of(&work->to, row);
        const uint8_t *from = row_of(&work->from, row);
        put(work, to, from, 0, split, !work->upper);
        put(work, to, from, split, columns, work->upper);
    }
}

static int64_t bounded(int64_t diagonal, const stub_box *box) {
    const int64_t rows = box->shape[box->rank - 2], columns = box->shape[box->rank - 1];
    return diagonal < -rows ? -rows : diagonal > columns ? columns : diagonal;
}

static aclnnStatus stub_triangles_run(const stub_call *call, const stub_triangles *data) {
    job work = {.upper = data->upper};
    STUB_REQUIRE(stub_box_open(call, 0, &work.from));
    STUB_REQUIRE(stub_box_open(call, data->out, &work.to));
    const int64_t columns = work.to.shape[work.to.rank - 1];
    work.diagonal = bounded(call->args[data->diagonal].integer, &work.to);
    work.rows = stub_box_size(&work.to) / columns;
    work.share = columns > 32768 ? 1 : 65536 / columns;
    stub_parallel((size_t)((work.rows + work.share - 1) / work.share), do_rows, &work);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnTril, stub_triangles, {1, 2, false})
STUB_FAMILY_KERNEL(aclnnTriu, stub_triangles, {1, 2, true})
STUB_FAMILY_KERNEL(aclnnInplaceTril, stub_triangles, {1, 0, false})
STUB_FAMILY_KERNEL(aclnnInplaceTriu, stub_triangles, {1, 0, true})
