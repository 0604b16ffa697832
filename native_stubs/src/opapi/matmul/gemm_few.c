/* Few rows: B goes by once, straight from where it lies if its elements are numbers or widen to them for nothing. Where
 * its rows are neighbours four of them at a time are added to the sums, times elements of A; where its columns are,
 * each is multiplied with the rows of A at once. */
#include "opapi/matmul/gemm_few.h"

#include <string.h>

#include "core/half.h"
#include "opapi/elements.h"
#include "opapi/loops.h"

enum { STEPS = 1024, LANES = 16, TOGETHER = 4, CACHE_LINE = 64 };

/* Elements E as numbers T. What comes `ahead` elements later is asked for: the processor's own guesses end with the
 * page. Sums of products in LANES separate sums are the order that vector code has anyway. */
#define FEW_LOOPS(name, E, T, number)                                                                                  \
    STUB_VERSIONS(void, add_rows_##name, (T * sums, const E *b, int64_t row, int64_t ahead, const T *x, size_t n), {   \
        enum { BLOCK = CACHE_LINE / sizeof(E) };                                                                       \
        const E *const b1 = b + row, *const b2 = b1 + row, *const b3 = b2 + row;                                       \
        const T x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];                                                            \
        for (size_t first = 0; first < n; first += BLOCK) {                                                            \
            const size_t end = n - first < BLOCK ? n : first + BLOCK;                                                  \
            __builtin_prefetch(b + first + ahead);                                                                     \
            __builtin_prefetch(b1 + first + ahead);                                                                    \
            __builtin_prefetch(b2 + first + ahead);                                                                    \
            __builtin_prefetch(b3 + first + ahead);                                                                    \
            STUB_EACH for (size_t i = first; i < end; i++) {                                                           \
                sums[i] += (number(b[i]) * x0 + number(b1[i]) * x1) + (number(b2[i]) * x2 + number(b3[i]) * x3);       \
            }                                                                                                          \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, add_row_##name, (T * sums, const E *b, T x, size_t n), {                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            sums[i] += number(b[i]) * x;                                                                               \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(T, dot_##name, (const T *a, const E *b, int64_t ahead, size_t n), {                                  \
        T lanes[LANES] = {0}, sum = 0;                                                                                 \
        size_t i = 0;                                                                                                  \
        for (; i + LANES <= n; i += LANES) {                                                                           \
            __builtin_prefetch(b + i + ahead);                                                                         \
            STUB_EACH_LANE for (size_t j = 0; j < LANES; j++) {                                                        \
                lanes[j] += a[i + j] * number(b[i + j]);                                                               \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t j = 0; i + j < n; j++) {                                                                           \
            lanes[j] += a[i + j] * number(b[i + j]);                                                                   \
        }                                                                                                              \
        for (size_t j = 0; j < LANES; j++) {                                                                           \
            sum += lanes[j];                                                                                           \
        }                                                                                                              \
        return sum;                                                                                                    \
    })                                                                                                                 \
    static void add_lines_##name(const E *b, int64_t row, size_t steps, const T(*a)[STEPS], size_t rows,               \
                                 size_t columns, T(*sums)[STUB_GEMM_FEW_COLUMNS]) {                                    \
        size_t p = 0;                                                                                                  \
        for (; p + TOGETHER <= steps; p += TOGETHER) {                                                                 \
            const int64_t ahead = p + 2 * TOGETHER <= steps ? TOGETHER * row : 0;                                      \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                STUB_BEST(add_rows_##name)(sums[i], b + (int64_t)p * row, row, ahead, a[i] + p, columns);              \
            }                                                                                                          \
        }                                                                                                              \
        for (; p < steps; p++) {                                                                                       \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                STUB_BEST(add_row_##name)(sums[i], b + (int64_t)p * row, a[i][p], columns);                            \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void add_dots_##name(const E *b, int64_t column, size_t steps, const T(*a)[STEPS], size_t rows,             \
                                size_t columns, T(*sums)[STUB_GEMM_FEW_COLUMNS]) {                                     \
        for (size_t j = 0; j < columns; j++) {                                                                         \
            const int64_t ahead = j + 1 < columns ? column : 0;                                                        \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                sums[i][j] += STUB_BEST(dot_##name)(a[i], b + (int64_t)j * column, ahead, steps);                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#define ITSELF(x) (x)
FEW_LOOPS(float, float, float, ITSELF)
FEW_LOOPS(double, double, double, ITSELF)
FEW_LOOPS(bf16, uint16_t, float, stub_bf16_to_f32)

static int64_t element_size(const stub_matrix *matrix) {
    return stub_dtype_bits(matrix->dtype) / 8;
}

static const uint8_t *element(const stub_matrix *matrix, int64_t row, int64_t column) {
    return (const uint8_t *)matrix->first + (row * matrix->row + column * matrix->column) * element_size(matrix);
}

/* Whether the loops can read the elements where they lie: `as` numbers or BF16, a row or a column of neighbours. */
static bool lies_ready(const stub_matrix *b, const uint8_t *at, aclDataType as) {
    const bool known = b->dtype == as || (b->dtype == ACL_BF16 && as == ACL_FLOAT);
    return known && (b->row == 1 || b->column == 1) && (uintptr_t)at % (uintptr_t)element_size(b) == 0;
}

#define ADD(name, E)                                                                                                   \
    if (by_columns) {                                                                                                  \
        add_dots_##name((const E *)(const void *)at, b->column, steps, a, rows, columns, sums);                        \
    } else {                                                                                                           \
        add_lines_##name((const E *)(const void *)at, b->row, steps, a, rows, columns, sums);                          \
    }                                                                                                                  \
    return;

/* Elements of A of this block of rows, STEPS of each, and the sums. */
#define FEW(T, TYPE)                                                                                                   \
    static void add_loaded_##T(const stub_matrix *b, const uint8_t *at, bool by_columns, size_t steps,                 \
                               const T(*a)[STEPS], size_t rows, size_t columns, T(*sums)[STUB_GEMM_FEW_COLUMNS]) {     \
        _Alignas(CACHE_LINE) T room[STUB_STRETCH];                                                                     \
        const int64_t size = element_size(b), across = b->column * size, along = b->row * size;                        \
        for (size_t j = 0; by_columns && j < columns; j++) {                                                           \
            stub_load(b->dtype, at + (int64_t)j * across, along, steps, TYPE, room);                                   \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                sums[i][j] += STUB_BEST(dot_##T)(a[i], room, 0, steps);                                                \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t p = 0; !by_columns && p < steps; p++) {                                                            \
            stub_load(b->dtype, at + (int64_t)p * along, across, columns, TYPE, room);                                 \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                STUB_BEST(add_row_##T)(sums[i], room, a[i][p], columns);                                               \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void add_steps_##T(const stub_matrix *b, const uint8_t *at, size_t steps, const T(*a)[STEPS], size_t rows,  \
                              size_t columns, T(*sums)[STUB_GEMM_FEW_COLUMNS]) {                                       \
        const bool by_columns = b->row == 1 && b->column != 1;                                                         \
        if (!lies_ready(b, at, TYPE)) {                                                                                \
            add_loaded_##T(b, at, by_columns, steps, a, rows, columns, sums);                                          \
            return;                                                                                                    \
        }                                                                                                              \
        READY_##T                                                                                                      \
    }                                                                                                                  \
    static void few_##T(const stub_gemm_job *job, int64_t row, size_t rows, int64_t column, size_t columns) {          \
        const stub_gemm *gemm = &job->gemm;                                                                            \
        const stub_matrix *from = &gemm->a;                                                                            \
        _Alignas(CACHE_LINE) T a[STUB_GEMM_FEW][STEPS];                                                                \
        _Alignas(CACHE_LINE) T sums[STUB_GEMM_FEW][STUB_GEMM_FEW_COLUMNS] = {0};                                       \
        for (int64_t step = 0; step < gemm->k; step += STEPS) {                                                        \
            const size_t steps = gemm->k - step < STEPS ? (size_t)(gemm->k - step) : STEPS;                            \
            for (size_t i = 0; i < rows; i++) {                                                                        \
                stub_load(from->dtype, element(from, row + (int64_t)i, step), from->column * element_size(from),       \
                          steps, TYPE, a[i]);                                                                          \
            }                                                                                                          \
            add_steps_##T(&gemm->b, element(&gemm->b, step, column), steps, (const T(*)[STEPS])a, rows, columns,       \
                          sums);                                                                                       \
        }                                                                                                              \
        for (size_t i = 0; i < rows; i++) {                                                                            \
            T *to = (T *)gemm->c + (row + (int64_t)i) * gemm->c_row + column * job->c_column;                          \
            for (size_t j = 0; j < columns; j++, to += job->c_column) {                                                \
                *to = gemm->adds ? *to + sums[i][j] : sums[i][j];                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#define READY_double ADD(double, double)
#define READY_float                                                                                                    \
    if (b->dtype == ACL_BF16) {                                                                                        \
        ADD(bf16, uint16_t)                                                                                            \
    }                                                                                                                  \
    ADD(float, float)
FEW(float, ACL_FLOAT)
FEW(double, ACL_DOUBLE)

void stub_gemm_few(const stub_gemm_job *job, int64_t row, size_t rows, int64_t column, size_t columns) {
    (job->gemm.a.dtype == ACL_DOUBLE ? few_double : few_float)(job, row, rows, column, columns);
}
