/* The promotion rules. */
#include "opapi/promote.h"

#include <stddef.h>

/* Each category from narrow to wide. */
static const aclDataType integers[] = {ACL_BOOL, ACL_UINT8, ACL_INT8, ACL_INT16, ACL_INT32, ACL_INT64};
static const aclDataType floats[] = {ACL_BF16, ACL_FLOAT16, ACL_FLOAT, ACL_DOUBLE};
static const aclDataType complexes[] = {ACL_COMPLEX32, ACL_COMPLEX64, ACL_COMPLEX128};
static const aclDataType complex_of_floats[] = {ACL_COMPLEX64, ACL_COMPLEX32, ACL_COMPLEX64, ACL_COMPLEX128};

static int rank_in(const aclDataType *set, size_t count, aclDataType dtype) {
    for (size_t i = 0; i < count; i++) {
        if (set[i] == dtype) {
            return (int)i;
        }
    }
    return -1;
}
#define RANK(set, dtype) rank_in(set, sizeof set / sizeof *set, dtype)

static int larger(int a, int b) {
    return a > b ? a : b;
}

bool stub_dtype_is_complex(aclDataType dtype) {
    return RANK(complexes, dtype) >= 0;
}

bool stub_dtype_is_floating(aclDataType dtype) {
    return RANK(floats, dtype) >= 0;
}

bool stub_dtype_is_integral(aclDataType dtype) {
    return RANK(integers, dtype) >= 0 || dtype == ACL_UINT16 || dtype == ACL_UINT32 || dtype == ACL_UINT64;
}

static aclDataType promote_complex(aclDataType wide, aclDataType other) {
    if (RANK(integers, other) >= 0) {
        return wide;
    }
    const int floating = RANK(floats, other);
    const int rank = RANK(complexes, floating >= 0 ? complex_of_floats[floating] : other);
    return rank < 0 ? ACL_DT_UNDEFINED : complexes[larger(rank, RANK(complexes, wide))];
}

static aclDataType promote_floating(aclDataType wide, aclDataType other) {
    if (RANK(integers, other) >= 0) {
        return wide;
    }
    const int rank = RANK(floats, other);
    if (rank < 0) {
        return ACL_DT_UNDEFINED;
    }
    /* BF16 and FLOAT16 hold each other's values only in FLOAT. */
    const aclDataType wider = floats[larger(rank, RANK(floats, wide))];
    return wider == ACL_FLOAT16 ? ACL_FLOAT : wider;
}

static aclDataType promote_integers(aclDataType a, aclDataType b) {
    const int first = RANK(integers, a), second = RANK(integers, b);
    if (first < 0 || second < 0) {
        return ACL_DT_UNDEFINED;
    }
    if ((a == ACL_UINT8 && b == ACL_INT8) || (a == ACL_INT8 && b == ACL_UINT8)) {
        return ACL_INT16;
    }
    return integers[larger(first, second)];
}

aclDataType stub_promote(aclDataType a, aclDataType b) {
    if (a == b) {
        return a;
    }
    if (stub_dtype_is_complex(a) || stub_dtype_is_complex(b)) {
        return stub_dtype_is_complex(a) ? promote_complex(a, b) : promote_complex(b, a);
    }
    if (stub_dtype_is_floating(a) || stub_dtype_is_floating(b)) {
        return stub_dtype_is_floating(a) ? promote_floating(a, b) : promote_floating(b, a);
    }
    return promote_integers(a, b);
}

aclDataType stub_promote_scalar(aclDataType tensor, aclDataType scalar) {
    if (stub_dtype_is_complex(tensor)) {
        return tensor;
    }
    const int floating = RANK(floats, tensor);
    if (stub_dtype_is_complex(scalar)) {
        return floating >= 0 ? complex_of_floats[floating] : ACL_COMPLEX64;
    }
    if (floating >= 0) {
        return tensor;
    }
    if (stub_dtype_is_floating(scalar)) {
        return ACL_FLOAT;
    }
    return tensor == ACL_BOOL ? stub_promote(tensor, scalar) : tensor;
}

bool stub_can_cast(aclDataType from, aclDataType to) {
    if (stub_dtype_is_complex(from) && !stub_dtype_is_complex(to)) {
        return false;
    }
    if (stub_dtype_is_floating(from) && stub_dtype_is_integral(to)) {
        return false;
    }
    return from == ACL_BOOL || to != ACL_BOOL;
}
