/* Copies of matrices: for products that want rows without gaps, or elements of another type. */
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/matmul/product.h"

enum { SHARE = 1 << 15 }; /* elements that another thread is worth waking for */

typedef struct {
    const stub_part *from;
    const int64_t *batch;
    uint32_t rank;
    int64_t rows, columns, count, share; /* count: rows of all matrices */
    aclDataType as;
    uint8_t *to;
} copying;

static void copy_row(const copying *job, int64_t row, stub_stretch *room) {
    const stub_part *from = job->from;
    const int64_t size = stub_part_size(from), wide = stub_dtype_bits(job->as) / 8;
    const uint8_t *at = stub_part_at(from, job->batch, job->rank, row / job->rows) + row % job->rows * from->row * size;
    uint8_t *to = job->to + row * job->columns * wide;
    for (int64_t j = 0; j < job->columns; j += STUB_STRETCH) {
        const size_t n = job->columns - j < STUB_STRETCH ? (size_t)(job->columns - j) : STUB_STRETCH;
        stub_load(from->dtype, at + j * from->column * size, from->column * size, n, job->as, room->bytes);
        stub_store(job->as, room->bytes, n, job->as, to + j * wide, wide);
    }
}

static void copy_share(void *state, size_t piece) {
    const copying *job = state;
    stub_stretch room;
    const int64_t first = (int64_t)piece * job->share;
    for (int64_t row = first; row < job->count && row < first + job->share; row++) {
        copy_row(job, row, &room);
    }
}

aclnnStatus stub_part_copy(const stub_call *call, const stub_part *from, int64_t rows, int64_t columns,
                           const int64_t *batch, uint32_t rank, aclDataType as, stub_part *to, void **owned) {
    copying job = {.from = from, .batch = batch, .rank = rank, .rows = rows, .columns = columns, .as = as};
    job.count = stub_batch_count(batch, rank) * rows;
    job.share = SHARE / (columns + 1) + 1;
    *owned = job.to = malloc((size_t)(job.count * columns * (stub_dtype_bits(as) / 8)) + 1);
    if (!job.to) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a copy of %lld matrices [%lld, %lld]", call->op->name,
                         (long long)stub_batch_count(batch, rank), (long long)rows, (long long)columns);
    }
    if (columns > 0) {
        stub_parallel((size_t)((job.count + job.share - 1) / job.share), copy_share, &job);
    }
    *to = (stub_part){.first = job.to, .dtype = as, .row = columns, .column = 1};
    int64_t step = rows * columns;
    for (uint32_t i = rank; i-- > 0; step *= batch[i]) {
        to->batch[i] = step;
    }
    return ACLNN_SUCCESS;
}
