/* Classes, and conversion of stretches out of its two halves: elements <-> numbers, and numbers of one class to
 * another's. */
#include "opapi/elements.h"

#include <string.h>

#include "opapi/elements_parts.h"

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
    stub_store_own(as, numbers, n, elements, step);
    stub_load_own(as, elements, step, n, numbers);
}

/* Whether every value of `from` is one of `as`, which is of the same class. */
static bool is_exact(aclDataType from, aclDataType as) {
    return from == as || holds_all(as);
}

/* The first number, n times. */
#define REPEAT(type)                                                                                                   \
    {                                                                                                                  \
        type *const out = numbers;                                                                                     \
        const type first = *out;                                                                                       \
        for (size_t i = 1; i < n; i++) {                                                                               \
            out[i] = first;                                                                                            \
        }                                                                                                              \
        return;                                                                                                        \
    }

static void repeat(stub_class class_, void *numbers, size_t n) {
    switch (stub_class_size(class_)) {
    case 1:
        memset(numbers, *(const uint8_t *)numbers, n);
        return;
    case 4:
        REPEAT(uint32_t)
    case 8:
        REPEAT(uint64_t)
    default:
        REPEAT(double complex)
    }
}

static void load(aclDataType from, const void *elements, int64_t step, size_t n, aclDataType as, void *numbers) {
    if (stub_class_of(from) == stub_class_of(as)) {
        stub_load_own(from, elements, step, n, numbers);
        if (!is_exact(from, as)) {
            stub_round(as, numbers, n);
        }
        return;
    }
    stub_stretch loaded;
    stub_load_own(from, elements, step, n, loaded.bytes);
    stub_convert(from, loaded.bytes, n, as, numbers);
    stub_round(as, numbers, n);
}

void stub_load(aclDataType from, const void *elements, int64_t step, size_t n, aclDataType as, void *numbers) {
    if (step != 0 || n == 0) {
        load(from, elements, step, n, as, numbers);
        return;
    }
    load(from, elements, 0, 1, as, numbers);
    repeat(stub_class_of(as), numbers, n);
}

void stub_store(aclDataType as, void *numbers, size_t n, aclDataType to, void *elements, int64_t step) {
    const stub_class class_ = stub_class_of(as), last = stub_class_of(to);
    if (as != to) {
        stub_round(as, numbers, n);
    }
    if (class_ == last) {
        stub_store_own(to, numbers, n, elements, step);
        return;
    }
    stub_stretch converted;
    stub_convert(as, numbers, n, to, converted.bytes);
    stub_store_own(to, converted.bytes, n, elements, step);
}

bool stub_lies_ready(aclDataType from, const void *elements, int64_t step, aclDataType as) {
    const size_t size = stub_class_size(stub_class_of(as));
    return from == as && holds_all(as) && as != ACL_BOOL && step == (int64_t)size && (uintptr_t)elements % size == 0;
}
