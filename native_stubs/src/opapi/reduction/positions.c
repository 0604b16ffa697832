/* Where the largest or smallest element of an axis is, and which: the first of equal ones; the first NaN, if there is
 * one, as in PyTorch (the documents are silent). */
#include "opapi/reduction/reduce.h"

#include <math.h>

#define LARGER(a, x) (((x) > (a)) | ((x) != (x)))
#define SMALLER(a, x) (((x) < (a)) | ((x) != (x)))
#define LARGER_INT(a, x) ((x) > (a))
#define SMALLER_INT(a, x) ((x) < (a))
#define IS_NAN(x) ((x) != (x))
#define IS_NO_NAN(x) (false && (x) != 0)

/* BEATS(a, x): x wins over a, which is no NaN. */
#define POSITION(name, T, BEATS, NOT_A_NUMBER)                                                                         \
    typedef struct {                                                                                                   \
        T value;                                                                                                       \
        int64_t at; /* -1: none so far */                                                                              \
    } name##_found;                                                                                                    \
    STUB_INLINE bool name##_wins(name##_found a, T x) {                                                                \
        return a.at < 0 || (BEATS(a.value, x) && !NOT_A_NUMBER(a.value));                                              \
    }                                                                                                                  \
    STUB_FOLD_MERGE(name, name##_found, ((name##_found){0, -1}), b.at >= 0 && name##_wins(a, b.value) ? b : a)         \
    STUB_VERSIONS(void, name##_along, (const void *numbers, size_t n, int64_t at, const double *c, void *acc), {       \
        const T *const xs = numbers;                                                                                   \
        name##_found *const to = acc;                                                                                  \
        T best[16];                                                                                                    \
        size_t i = 0;                                                                                                  \
        (void)c;                                                                                                       \
        for (size_t j = 0; j < 16; j++) {                                                                              \
            best[j] = xs[0];                                                                                           \
        }                                                                                                              \
        for (; i + 16 <= n; i += 16) {                                                                                 \
            for (size_t j = 0; j < 16; j++) {                                                                          \
                best[j] = BEATS(best[j], xs[i + j]) ? xs[i + j] : best[j];                                             \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            best[i % 16] = BEATS(best[i % 16], xs[i]) ? xs[i] : best[i % 16];                                          \
        }                                                                                                              \
        for (size_t j = 1; j < 16; j++) {                                                                              \
            best[0] = BEATS(best[0], best[j]) ? best[j] : best[0];                                                     \
        }                                                                                                              \
        if (!name##_wins(*to, best[0])) {                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        for (i = 0; xs[i] != best[0] && !NOT_A_NUMBER(xs[i]);) {                                                       \
            i++;                                                                                                       \
        }                                                                                                              \
        *to = (name##_found){xs[i], at + (int64_t)i};                                                                  \
    })                                                                                                                 \
    STUB_FOLD_TURNED(name##_both, name, name##_found, T, a.value, int64_t, a.at)

#define POSITION_ONLY(name) STUB_FOLD_TURNED(name##_at, name, name##_found, int64_t, a.at, int64_t, 0)

POSITION(max_f32, float, LARGER, IS_NAN)
POSITION(max_f64, double, LARGER, IS_NAN)
POSITION(max_i64, int64_t, LARGER_INT, IS_NO_NAN)
POSITION(max_b8, uint8_t, LARGER_INT, IS_NO_NAN)
POSITION(min_f32, float, SMALLER, IS_NAN)
POSITION(min_f64, double, SMALLER, IS_NAN)
POSITION(min_i64, int64_t, SMALLER_INT, IS_NO_NAN)
POSITION(min_b8, uint8_t, SMALLER_INT, IS_NO_NAN)
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
