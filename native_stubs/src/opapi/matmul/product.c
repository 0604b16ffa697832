/* Running products: one after the other on all cores, or, when there are many small ones, one on each. */
#include "opapi/matmul/product.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/loops.h"

/* Sums that are kept at a time, multiplications of a "small" product, elements that a thread stores at a time. */
enum { SUMS = 1 << 24, SMALL = 1 << 21, SHARE = 1 << 15 };

stub_part stub_part_of(const stub_view *view, int row_axis, int column_axis, uint32_t batch_rank) {
    const aclTensor *tensor = view->tensor;
    stub_part part = {.dtype = tensor->dtype};
    part.first = view->base ? view->base + tensor->offset * (view->bits / 8) : NULL;
    uint32_t axis = batch_rank;
    for (int i = (int)tensor->rank - 1; i >= 0; i--) {
        const int64_t step = tensor->shape[i] == 1 ? 0 : tensor->strides[i];
        if (i == row_axis) {
            part.row = step;
        } else if (i == column_axis) {
            part.column = step;
        } else {
            part.batch[--axis] = step;
        }
    }
    return part;
}

stub_part stub_part_last(const stub_view *view, uint32_t batch_rank) {
    const int rank = (int)view->tensor->rank;
    return stub_part_of(view, rank > 1 ? rank - 2 : STUB_NO_AXIS, rank - 1, batch_rank);
}

uint8_t *stub_part_at(const stub_part *part, const int64_t *batch, uint32_t rank, int64_t index) {
    int64_t offset = 0;
    for (uint32_t i = rank; i-- > 0; index /= batch[i]) {
        offset += index % batch[i] * part->batch[i];
    }
    return part->first ? part->first + offset * stub_part_size(part) : NULL;
}

/* ---- what becomes of the sums ---- */

#define FINISH_LOOPS(T)                                                                                                \
    STUB_VERSIONS(void, scale_##T, (size_t n, T *y, double by), {                                                      \
        const T factor = (T)by;                                                                                        \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            y[i] *= factor;                                                                                            \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, add_##T, (size_t n, T *y, const T *x, double by), {                                            \
        const T factor = (T)by;                                                                                        \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            y[i] += factor * x[i];                                                                                     \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, multiply_##T, (size_t n, T *y, const T *x), {                                                  \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            y[i] *= x[i];                                                                                              \
        }                                                                                                              \
    })                                                                                                                 \
    static void apply_##T(T *y, size_t n, const T *x, const stub_term *term) {                                         \
        if (term->multiplies) {                                                                                        \
            STUB_BEST(multiply_##T)(n, y, x);                                                                          \
        } else {                                                                                                       \
            STUB_BEST(add_##T)(n, y, x, term->factor);                                                                 \
        }                                                                                                              \
    }
FINISH_LOOPS(float)
FINISH_LOOPS(double)

/* Matrix number `index`, of which `rows` rows from `row` on have their sums at `sums`. */
typedef struct {
    const stub_call *call;
    const stub_batch_product *product;
    aclDataType as;
    int64_t index, row, rows, share; /* share: rows that a thread stores at a time */
    uint8_t *sums;
} block;

static uint8_t *element(const block *here, const stub_part *part, int64_t row, int64_t column) {
    const stub_batch_product *all = here->product;
    uint8_t *first = stub_part_at(part, all->batch, all->sums_batch ? 0 : all->rank, here->index);
    return first + (row * part->row + column * part->column) * stub_part_size(part);
}

static void finish_stretch(const block *here, int64_t row, int64_t column, size_t n, void *sums) {
    const stub_batch_product *all = here->product;
    const bool wide = here->as == ACL_DOUBLE;
    if (all->alpha != 1) {
        wide ? STUB_BEST(scale_double)(n, sums, all->alpha) : STUB_BEST(scale_float)(n, sums, all->alpha);
    }
    for (uint32_t i = 0; i < all->terms; i++) {
        const stub_term *term = &all->term[i];
        stub_stretch room;
        if (term->rounded) {
            stub_round(all->out.dtype, sums, n);
        }
        stub_load(term->part.dtype, element(here, &term->part, row, column),
                  term->part.column * stub_part_size(&term->part), n, here->as, room.bytes);
        wide ? apply_double(sums, n, (const double *)(const void *)room.bytes, term)
             : apply_float(sums, n, (const float *)(const void *)room.bytes, term);
    }
    if (all->function) {
        all->function(n, sums);
    }
    stub_store(here->as, sums, n, all->out.dtype, element(here, &all->out, row, column),
               all->out.column * stub_part_size(&all->out));
}

static void finish_rows(void *state, size_t piece) {
    const block *here = state;
    const int64_t n = here->product->n, size = here->as == ACL_DOUBLE ? 8 : 4;
    const int64_t first = (int64_t)piece * here->share;
    for (int64_t i = first; i < here->rows && i < first + here->share; i++) {
        for (int64_t j = 0; j < n; j += STUB_STRETCH) {
            const size_t count = n - j < STUB_STRETCH ? (size_t)(n - j) : STUB_STRETCH;
            finish_stretch(here, here->row + i, j, count, here->sums + (i * n + j) * size);
        }
    }
}

/* ---- products ---- */

static stub_gemm gemm_of(const block *here, int64_t index) {
    const stub_batch_product *all = here->product;
    const stub_part *a = &all->a, *b = &all->b;
    const uint8_t *left = stub_part_at(a, all->batch, all->rank, index);
    return (stub_gemm){
        .m = here->rows,
        .n = all->n,
        .k = all->k,
        .a = {left ? left + here->row * a->row * stub_part_size(a) : NULL, a->dtype, a->row, a->column},
        .b = {stub_part_at(b, all->batch, all->rank, index), b->dtype, b->row, b->column},
        .c = here->sums,
        .c_row = all->n,
    };
}

/* Sums that are results already go where they belong. */
static bool is_direct(const block *here) {
    const stub_batch_product *all = here->product;
    return all->out.dtype == here->as && (all->out.column == 1 || all->n == 1) && all->alpha == 1 && all->terms == 0 &&
           !all->function;
}

static bool multiply(const block *here, bool (*run)(const stub_gemm *gemm)) {
    const stub_batch_product *all = here->product;
    stub_gemm gemm = gemm_of(here, here->index);
    if (is_direct(here)) {
        gemm.c = element(here, &all->out, here->row, 0);
        gemm.c_row = all->out.row;
    }
    bool done = run(&gemm);
    const int64_t count = all->sums_batch ? stub_batch_count(all->batch, all->rank) : 1;
    for (int64_t i = 1; i < count && done; i++) {
        stub_gemm next = gemm_of(here, i);
        next.c = gemm.c;
        next.c_row = gemm.c_row;
        next.adds = true;
        done = run(&next);
    }
    return done;
}

/* One matrix, in blocks of rows. `sums`: memory for one block. */
static bool do_matrix(block *here, int64_t block_rows, bool (*run)(const stub_gemm *gemm), bool alone) {
    const stub_batch_product *all = here->product;
    for (here->row = 0; here->row < all->m; here->row += block_rows) {
        here->rows = all->m - here->row < block_rows ? all->m - here->row : block_rows;
        if (!multiply(here, run)) {
            return false;
        }
        if (is_direct(here)) {
            continue;
        }
        here->share = alone ? here->rows : SHARE / all->n + 1;
        const size_t pieces = (size_t)((here->rows + here->share - 1) / here->share);
        if (pieces > 1) {
            stub_parallel(pieces, finish_rows, here);
        } else {
            finish_rows(here, 0);
        }
    }
    return true;
}

typedef struct {
    block model;
    int64_t count, share, bytes; /* matrices, of one piece; of the sums of one matrix */
    uint8_t *sums;               /* of every piece */
    atomic_bool failed;
} batch_job;

static void do_share(void *state, size_t piece) {
    batch_job *job = state;
    block here = job->model;
    here.sums = job->sums + (int64_t)piece * job->bytes;
    const int64_t first = (int64_t)piece * job->share;
    for (here.index = first; here.index < job->count && here.index < first + job->share; here.index++) {
        if (!do_matrix(&here, here.product->m, stub_gemm_run_here, true)) {
            atomic_store(&job->failed, true);
        }
    }
}

static bool run_small(batch_job *job, size_t pieces) {
    job->sums = malloc((size_t)job->bytes * pieces);
    if (!job->sums) {
        return false;
    }
    stub_parallel(pieces, do_share, job);
    free(job->sums);
    return !atomic_load(&job->failed);
}

static bool run_large(const batch_job *job) {
    const stub_batch_product *all = job->model.product;
    const int64_t most = SUMS / all->n + 1, rows = all->m < most ? all->m : most;
    block here = job->model;
    bool done = is_direct(&here);
    here.sums = done ? NULL : malloc((size_t)(job->bytes / all->m * rows));
    done = done || here.sums;
    for (here.index = 0; here.index < job->count && done; here.index++) {
        done = do_matrix(&here, done && is_direct(&here) ? all->m : rows, stub_gemm_run, false);
    }
    free(here.sums);
    return done;
}

static aclnnStatus run(const stub_call *call, const stub_batch_product *product) {
    const bool wide = product->a.dtype == ACL_DOUBLE;
    const int64_t work = product->m * product->n * (product->k + 1);
    batch_job job = {.model = {.call = call, .product = product, .as = wide ? ACL_DOUBLE : ACL_FLOAT}};
    job.count = product->sums_batch ? 1 : stub_batch_count(product->batch, product->rank);
    job.bytes = product->m * product->n * (wide ? 8 : 4);
    if (job.count == 0 || job.bytes == 0) {
        return ACLNN_SUCCESS;
    }
    bool done;
    if (job.count > 1 && work <= SMALL) {
        job.share = SMALL / 4 / work + 1;
        done = run_small(&job, (size_t)((job.count + job.share - 1) / job.share));
    } else {
        done = run_large(&job);
    }
    return done
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER,
                           "%s: no host memory for the product of matrices [%lld, %lld] x [%lld, %lld]", call->op->name,
                           (long long)product->m, (long long)product->k, (long long)product->k, (long long)product->n);
}

static aclnnStatus run_as_half(const stub_call *call, const stub_batch_product *product) {
    stub_batch_product halves = *product;
    void *left = NULL, *right = NULL;
    aclnnStatus status = stub_part_copy(call, &product->a, product->m, product->k, product->batch, product->rank,
                                        ACL_FLOAT16, &halves.a, &left);
    if (status == ACLNN_SUCCESS) {
        status = stub_part_copy(call, &product->b, product->k, product->n, product->batch, product->rank, ACL_FLOAT16,
                                &halves.b, &right);
    }
    if (status == ACLNN_SUCCESS) {
        status = run(call, &halves);
    }
    free(left);
    free(right);
    return status;
}

aclnnStatus stub_batch_product_run(const stub_call *call, const stub_batch_product *product) {
    return (product->as_half ? run_as_half : run)(call, product);
}
