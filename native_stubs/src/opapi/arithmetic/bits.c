/* Logic and bits: truth values of any type, the bits of integers, shifts. */
#include "opapi/map.h"

STUB_LOOP1(not_b8, uint8_t, uint8_t, !x)
STUB_LOOP2(and_b8, uint8_t, uint8_t, (x & y))
STUB_LOOP2(or_b8, uint8_t, uint8_t, x | y)
STUB_LOOP2(xor_b8, uint8_t, uint8_t, x ^ y)

#define ALL (STUB_NUMBERS | STUB_COMPLEXES)
#define LOGICAL(name, allowed_, outputs_)                                                                              \
    {.loops = {[STUB_B8] = &name##_b8},                                                                                \
     .allowed = (allowed_),                                                                                            \
     .type = STUB_AS_BOOL,                                                                                             \
     .any_output = true,                                                                                               \
     .outputs = (outputs_)}

STUB_FAMILY_KERNEL(aclnnLogicalNot, stub_map, LOGICAL(not, STUB_NUMBERS, STUB_NUMBERS))
STUB_FAMILY_KERNEL(aclnnLogicalAnd, stub_map, LOGICAL(and, ALL, 0))
STUB_FAMILY_KERNEL(aclnnLogicalOr, stub_map, LOGICAL(or, ALL, ALL))
STUB_FAMILY_KERNEL(aclnnLogicalXor, stub_map, LOGICAL(xor, ALL, ALL))
STUB_FAMILY_KERNEL(aclnnInplaceLogicalNot, stub_map, LOGICAL(not, STUB_NUMBERS, STUB_NUMBERS))
STUB_FAMILY_KERNEL(aclnnInplaceLogicalAnd, stub_map, LOGICAL(and, ALL, 0))
STUB_FAMILY_KERNEL(aclnnInplaceLogicalOr, stub_map, LOGICAL(or, ALL, ALL))

STUB_LOOP1(not_i64, uint64_t, uint64_t, ~x)
STUB_LOOP2(and_i64, uint64_t, uint64_t, (x & y))
STUB_LOOP2(or_i64, uint64_t, uint64_t, x | y)
STUB_LOOP2(xor_i64, uint64_t, uint64_t, x ^ y)

#define UINT16 STUB_DTYPE(ACL_UINT16)
#define UNSIGNED (UINT16 | STUB_DTYPE(ACL_UINT32))
#define BITWISE(name, unsigned_)                                                                                       \
    {.loops = {[STUB_I64] = &name##_i64, [STUB_B8] = &name##_b8},                                                      \
     .allowed = STUB_INTEGERS | STUB_BOOLS | (unsigned_),                                                              \
     .meets = stub_meets_as_tensors}

STUB_FAMILY_KERNEL(aclnnBitwiseNot, stub_map,
                   {.loops = {[STUB_I64] = &not_i64, [STUB_B8] = &not_b8},
                    .allowed = STUB_INTEGERS | STUB_BOOLS,
                    .own_output = true})
STUB_FAMILY_KERNEL(aclnnBitwiseAndTensor, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnBitwiseAndTensorOut, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnBitwiseAndScalar, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseAndTensor, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseAndTensorOut, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseAndScalar, stub_map, BITWISE(and, UINT16))
STUB_FAMILY_KERNEL(aclnnBitwiseOrTensor, stub_map, BITWISE(or, UNSIGNED | STUB_DTYPE(ACL_UINT64)))
STUB_FAMILY_KERNEL(aclnnBitwiseOrScalar, stub_map, BITWISE(or, UINT16))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseOrTensor, stub_map, BITWISE(or, UNSIGNED | STUB_DTYPE(ACL_UINT64)))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseOrScalar, stub_map, BITWISE(or, UINT16))
STUB_FAMILY_KERNEL(aclnnBitwiseXorTensor, stub_map, BITWISE(xor, 0))
STUB_FAMILY_KERNEL(aclnnBitwiseXorScalar, stub_map, BITWISE(xor, 0))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseXorTensor, stub_map, BITWISE(xor, 0))
STUB_FAMILY_KERNEL(aclnnInplaceBitwiseXorScalar, stub_map, BITWISE(xor, 0))

/* Negative counts are 0; bits shifted out are gone, all of them from the width of the type on. */
STUB_LOOP2(left_i64, int64_t, uint64_t, y > 63 ? 0 : (uint64_t)x << (y < 0 ? 0 : y))
STUB_LOOP2(right_i64, int64_t, int64_t, x >> (y < 0 ? 0 : y > 63 ? 63 : y))

#define SHIFT(name) {.loops = {[STUB_I64] = &name##_i64}, .allowed = STUB_INTEGERS | UNSIGNED}

STUB_FAMILY_KERNEL(aclnnLeftShift, stub_map, SHIFT(left))
STUB_FAMILY_KERNEL(aclnnLeftShifts, stub_map, SHIFT(left))
STUB_FAMILY_KERNEL(aclnnRightShift, stub_map, SHIFT(right))
