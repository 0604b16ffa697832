/* Line by line along the axis whose neighbours touch, so that transposed weights are read in their order too. */
#include "opapi/matmul/antiquant.h"

#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/loops.h"

enum { SHARE = 1 << 15 };

typedef struct {
    const stub_antiquant *by;
    bool by_columns; /* a line is a column of the weight */
    int64_t lines, length, share;
    uint8_t *to;
} job;

STUB_VERSIONS(void, scale_weights, (size_t n, float *w, const float *scale, const float *offset), {
    if (offset) {
        STUB_EACH for (size_t i = 0; i < n; i++) {
            w[i] = (w[i] + offset[i]) * scale[i];
        }
    } else {
        STUB_EACH for (size_t i = 0; i < n; i++) {
            w[i] *= scale[i];
        }
    }
})

/* n parameters of a line from its element `first` on. */
static void load_parameters(const job *all, const stub_part *from, int64_t line, int64_t first, size_t n, float *to) {
    const int64_t size = stub_part_size(from), group = all->by->group;
    if (!all->by_columns) {
        const uint8_t *at = from->first + (line / group * from->row + first * from->column) * size;
        stub_load(from->dtype, at, from->column * size, n, ACL_FLOAT, to);
        return;
    }
    for (size_t i = 0; i < n;) { /* one number for as many rows as are left of the group */
        const int64_t row = first + (int64_t)i, left = group - row % group;
        const size_t count = left < (int64_t)(n - i) ? (size_t)left : n - i;
        const uint8_t *at = from->first + (row / group * from->row + line * from->column) * size;
        stub_load(from->dtype, at, 0, count, ACL_FLOAT, to + i);
        i += count;
    }
}

static void do_line(const job *all, int64_t line) {
    const stub_antiquant *by = all->by;
    const int64_t across = all->by_columns ? by->weight.column : by->weight.row;
    const int64_t along = all->by_columns ? by->weight.row : by->weight.column, size = stub_dtype_bits(by->as) / 8;
    _Alignas(64) float weights[STUB_STRETCH], scales[STUB_STRETCH], offsets[STUB_STRETCH];
    for (int64_t first = 0; first < all->length; first += STUB_STRETCH) {
        const size_t n = all->length - first < STUB_STRETCH ? (size_t)(all->length - first) : STUB_STRETCH;
        stub_load(ACL_INT8, by->weight.first + line * across + first * along, along, n, ACL_FLOAT, weights);
        load_parameters(all, &by->scale, line, first, n, scales);
        if (by->offset.first) {
            load_parameters(all, &by->offset, line, first, n, offsets);
        }
        STUB_BEST(scale_weights)(n, weights, scales, by->offset.first ? offsets : NULL);
        stub_store(ACL_FLOAT, weights, n, by->as, all->to + (line * all->length + first) * size, size);
    }
}

static void do_share(void *state, size_t piece) {
    const job *all = state;
    const int64_t first = (int64_t)piece * all->share;
    for (int64_t line = first; line < all->lines && line < first + all->share; line++) {
        do_line(all, line);
    }
}

aclnnStatus stub_antiquant_run(const stub_call *call, const stub_antiquant *by, stub_part *to, void **owned) {
    const bool by_columns = by->weight.row == 1 && by->weight.column != 1;
    job all = {
        .by = by, .by_columns = by_columns, .lines = by_columns ? by->n : by->k, .length = by_columns ? by->k : by->n};
    all.share = SHARE / (all.length + 1) + 1;
    *owned = all.to = malloc((size_t)(by->k * by->n * (stub_dtype_bits(by->as) / 8)) + 1);
    if (!all.to) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a weight of [%lld, %lld]", call->op->name,
                         (long long)by->k, (long long)by->n);
    }
    stub_parallel((size_t)((all.lines + all.share - 1) / all.share), do_share, &all);
    *to = (stub_part){.first = all.to, .dtype = by->as, .row = by->n, .column = 1};
    if (by_columns) {
        to->row = 1;
        to->column = by->k;
    }
    return ACLNN_SUCCESS;
}
