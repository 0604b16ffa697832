/* Largest and smallest elements. A NaN wins, as in PyTorch; the documents are silent. */
#include "opapi/reduction/reduce.h"

#include <math.h>

/* For floats: x wins, or is a NaN; a NaN that has won stays, since nothing compares with it. */
#define LARGER(a, x) ((((x) > (a)) | ((x) != (x))) ? (x) : (a))
#define SMALLER(a, x) ((((x) < (a)) | ((x) != (x))) ? (x) : (a))
#define LARGER_INT(a, x) ((x) > (a) ? (x) : (a))
#define SMALLER_INT(a, x) ((x) < (a) ? (x) : (a))

STUB_FOLD(max_f32, float, float, float, -INFINITY, LARGER(a, x), LARGER(a, b), a)
STUB_FOLD(max_f64, double, double, double, -INFINITY, LARGER(a, x), LARGER(a, b), a)
STUB_FOLD(max_i64, int64_t, int64_t, int64_t, INT64_MIN, LARGER_INT(a, x), LARGER_INT(a, b), a)
STUB_FOLD(max_b8, uint8_t, uint8_t, uint8_t, 0, a | x, a | b, a)
STUB_FOLD(min_f32, float, float, float, INFINITY, SMALLER(a, x), SMALLER(a, b), a)
STUB_FOLD(min_f64, double, double, double, INFINITY, SMALLER(a, x), SMALLER(a, b), a)
STUB_FOLD(min_i64, int64_t, int64_t, int64_t, INT64_MAX, SMALLER_INT(a, x), SMALLER_INT(a, b), a)
STUB_FOLD(min_b8, uint8_t, uint8_t, uint8_t, 1, a &x, a &b, a)

#define BOTH(name, T, lowest, highest, SMALL, LARGE)                                                                   \
    typedef struct {                                                                                                   \
        T low, high;                                                                                                   \
    } name##_pair;                                                                                                     \
    STUB_FOLD_MERGE(name, name##_pair, ((name##_pair){highest, lowest}),                                               \
                    ((name##_pair){SMALL(a.low, b.low), LARGE(a.high, b.high)}))                                       \
    STUB_FOLD_STEPS(name, T, name##_pair, ((name##_pair){highest, lowest}),                                            \
                    ((name##_pair){SMALL(a.low, x), LARGE(a.high, x)}))                                                \
    STUB_FOLD_OF(name##_fold, name, name##_pair, T, a.low, T, a.high)
BOTH(both_f32, float, -INFINITY, INFINITY, SMALLER, LARGER)
BOTH(both_f64, double, -INFINITY, INFINITY, SMALLER, LARGER)
BOTH(both_i64, int64_t, INT64_MIN, INT64_MAX, SMALLER_INT, LARGER_INT)
BOTH(both_b8, uint8_t, 0, 1, SMALLER_INT, LARGER_INT)

#define LARGEST &max_f32, &max_f64, &max_i64, &max_b8
#define SMALLEST &min_f32, &min_f64, &min_i64, &min_b8
#define AMINMAX(empty_)                                                                                                \
    {.folds = {&both_f32_fold, &both_f64_fold, &both_i64_fold, &both_b8_fold},                                         \
     .allowed = STUB_NUMBERS,                                                                                          \
     .empty = (empty_)}
#define ALONG_AXES(...) {.folds = {__VA_ARGS__}, .allowed = STUB_NUMBERS, .empty = STUB_EMPTY_NAMED}
#define OVERALL(...)                                                                                                   \
    {.folds = {__VA_ARGS__},                                                                                           \
     .allowed = STUB_NUMBERS,                                                                                          \
     .results = {STUB_NUMBERS},                                                                                        \
     .empty = STUB_EMPTY_LEAVES,                                                                                       \
     .any_output = true}

STUB_FAMILY_KERNEL(aclnnAmax, stub_reduce, ALONG_AXES(LARGEST))
STUB_FAMILY_KERNEL(aclnnAmin, stub_reduce, ALONG_AXES(SMALLEST))
STUB_FAMILY_KERNEL(aclnnMax, stub_reduce, OVERALL(LARGEST))
STUB_FAMILY_KERNEL(aclnnMin, stub_reduce, OVERALL(SMALLEST))
STUB_FAMILY_KERNEL(aclnnMaxV2, stub_reduce, ALONG_AXES(LARGEST))
STUB_FAMILY_KERNEL(aclnnAminmax, stub_reduce, AMINMAX(STUB_EMPTY_REFUSED))
STUB_FAMILY_KERNEL(aclnnAminmaxDim, stub_reduce, AMINMAX(STUB_EMPTY_REFUSED))
STUB_FAMILY_KERNEL(aclnnAminmaxAll, stub_reduce, AMINMAX(STUB_EMPTY_LEAVES))
