/* Facts about tensors and data types: sizes, names, texts. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "nnopbase/descriptors.h"

typedef struct {
    const char *name;
    int bits;
} dtype_fact;

static const dtype_fact dtype_facts[] = {
    [ACL_FLOAT] = {"ACL_FLOAT", 32},
    [ACL_FLOAT16] = {"ACL_FLOAT16", 16},
    [ACL_INT8] = {"ACL_INT8", 8},
    [ACL_INT32] = {"ACL_INT32", 32},
    [ACL_UINT8] = {"ACL_UINT8", 8},
    [ACL_INT16] = {"ACL_INT16", 16},
    [ACL_UINT16] = {"ACL_UINT16", 16},
    [ACL_UINT32] = {"ACL_UINT32", 32},
    [ACL_INT64] = {"ACL_INT64", 64},
    [ACL_UINT64] = {"ACL_UINT64", 64},
    [ACL_DOUBLE] = {"ACL_DOUBLE", 64},
    [ACL_BOOL] = {"ACL_BOOL", 8},
    [ACL_STRING] = {"ACL_STRING", 0},
    [ACL_COMPLEX64] = {"ACL_COMPLEX64", 64},
    [ACL_COMPLEX128] = {"ACL_COMPLEX128", 128},
    [ACL_BF16] = {"ACL_BF16", 16},
    [ACL_INT4] = {"ACL_INT4", 4},
    [ACL_UINT1] = {"ACL_UINT1", 1},
    [ACL_COMPLEX32] = {"ACL_COMPLEX32", 32},
    [ACL_HIFLOAT8] = {"ACL_HIFLOAT8", 8},
    [ACL_FLOAT8_E5M2] = {"ACL_FLOAT8_E5M2", 8},
    [ACL_FLOAT8_E4M3FN] = {"ACL_FLOAT8_E4M3FN", 8},
    [ACL_FLOAT8_E8M0] = {"ACL_FLOAT8_E8M0", 8},
    [ACL_FLOAT6_E3M2] = {"ACL_FLOAT6_E3M2", 6},
    [ACL_FLOAT6_E2M3] = {"ACL_FLOAT6_E2M3", 6},
    [ACL_FLOAT4_E2M1] = {"ACL_FLOAT4_E2M1", 4},
    [ACL_FLOAT4_E1M2] = {"ACL_FLOAT4_E1M2", 4},
    [ACL_HIFLOAT4] = {"ACL_HIFLOAT4", 4},
};

static const dtype_fact *fact_of(aclDataType dtype) {
    static const dtype_fact unknown = {"?", 0};
    static const dtype_fact undefined = {"ACL_DT_UNDEFINED", 0};
    const int index = (int)dtype;
    if (index == ACL_DT_UNDEFINED) {
        return &undefined;
    }
    const int count = (int)(sizeof dtype_facts / sizeof *dtype_facts);
    return index >= 0 && index < count && dtype_facts[index].name != NULL ? &dtype_facts[index] : &unknown;
}

int stub_dtype_bits(aclDataType dtype) {
    return fact_of(dtype)->bits;
}

const char *stub_dtype_name(aclDataType dtype) {
    return fact_of(dtype)->name;
}

static bool has_zero_dimension(const aclTensor *tensor) {
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 0) {
            return true;
        }
    }
    return false;
}

int64_t stub_tensor_numel(const aclTensor *tensor) {
    int64_t product = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (__builtin_mul_overflow(product, tensor->shape[i], &product)) {
            return has_zero_dimension(tensor) ? 0 : INT64_MAX;
        }
    }
    return product;
}

bool stub_tensor_is_contiguous(const aclTensor *tensor) {
    if (has_zero_dimension(tensor)) {
        return true;
    }
    int64_t expected = 1;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        if (tensor->shape[i] == 1) {
            continue;
        }
        if (tensor->strides[i] != expected || __builtin_mul_overflow(expected, tensor->shape[i], &expected)) {
            return false;
        }
    }
    return true;
}

/* Appends at `*used`; what does not fit is cut, and `*used` stays inside the buffer. */
STUB_PRINTF(4, 5) static void append(char *buffer, size_t size, size_t *used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(buffer + *used, size - *used, format, arguments);
    va_end(arguments);
    const size_t room = size - 1 - *used;
    *used += written > 0 && (size_t)written < room ? (size_t)written : room;
}

const char *stub_describe(const aclTensor *tensor, char *buffer, size_t size) {
    if (size == 0) {
        return buffer;
    }
    size_t used = 0;
    if (tensor == NULL) {
        append(buffer, size, &used, "NULL");
        return buffer;
    }
    const dtype_fact *fact = fact_of(tensor->dtype);
    if (fact->name[0] == '?') {
        append(buffer, size, &used, "data type %d [", (int)tensor->dtype);
    } else {
        append(buffer, size, &used, "%s [", fact->name + strlen("ACL_"));
    }
    for (uint32_t i = 0; i < tensor->rank; i++) {
        append(buffer, size, &used, "%s%lld", i > 0 ? ", " : "", (long long)tensor->shape[i]);
    }
    append(buffer, size, &used, "]");
    return buffer;
}
