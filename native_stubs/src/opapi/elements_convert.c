/* Numbers of one class as numbers of another's. */
#include <math.h>

#include "opapi/elements_parts.h"
#include "opapi/loops.h"

/* The integers of a type as doubles: C leaves open what becomes of floats beyond them. */
typedef struct {
    double low, high;
} range;

static range range_of(aclDataType as) {
    switch (as) {
    case ACL_INT8:
        return (range){INT8_MIN, INT8_MAX};
    case ACL_UINT8:
        return (range){0, UINT8_MAX};
    case ACL_INT16:
        return (range){INT16_MIN, INT16_MAX};
    case ACL_UINT16:
        return (range){0, UINT16_MAX};
    case ACL_INT32:
        return (range){INT32_MIN, INT32_MAX};
    case ACL_UINT32:
        return (range){0, UINT32_MAX};
    default: /* 64 bits: see cut_wide */
        return (range){-0x1p63, 0x1p63};
    }
}

STUB_INLINE double clip(double v, range within) {
    const double number = v == v ? v : 0;
    return number < within.low ? within.low : number > within.high ? within.high : number;
}

/* Into INT64, or UINT64 as its bits. */
STUB_INLINE int64_t cut_wide(double v, bool is_unsigned) {
    if (is_unsigned) {
        return v >= 0x1p64 ? -1 : v > 0 ? (int64_t)(uint64_t)v : 0;
    }
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : v == v ? (int64_t)v : 0;
}

/* Up to 32 bits the range is exact and the machine's conversion of doubles to int32 is vector code. */
#define TO_INTEGERS(source, expression)                                                                                \
    {                                                                                                                  \
        const source *in = numbers;                                                                                    \
        int64_t *out = converted;                                                                                      \
        const range within = range_of(as);                                                                             \
        if (within.high <= INT32_MAX) {                                                                                \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const source v = in[i];                                                                                \
                out[i] = (int32_t)clip((expression), within);                                                          \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const source v = in[i];                                                                                \
                out[i] =                                                                                               \
                    as == ACL_UINT32 ? (int64_t)clip((expression), within) : cut_wide((expression), as == ACL_UINT64); \
            }                                                                                                          \
        }                                                                                                              \
        return;                                                                                                        \
    }
#define CONVERT(source, target, expression)                                                                            \
    {                                                                                                                  \
        const source *in = numbers;                                                                                    \
        target *out = converted;                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const source v = in[i];                                                                                    \
            out[i] = (target)(expression);                                                                             \
        }                                                                                                              \
        return;                                                                                                        \
    }
#define PAIR(from, to) ((from) * STUB_CLASS_COUNT + (to))

/* Numbers of class `from` as numbers of the class of `as`, another one. */
STUB_VERSIONS(void, convert, (aclDataType from, const void *numbers, size_t n, aclDataType as, void *converted), {
    switch (PAIR((int)stub_class_of(from), (int)stub_class_of(as))) {
    case PAIR(STUB_F32, STUB_F64):
        CONVERT(float, double, v)
    case PAIR(STUB_F32, STUB_I64):
        TO_INTEGERS(float, (double)v)
    case PAIR(STUB_F32, STUB_B8):
        CONVERT(float, uint8_t, v != 0)
    case PAIR(STUB_F32, STUB_C128):
        CONVERT(float, double complex, v)
    case PAIR(STUB_F64, STUB_F32):
        CONVERT(double, float, v)
    case PAIR(STUB_F64, STUB_I64):
        TO_INTEGERS(double, v)
    case PAIR(STUB_F64, STUB_B8):
        CONVERT(double, uint8_t, v != 0)
    case PAIR(STUB_F64, STUB_C128):
        CONVERT(double, double complex, v)
    case PAIR(STUB_I64, STUB_F32):
        CONVERT(int64_t, float, v)
    case PAIR(STUB_I64, STUB_F64):
        CONVERT(int64_t, double, v)
    case PAIR(STUB_I64, STUB_B8):
        CONVERT(int64_t, uint8_t, v != 0)
    case PAIR(STUB_I64, STUB_C128):
        CONVERT(int64_t, double complex, (double)v)
    case PAIR(STUB_B8, STUB_F32):
        CONVERT(uint8_t, float, v)
    case PAIR(STUB_B8, STUB_F64):
        CONVERT(uint8_t, double, v)
    case PAIR(STUB_B8, STUB_I64):
        CONVERT(uint8_t, int64_t, v)
    case PAIR(STUB_B8, STUB_C128):
        CONVERT(uint8_t, double complex, v)
    case PAIR(STUB_C128, STUB_F32):
        CONVERT(double complex, float, creal(v))
    case PAIR(STUB_C128, STUB_F64):
        CONVERT(double complex, double, creal(v))
    case PAIR(STUB_C128, STUB_I64):
        TO_INTEGERS(double complex, creal(v))
    case PAIR(STUB_C128, STUB_B8):
        CONVERT(double complex, uint8_t, v != 0)
    default:
        return;
    }
})

/* UINT64's upper half, held as negative numbers, when it becomes floats. */
static void convert_unsigned(const uint64_t *numbers, size_t n, aclDataType as, void *converted) {
    switch (stub_class_of(as)) {
    case STUB_F32:
        for (size_t i = 0; i < n; i++) {
            ((float *)converted)[i] = (float)numbers[i];
        }
        return;
    case STUB_F64:
        for (size_t i = 0; i < n; i++) {
            ((double *)converted)[i] = (double)numbers[i];
        }
        return;
    default:
        STUB_BEST(convert)(ACL_INT64, numbers, n, as, converted);
    }
}

void stub_convert(aclDataType from, const void *numbers, size_t n, aclDataType as, void *converted) {
    if (from == ACL_UINT64) {
        convert_unsigned(numbers, n, as, converted);
        return;
    }
    STUB_BEST(convert)(from, numbers, n, as, converted);
}
