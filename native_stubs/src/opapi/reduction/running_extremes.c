/* aclnnCummax and aclnnCummin: the extreme so far and where it is, the last place of equal ones; a NaN wins and stays
 * (PyTorch's answers: the documents are silent). */
#include "opapi/ordering/along.h"

#define BEATS_FLOAT(x, a, OP) ((x)OP(a) || (x) != (x))
#define BEATS_INT(x, a, OP) ((x)OP(a))

#define RUNNING(name, T, BEATS, OP)                                                                                    \
    static void name(const void *numbers, int64_t n, void *values, int64_t *places) {                                  \
        const T *const xs = numbers;                                                                                   \
        T *const to = values;                                                                                          \
        int64_t at = 0;                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            at = BEATS(xs[i], xs[at], OP) ? i : at;                                                                    \
            to[i] = xs[at];                                                                                            \
            places[i] = at;                                                                                            \
        }                                                                                                              \
    }

#define LINE(name, OP)                                                                                                 \
    RUNNING(name##_f32, float, BEATS_FLOAT, OP)                                                                        \
    RUNNING(name##_f64, double, BEATS_FLOAT, OP)                                                                       \
    RUNNING(name##_i64, int64_t, BEATS_INT, OP)                                                                        \
    RUNNING(name##_b8, uint8_t, BEATS_INT, OP)                                                                         \
    static aclnnStatus name(const void *constants, void *const *array, const int64_t *length, int64_t position,        \
                            void *scratch) {                                                                           \
        static void (*const of[])(const void *, int64_t, void *, int64_t *) = {name##_f32, name##_f64, name##_i64,     \
                                                                               name##_b8};                             \
        (void)position, (void)scratch;                                                                                 \
        of[((const stub_along_line *)constants)->class_](array[0], length[0], array[1], array[2]);                     \
        return ACLNN_SUCCESS;                                                                                          \
    }

LINE(largest, >=)
LINE(smallest, <=)

#define EXTREMES(line_)                                                                                                \
    {.allowed = STUB_NUMBERS,                                                                                          \
     .dim = 1,                                                                                                         \
     .values = 2,                                                                                                      \
     .indices = 3,                                                                                                     \
     .index_types = STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64),                                                     \
     .line = (line_)}

STUB_FAMILY_KERNEL(aclnnCummax, stub_along, EXTREMES(largest))
STUB_FAMILY_KERNEL(aclnnCummin, stub_along, EXTREMES(smallest))
