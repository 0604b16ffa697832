/* Rows of tokens: opening, reading and writing them, gathering and summing them on all cores. */
#include "opapi/moe/rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/whole.h"

enum { SHARE = 32 * STUB_STRETCH };

aclnnStatus stub_token_rows_open(const stub_call *call, uint32_t arg, stub_token_rows *rows) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    const aclTensor *tensor = view.tensor;
    const uint32_t rank = tensor->rank;
    const int64_t size = view.bits / 8;
    *rows = (stub_token_rows){.first = view.base == NULL ? NULL : view.base + tensor->offset * size,
                              .dtype = tensor->dtype,
                              .size = size,
                              .rows = 1,
                              .columns = stub_last_dim(tensor),
                              .inner = 1,
                              .step = rank > 0 ? tensor->strides[rank - 1] * size : 0};
    if (rank > 1) {
        rows->inner = tensor->shape[rank - 2];
        rows->inner_step = tensor->strides[rank - 2] * size;
        rows->rows = rows->inner;
    }
    if (rank > 2) {
        rows->outer_step = tensor->strides[rank - 3] * size;
        rows->rows *= tensor->shape[rank - 3];
    }
    return ACLNN_SUCCESS;
}

static uint8_t *row_at(const stub_token_rows *rows, int64_t r) {
    return rows->first + r / rows->inner * rows->outer_step + r % rows->inner * rows->inner_step;
}

void stub_token_rows_load(const stub_token_rows *rows, int64_t r, int64_t column, int64_t n, float *to) {
    stub_load(rows->dtype, row_at(rows, r) + column * rows->step, rows->step, (size_t)n, ACL_FLOAT, to);
}

void stub_token_rows_store(const stub_token_rows *rows, int64_t r, int64_t column, int64_t n, float *from) {
    stub_store(ACL_FLOAT, from, (size_t)n, rows->dtype, row_at(rows, r) + column * rows->step, rows->step);
}

void *stub_moe_memory(const stub_call *call, int64_t n) {
    void *memory = calloc((size_t)(n > 0 ? n : 1), 8);
    if (memory == NULL) {
        stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld indices", call->op->name, (long long)n);
    }
    return memory;
}

static aclnnStatus read_all(const stub_call *call, uint32_t arg, aclDataType as, void **numbers) {
    stub_view view;
    *numbers = NULL;
    if (stub_tensor_arg(call, arg) == NULL) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *numbers = stub_moe_memory(call, stub_tensor_numel(view.tensor));
    if (*numbers == NULL) {
        return ACLNN_ERR_INNER;
    }
    stub_whole_load(&view, as, *numbers);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_read_integers(const stub_call *call, uint32_t arg, int64_t **values) {
    void *numbers;
    const aclnnStatus status = read_all(call, arg, ACL_INT64, &numbers);
    *values = numbers;
    return status;
}

aclnnStatus stub_read_floats(const stub_call *call, uint32_t arg, float **values) {
    void *numbers;
    const aclnnStatus status = read_all(call, arg, ACL_FLOAT, &numbers);
    *values = numbers;
    return status;
}

static aclnnStatus write_all(const stub_call *call, uint32_t arg, aclDataType as, void *numbers) {
    stub_view view;
    if (stub_tensor_arg(call, arg) == NULL) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    stub_whole_store(&view, as, numbers, stub_tensor_numel(view.tensor));
    return ACLNN_SUCCESS;
}

aclnnStatus stub_write_integers(const stub_call *call, uint32_t arg, int64_t *values) {
    return write_all(call, arg, ACL_INT64, values);
}

aclnnStatus stub_write_floats(const stub_call *call, uint32_t arg, float *values) {
    return write_all(call, arg, ACL_FLOAT, values);
}

aclnnStatus stub_check_indices(const stub_call *call, uint32_t arg, const int64_t *values, int64_t n, int64_t low,
                               int64_t high) {
    for (int64_t i = 0; i < n; i++) {
        if (values[i] < low || values[i] >= high) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: element %lld of %s is %lld; it must be from %lld to %lld", call->op->name,
                             (long long)i, call->op->params[arg].name, (long long)values[i], (long long)low,
                             (long long)high - 1);
        }
    }
    return ACLNN_SUCCESS;
}

/* Rows of one piece of work. */
static int64_t share_of(const stub_token_rows *rows, int64_t each) {
    const int64_t cost = rows->columns * (each > 0 ? each : 1);
    return cost >= SHARE ? 1 : SHARE / (cost > 0 ? cost : 1);
}

static int64_t end_of(int64_t from, int64_t share, int64_t rows) {
    return from + share < rows ? from + share : rows;
}

typedef struct {
    const stub_token_rows *from, *to;
    const int64_t *source;
    int64_t share;
} gathering;

static void gather_row(const gathering *work, int64_t r) {
    const stub_token_rows *from = work->from, *to = work->to;
    const size_t size = (size_t)to->size;
    uint8_t *target = row_at(to, r);
    const uint8_t *source = work->source[r] >= 0 ? row_at(from, work->source[r]) : NULL;
    if (source && from->step == from->size && to->step == to->size) {
        memcpy(target, source, (size_t)to->columns * size);
        return;
    }
    for (int64_t i = 0; i < to->columns; i++) {
        if (source) {
            memcpy(target + i * to->step, source + i * from->step, size);
        } else {
            memset(target + i * to->step, 0, size);
        }
    }
}

static void gather_part(void *state, size_t index) {
    const gathering *work = state;
    const int64_t from = (int64_t)index * work->share, to = end_of(from, work->share, work->to->rows);
    for (int64_t r = from; r < to; r++) {
        if (work->source[r] != STUB_ROW_LEFT) {
            gather_row(work, r);
        }
    }
}

void stub_gather_rows(const stub_token_rows *from, const int64_t *source, const stub_token_rows *to) {
    gathering work = {from, to, source, share_of(to, 1)};
    stub_parallel((size_t)((to->rows + work.share - 1) / work.share), gather_part, &work);
}

float stub_row_product(const stub_token_rows *a, int64_t i, const stub_token_rows *b, int64_t j) {
    float x[STUB_STRETCH], y[STUB_STRETCH];
    double sum = 0;
    for (int64_t column = 0; column < a->columns; column += STUB_STRETCH) {
        const int64_t n = a->columns - column < STUB_STRETCH ? a->columns - column : STUB_STRETCH;
        stub_token_rows_load(a, i, column, n, x);
        stub_token_rows_load(b, j, column, n, y);
        for (int64_t c = 0; c < n; c++) {
            sum += (double)x[c] * y[c];
        }
    }
    return (float)sum;
}

typedef struct {
    const stub_row_sum *sum;
    int64_t share;
} summing;

static void add(float *to, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        to[i] += x[i];
    }
}

/* weight * (row + bias), added to `to`. */
static void add_term(const stub_row_sum *sum, int64_t term, int64_t column, int64_t n, float *to) {
    float row[STUB_STRETCH], bias[STUB_STRETCH];
    const float weight = sum->weight ? sum->weight[term] : 1;
    if (sum->source[term] >= 0) {
        stub_token_rows_load(sum->from, sum->source[term], column, n, row);
    } else {
        memset(row, 0, sizeof row);
    }
    if (sum->bias) {
        stub_token_rows_load(sum->bias, sum->expert[term], column, n, bias);
        add(row, bias, n);
    }
    for (int64_t i = 0; i < n; i++) {
        to[i] += weight * row[i];
    }
}

static void sum_stretch(const stub_row_sum *sum, int64_t r, int64_t column, int64_t n) {
    float to[STUB_STRETCH] = {0}, base[STUB_STRETCH];
    for (int k = 0; k < 2; k++) {
        if (sum->base[k]) {
            stub_token_rows_load(sum->base[k], r, column, n, base);
            add(to, base, n);
        }
    }
    const int64_t first = sum->start ? sum->start[r] : r * sum->each;
    const int64_t end = sum->start ? sum->start[r + 1] : first + sum->each;
    for (int64_t term = first; term < end; term++) {
        add_term(sum, term, column, n, to);
    }
    stub_token_rows_store(sum->out, r, column, n, to);
}

static void sum_part(void *state, size_t index) {
    const summing *work = state;
    const stub_token_rows *out = work->sum->out;
    const int64_t from = (int64_t)index * work->share, to = end_of(from, work->share, out->rows);
    for (int64_t r = from; r < to; r++) {
        for (int64_t column = 0; column < out->columns; column += STUB_STRETCH) {
            const int64_t left = out->columns - column;
            sum_stretch(work->sum, r, column, left < STUB_STRETCH ? left : STUB_STRETCH);
        }
    }
}

void stub_sum_rows(const stub_row_sum *sum) {
    summing work = {sum, share_of(sum->out, sum->each)};
    stub_parallel((size_t)((sum->out->rows + work.share - 1) / work.share), sum_part, &work);
}
