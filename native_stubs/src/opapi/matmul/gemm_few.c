/* Few rows: B goes by once. Where its rows are neighbours each is added to the sums, times an element of A; where its
 * columns are, each is multiplied with the rows of A at once. */
#include "opapi/matmul/gemm_few.h"

#include <string.h>

#include "opapi/elements.h"
#include "opapi/loops.h"

enum { STEPS = 512, LANES = 16 };

/* Sums of products in LANES separate sums: the order that vector code has anyway. */
#define FEW_LOOPS(T)                                                                                                   \
    STUB_VERSIONS(void, add_times_##T, (T * sums, const T *b, T x, size_t n), {                                        \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            sums[i] += b[i] * x;                                                                                       \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(T, dot_##T, (const T *a, const T *b, size_t n), {                                                    \
        T lanes[LANES] = {0}, sum = 0;                                                                                 \
        size_t i = 0;                                                                                                  \
        for (; i + LANES <= n; i += LANES) {                                                                           \
            for (size_t j = 0; j < LANES; j++) {                                                                       \
                lanes[j] += a[i + j] * b[i + j];                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t j = 0; i + j < n; j++) {                                                                           \
            lanes[j] += a[i + j] * b[i + j];                                                                           \
        }                                                                                                              \
        for (size_t j = 0; j < LANES; j++) {                                                                           \
            sum += lanes[j];                                                                                           \
        }                                                                                                              \
        return sum;                                                                                                    \
    })
FEW_LOOPS(float)
FEW_LOOPS(double)

static const uint8_t *element(const stub_matrix *matrix, int64_t row, int64_t column) {
    const int64_t size = stub_dtype_bits(matrix->dtype) / 8;
    return (const uint8_t *)matrix->first + (row * matrix->row + column * matrix->column) * size;
}

/* n numbers of class `as`, `step` elements apart, where they lie or in `room`. */
static const void *load(const stub_matrix *matrix, const uint8_t *at, int64_t step, size_t n, aclDataType as,
                        void *room) {
    const int64_t bytes = step * (stub_dtype_bits(matrix->dtype) / 8);
    if (stub_lies_ready(matrix->dtype, at, bytes, as)) {
        return at;
    }
    stub_load(matrix->dtype, at, bytes, n, as, room);
    return room;
}

/* Elements of A of this block of rows, STEPS of each, and the sums. */
#define FEW(T, TYPE)                                                                                                   \
    static void add_steps_##T(const stub_gemm *gemm, int64_t step, size_t steps, const T(*a)[STEPS], size_t rows,      \
                              int64_t column, size_t columns, T(*sums)[STUB_GEMM_FEW_COLUMNS]) {                       \
        _Alignas(64) T room[STEPS];                                                                                    \
        const stub_matrix *b = &gemm->b;                                                                               \
        if (b->row == 1 && b->column != 1) {                                                                           \
            for (size_t j = 0; j < columns; j++) {                                                                     \
                const T *line = load(b, element(b, step, column + (int64_t)j), 1, steps, TYPE, room);                  \
                for (size_t i = 0; i < rows; i++) {                                                                    \
                    sums[i][j] += STUB_BEST(dot_##T)(a[i], line, steps);                                               \
                }                                                                                                      \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t p = 0; p < steps; p++) {                                                                           \
            const T *line = load(b, element(b, step + (int64_t)p, column), b->column, columns, TYPE, room);            \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                STUB_BEST(add_times_##T)(sums[i], line, a[i][p], columns);                                             \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void few_##T(const stub_gemm_job *job, int64_t row, size_t rows, int64_t column, size_t columns) {          \
        const stub_gemm *gemm = &job->gemm;                                                                            \
        _Alignas(64) T a[STUB_GEMM_FEW][STEPS];                                                                        \
        _Alignas(64) T sums[STUB_GEMM_FEW][STUB_GEMM_FEW_COLUMNS] = {0};                                               \
        for (int64_t step = 0; step < gemm->k; step += STEPS) {                                                        \
            const size_t steps = gemm->k - step < STEPS ? (size_t)(gemm->k - step) : STEPS;                            \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                const stub_matrix *from = &gemm->a;                                                                    \
                const int64_t size = stub_dtype_bits(from->dtype) / 8;                                                 \
                stub_load(from->dtype, element(from, row + (int64_t)i, step), from->column * size, steps, TYPE, a[i]); \
            }                                                                                                          \
            add_steps_##T(gemm, step, steps, (const T(*)[STEPS])a, rows, column, columns, sums);                       \
        }                                                                                                              \
        for (size_t i = 0; i < rows; i++) {                                                                            \
            T *to = (T *)gemm->c + (row + (int64_t)i) * gemm->c_row + column * job->c_column;                          \
            for (size_t j = 0; j < columns; j++, to += job->c_column) {                                                \
                *to = gemm->adds ? *to + sums[i][j] : sums[i][j];                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
FEW(float, ACL_FLOAT)
FEW(double, ACL_DOUBLE)

void stub_gemm_few(const stub_gemm_job *job, int64_t row, size_t rows, int64_t column, size_t columns) {
    (job->gemm.a.dtype == ACL_DOUBLE ? few_double : few_float)(job, row, rows, column, columns);
}
