/* Where the largest or smallest element of an axis is, and which: the first of equal ones; the first NaN, if there is
 * one, as in PyTorch (the documents are silent). */
#include "opapi/reduction/reduce.h"

#include <math.h>

#define LARGER(a, x) (((x) > (a)) | ((x) != (x)))
#define SMALLER(a, x) (((x) < (a)) | ((x) != (x)))
#define LARGER_INT(a, x) ((x) > (a))
#define SMALLER_INT(a, x) ((x) < (a))
#define IS_NAN(x) ((x) != (x))
#define IS_NO_NAN(x) false

/* BEATS(a, x): x wins over a, which is no NaN. I: an integer as wide as T, for the rows of a tile. */
#define POSITION(name, T, I, BEATS, NOT_A_NUMBER)                                                                      \
    typedef struct {                                                                                                   \
        T value;                                                                                                       \
        int64_t at; /* -1: none so far */                                                                              \
    } name##_found;                                                                                                    \
    STUB_INLINE bool name##_wins(name##_found a, name##_found b) {                                                     \
        const bool same = a.value == b.value || (NOT_A_NUMBER(a.value) && NOT_A_NUMBER(b.value));                      \
        return a.at < 0 || (same ? b.at < a.at : BEATS(a.value, b.value) && !NOT_A_NUMBER(a.value));                   \
    }                                                                                                                  \
    STUB_FOLD_MERGE(name, name##_found, ((name##_found){0, -1}), b.at >= 0 && name##_wins(a, b) ? b : a)               \
    STUB_FOLD_TILE(name, {                                                                                             \
        const T *const xs = numbers;                                                                                   \
        T best[STUB_FOLD_LANES];                                                                                       \
        I found[STUB_FOLD_LANES];                                                                                      \
        name##_found *const to = acc;                                                                                  \
        (void)c;                                                                                                       \
        STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {                                                   \
            best[lane] = xs[lane];                                                                                     \
            found[lane] = 0;                                                                                           \
        }                                                                                                              \
        for (size_t row = 1; row < tile->rows; row++) {                                                                \
            const T *const at = xs + (int64_t)row * tile->pitch;                                                       \
            STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {                                               \
                const bool wins = BEATS(best[lane], at[lane]) & !NOT_A_NUMBER(best[lane]);                             \
                best[lane] = wins ? at[lane] : best[lane];                                                             \
                found[lane] = wins ? (I)row : found[lane];                                                             \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t lane = 0; lane < lanes; lane++) {                                                                  \
            const int64_t index = tile->at + (int64_t)found[lane] * tile->down + (int64_t)lane * tile->beside;         \
            const name##_found one = {best[lane], index};                                                              \
            to[lane] = name##_joined(to[lane], one);                                                                   \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_FOLD_OF_TILES(name##_both, name, name##_found, T, a.value, int64_t, a.at)

#define POSITION_ONLY(name) STUB_FOLD_OF_TILES(name##_at, name, name##_found, int64_t, a.at, int64_t, 0)

POSITION(max_f32, float, int32_t, LARGER, IS_NAN)
POSITION(max_f64, double, int64_t, LARGER, IS_NAN)
POSITION(max_i64, int64_t, int64_t, LARGER_INT, IS_NO_NAN)
POSITION(max_b8, uint8_t, uint8_t, LARGER_INT, IS_NO_NAN)
POSITION(min_f32, float, int32_t, SMALLER, IS_NAN)
POSITION(min_f64, double, int64_t, SMALLER, IS_NAN)
POSITION(min_i64, int64_t, int64_t, SMALLER_INT, IS_NO_NAN)
POSITION(min_b8, uint8_t, uint8_t, SMALLER_INT, IS_NO_NAN)
POSITION_ONLY(max_f32)
POSITION_ONLY(max_f64)
POSITION_ONLY(max_i64)
POSITION_ONLY(min_f32)
POSITION_ONLY(min_f64)
POSITION_ONLY(min_i64)

#define INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define VALUES (STUB_FLOATS | STUB_DTYPE(ACL_INT64) | STUB_BOOLS)
#define ARG(...)                                                                                                       \
    {.folds = {__VA_ARGS__},                                                                                           \
     .allowed = STUB_REALS | STUB_INTEGERS,                                                                            \
     .result = {STUB_RESULT_INDEX},                                                                                    \
     .results = {INDICES},                                                                                             \
     .empty = STUB_EMPTY_LEAVES}
#define WITH_VALUE(indices, ...)                                                                                       \
    {.folds = {__VA_ARGS__},                                                                                           \
     .allowed = VALUES,                                                                                                \
     .result = {STUB_RESULT_SAME, STUB_RESULT_INDEX},                                                                  \
     .results = {0, indices},                                                                                          \
     .empty = STUB_EMPTY_LEAVES}

STUB_FAMILY_KERNEL(aclnnArgMax, stub_reduce, ARG(&max_f32_at, &max_f64_at, &max_i64_at))
STUB_FAMILY_KERNEL(aclnnArgMin, stub_reduce, ARG(&min_f32_at, &min_f64_at, &min_i64_at))
STUB_FAMILY_KERNEL(aclnnMaxDim, stub_reduce,
                   WITH_VALUE(INDICES, &max_f32_both, &max_f64_both, &max_i64_both, &max_b8_both))
STUB_FAMILY_KERNEL(aclnnMinDim, stub_reduce,
                   WITH_VALUE(INDICES, &min_f32_both, &min_f64_both, &min_i64_both, &min_b8_both))
