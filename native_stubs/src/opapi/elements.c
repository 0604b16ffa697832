/* Conversion of stretches: elements <-> the numbers of their own class, and numbers of one class to another's. */
#include "opapi/elements.h"

#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/simd.h"

static int class_or_none(aclDataType dtype) {
    switch (dtype) {
    case ACL_FLOAT:
    case ACL_FLOAT16:
    case ACL_BF16:
        return STUB_F32;
    case ACL_DOUBLE:
        return STUB_F64;
    case ACL_INT8:
    case ACL_UINT8:
    case ACL_INT16:
    case ACL_UINT16:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_INT64:
    case ACL_UINT64:
        return STUB_I64;
    case ACL_BOOL:
        return STUB_B8;
    case ACL_COMPLEX32:
    case ACL_COMPLEX64:
    case ACL_COMPLEX128:
        return STUB_C128;
    default:
        return -1;
    }
}

bool stub_dtype_is_number(aclDataType dtype) {
    return class_or_none(dtype) >= 0;
}

stub_class stub_class_of(aclDataType dtype) {
    return (stub_class)class_or_none(dtype);
}

size_t stub_class_size(stub_class class_) {
    return class_ == STUB_F32    ? sizeof(float)
           : class_ == STUB_B8   ? 1
           : class_ == STUB_C128 ? sizeof(double complex)
                                 : 8;
}

/* Elements of `type` as numbers of type `number`; a constant step lets the compiler turn the loop into vector code. */
#define LOAD(type, number, expression)                                                                                 \
    {                                                                                                                  \
        number *to = numbers;                                                                                          \
        if (step == (int64_t)sizeof(type)) {                                                                           \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type v;                                                                                                \
                memcpy(&v, (const uint8_t *)elements + i * sizeof(type), sizeof v);                                    \
                to[i] = (number)(expression);                                                                          \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type v;                                                                                                \
                memcpy(&v, (const uint8_t *)elements + (int64_t)i * step, sizeof v);                                   \
                to[i] = (number)(expression);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

typedef struct {
    uint16_t real, imaginary;
} half_complex;

static void load_halves(stub_half half, const void *elements, int64_t step, size_t n, float *numbers) {
    if (step == 2) {
        stub_get_simd()->widen(half, elements, n, numbers);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t v;
        memcpy(&v, (const uint8_t *)elements + (int64_t)i * step, sizeof v);
        numbers[i] = half == STUB_HALF_F16 ? stub_f16_to_f32(v) : stub_bf16_to_f32(v);
    }
}

static void load_own(aclDataType from, const void *elements, int64_t step, size_t n, void *numbers) {
    switch (from) {
    case ACL_FLOAT:
        LOAD(float, float, v)
    case ACL_FLOAT16:
        load_halves(STUB_HALF_F16, elements, step, n, numbers);
        break;
    case ACL_BF16:
        load_halves(STUB_HALF_BF16, elements, step, n, numbers);
        break;
    case ACL_DOUBLE:
        LOAD(double, double, v)
    case ACL_INT8:
        LOAD(int8_t, int64_t, v)
    case ACL_UINT8:
        LOAD(uint8_t, int64_t, v)
    case ACL_INT16:
        LOAD(int16_t, int64_t, v)
    case ACL_UINT16:
        LOAD(uint16_t, int64_t, v)
    case ACL_INT32:
        LOAD(int32_t, int64_t, v)
    case ACL_UINT32:
        LOAD(uint32_t, int64_t, v)
    case ACL_INT64:
    case ACL_UINT64:
        LOAD(int64_t, int64_t, v)
    case ACL_BOOL:
        LOAD(uint8_t, uint8_t, v != 0)
    case ACL_COMPLEX32:
        LOAD(half_complex, double complex, CMPLX(stub_f16_to_f32(v.real), stub_f16_to_f32(v.imaginary)))
    case ACL_COMPLEX64:
        LOAD(float complex, double complex, v)
    default:
        LOAD(double complex, double complex, v)
    }
}

#define STORE(type, number, expression)                                                                                \
    {                                                                                                                  \
        const number *from = numbers;                                                                                  \
        if (step == (int64_t)sizeof(type)) {                                                                           \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const number v = from[i];                                                                              \
                const type element = (expression);                                                                     \
                memcpy((uint8_t *)elements + i * sizeof(type), &element, sizeof element);                              \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const number v = from[i];                                                                              \
                const type element = (expression);                                                                     \
                memcpy((uint8_t *)elements + (int64_t)i * step, &element, sizeof element);                             \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

static half_complex narrow_complex(double complex v) {
    return (half_complex){stub_f32_to_f16((float)creal(v)), stub_f32_to_f16((float)cimag(v))};
}

static void store_own(aclDataType to, const void *numbers, size_t n, void *elements, int64_t step) {
    switch (to) {
    case ACL_FLOAT:
        STORE(float, float, v)
    case ACL_FLOAT16:
        STORE(uint16_t, float, stub_f32_to_f16(v))
    case ACL_BF16:
        STORE(uint16_t, float, stub_f32_to_bf16(v))
    case ACL_DOUBLE:
        STORE(double, double, v)
    case ACL_INT8:
    case ACL_UINT8:
        STORE(uint8_t, int64_t, (uint8_t)v)
    case ACL_INT16:
    case ACL_UINT16:
        STORE(uint16_t, int64_t, (uint16_t)v)
    case ACL_INT32:
    case ACL_UINT32:
        STORE(uint32_t, int64_t, (uint32_t)v)
    case ACL_INT64:
    case ACL_UINT64:
        STORE(int64_t, int64_t, v)
    case ACL_BOOL:
        STORE(uint8_t, uint8_t, v != 0)
    case ACL_COMPLEX32:
        STORE(half_complex, double complex, narrow_complex(v))
    case ACL_COMPLEX64:
        STORE(float complex, double complex, (float complex)v)
    default:
        STORE(double complex, double complex, v)
    }
}

/* The float types' integer parts, kept inside `low` .. `high`: C leaves what lies beyond open. */
static int64_t cut(double v, aclDataType as) {
    static const struct {
        aclDataType dtype;
        double low, high; /* the first value that is too large */
    } ranges[] = {{ACL_INT8, -0x1p7, 0x1p7},    {ACL_UINT8, 0, 0x1p8},        {ACL_INT16, -0x1p15, 0x1p15},
                  {ACL_UINT16, 0, 0x1p16},      {ACL_INT32, -0x1p31, 0x1p31}, {ACL_UINT32, 0, 0x1p32},
                  {ACL_INT64, -0x1p63, 0x1p63}, {ACL_UINT64, 0, 0x1p64}};
    if (isnan(v)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i].dtype != as) {
            continue;
        }
        if (v <= ranges[i].low) {
            return ranges[i].low == 0 ? 0 : (int64_t)ranges[i].low;
        }
        if (v >= ranges[i].high) {
            return as == ACL_UINT64 ? -1 : as == ACL_INT64 ? INT64_MAX : (int64_t)ranges[i].high - 1;
        }
    }
    return as == ACL_UINT64 ? (int64_t)(uint64_t)v : (int64_t)v;
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
static void convert(stub_class from, const void *numbers, size_t n, aclDataType as, void *converted) {
    switch (PAIR((int)from, (int)stub_class_of(as))) {
    case PAIR(STUB_F32, STUB_F64):
        CONVERT(float, double, v)
    case PAIR(STUB_F32, STUB_I64):
        CONVERT(float, int64_t, cut((double)v, as))
    case PAIR(STUB_F32, STUB_B8):
        CONVERT(float, uint8_t, v != 0)
    case PAIR(STUB_F32, STUB_C128):
        CONVERT(float, double complex, v)
    case PAIR(STUB_F64, STUB_F32):
        CONVERT(double, float, v)
    case PAIR(STUB_F64, STUB_I64):
        CONVERT(double, int64_t, cut(v, as))
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
        CONVERT(double complex, int64_t, cut(creal(v), as))
    case PAIR(STUB_C128, STUB_B8):
        CONVERT(double complex, uint8_t, v != 0)
    default:
        return;
    }
}

/* Whether each number of the class is one of the type. */
static bool holds_all(aclDataType as) {
    return as == ACL_FLOAT || as == ACL_DOUBLE || as == ACL_INT64 || as == ACL_UINT64 || as == ACL_BOOL ||
           as == ACL_COMPLEX128;
}

void stub_round(aclDataType as, void *numbers, size_t n) {
    if (holds_all(as)) {
        return;
    }
    uint8_t elements[STUB_STRETCH * 8]; /* the widest type that is not its class's own is COMPLEX64 */
    const int64_t step = stub_dtype_bits(as) / 8;
    store_own(as, numbers, n, elements, step);
    load_own(as, elements, step, n, numbers);
}

/* Whether every value of `from` is one of `as`, which is of the same class. */
static bool is_exact(aclDataType from, aclDataType as) {
    return from == as || holds_all(as);
}

void stub_load(aclDataType from, const void *elements, int64_t step, size_t n, aclDataType as, void *numbers) {
    const stub_class own = stub_class_of(from), class_ = stub_class_of(as);
    if (own == class_) {
        load_own(from, elements, step, n, numbers);
        if (!is_exact(from, as)) {
            stub_round(as, numbers, n);
        }
        return;
    }
    stub_stretch loaded;
    load_own(from, elements, step, n, loaded.bytes);
    convert(own, loaded.bytes, n, as, numbers);
    stub_round(as, numbers, n);
}

void stub_store(aclDataType as, void *numbers, size_t n, aclDataType to, void *elements, int64_t step) {
    const stub_class class_ = stub_class_of(as), last = stub_class_of(to);
    if (as != to) {
        stub_round(as, numbers, n);
    }
    if (class_ == last) {
        store_own(to, numbers, n, elements, step);
        return;
    }
    stub_stretch converted;
    convert(class_, numbers, n, to, converted.bytes);
    store_own(to, converted.bytes, n, elements, step);
}

bool stub_lies_ready(aclDataType from, const void *elements, int64_t step, aclDataType as) {
    const size_t size = stub_class_size(stub_class_of(as));
    return from == as && holds_all(as) && as != ACL_BOOL && step == (int64_t)size && (uintptr_t)elements % size == 0;
}
