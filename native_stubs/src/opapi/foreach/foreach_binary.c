/* Arithmetic on lists of tensors: with each other, with numbers, with a number for each item. */
#include "opapi/foreach/foreach.h"
#include "opapi/math.h"

/* x^y by squaring, modulo 2^64; to a negative power, what is left of 1 / x^-y without its fraction. */
STUB_INLINE uint64_t integer_power(uint64_t x, int64_t y) {
    uint64_t power = 1;
    if (y < 0) {
        return x == 1 ? 1 : x == UINT64_MAX ? (y & 1 ? x : 1) : 0;
    }
    for (; y != 0; y >>= 1, x *= x) {
        power *= y & 1 ? x : 1;
    }
    return power;
}

STUB_LOOP2(add_f32, float, float, x + y)
STUB_LOOP2(add_i64, uint64_t, uint64_t, x + y)
STUB_LOOP2(sub_f32, float, float, x - y)
STUB_LOOP2(sub_i64, uint64_t, uint64_t, x - y)
STUB_LOOP2(mul_f32, float, float, x *y)
STUB_LOOP2(mul_i64, uint64_t, uint64_t, x *y)
STUB_LOOP2(div_f32, float, float, x / y)
STUB_LOOP2(maximum_f32, float, float, (x > y || x != x ? x : y))
STUB_LOOP2(maximum_i64, int64_t, int64_t, (x > y ? x : y))
STUB_LOOP2(minimum_f32, float, float, (x < y || x != x ? x : y))
STUB_LOOP2(minimum_i64, int64_t, int64_t, (x < y ? x : y))
STUB_COSTLY_LOOP2(pow_f32, float, float, stub_powf(x, y))
STUB_LOOP2(pow_i64, int64_t, int64_t, integer_power((uint64_t)x, y))
STUB_COSTLY_LOOP3(add_scaled_f32, float, float, x + y * z)
STUB_LOOP3(add_scaled_i64, uint64_t, uint64_t, x + y * z)
STUB_COSTLY_LOOP3(sub_scaled_f32, float, float, x - y * z)
STUB_LOOP3(sub_scaled_i64, uint64_t, uint64_t, x - y * z)
STUB_COSTLY_LOOP3(lerp_f32, float, float, x + z * (y - x))
STUB_COSTLY_LOOP4(addcmul_f32, float, float, x + w * (y * z))
STUB_LOOP4(addcmul_i64, uint64_t, uint64_t, x + w * (y * z))
STUB_COSTLY_LOOP4(addcdiv_f32, float, float, x + w * (y / z))

#define SMALL_INTEGERS (STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8))
#define INT32 STUB_DTYPE(ACL_INT32)
#define FLOATS(name) {.loops = {[STUB_F32] = &name##_f32}, .types = STUB_FLOATS}
#define MIXED(name, integers)                                                                                          \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_I64] = &name##_i64}, .types = STUB_FLOATS | (integers)}

STUB_FAMILY_KERNEL(aclnnForeachAddList, foreach, MIXED(add_scaled, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachAddListV2, foreach, MIXED(add_scaled, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachAddListInplace, foreach, MIXED(add_scaled, INT32))
STUB_FAMILY_KERNEL(aclnnForeachAddScalar, foreach, MIXED(add, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachAddScalarV2, foreach, MIXED(add, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachAddScalarList, foreach, MIXED(add, INT32))
STUB_FAMILY_KERNEL(aclnnForeachSubList, foreach, MIXED(sub_scaled, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachSubListV2, foreach, MIXED(sub_scaled, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachSubListInplace, foreach, MIXED(sub_scaled, INT32))
STUB_FAMILY_KERNEL(aclnnForeachSubScalar, foreach, MIXED(sub, INT32))
STUB_FAMILY_KERNEL(aclnnForeachSubScalarInplace, foreach, MIXED(sub, INT32))
STUB_FAMILY_KERNEL(aclnnForeachSubScalarV2, foreach, MIXED(sub, INT32))
STUB_FAMILY_KERNEL(aclnnForeachSubScalarList, foreach, MIXED(sub, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMulList, foreach, MIXED(mul, INT32 | SMALL_INTEGERS))
STUB_FAMILY_KERNEL(aclnnForeachMulListInplace, foreach, MIXED(mul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMulScalar, foreach, MIXED(mul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMulScalarInplace, foreach, MIXED(mul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMulScalarV2, foreach, MIXED(mul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMulScalarList, foreach, MIXED(mul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachDivList, foreach, FLOATS(div))
STUB_FAMILY_KERNEL(aclnnForeachDivListInplace, foreach, FLOATS(div))
STUB_FAMILY_KERNEL(aclnnForeachDivScalar, foreach, FLOATS(div))
STUB_FAMILY_KERNEL(aclnnForeachDivScalarV2, foreach, FLOATS(div))
STUB_FAMILY_KERNEL(aclnnForeachDivScalarList, foreach, FLOATS(div))
STUB_FAMILY_KERNEL(aclnnForeachMaximumList, foreach, MIXED(maximum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMaximumScalar, foreach, MIXED(maximum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMaximumScalarV2, foreach, MIXED(maximum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMaximumScalarList, foreach, MIXED(maximum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMinimumList, foreach, MIXED(minimum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMinimumScalar, foreach, MIXED(minimum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMinimumScalarV2, foreach, MIXED(minimum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachMinimumScalarList, foreach, MIXED(minimum, INT32))
STUB_FAMILY_KERNEL(aclnnForeachPowList, foreach, MIXED(pow, INT32))
STUB_FAMILY_KERNEL(aclnnForeachPowScalar, foreach, MIXED(pow, INT32))
STUB_FAMILY_KERNEL(aclnnForeachPowScalarV2, foreach, MIXED(pow, INT32))
STUB_FAMILY_KERNEL(aclnnForeachPowScalarList, foreach, MIXED(pow, INT32))
STUB_FAMILY_KERNEL(aclnnForeachPowScalarAndTensor, foreach,
                   {.loops = {[STUB_F32] = &pow_f32, [STUB_I64] = &pow_i64},
                    .types = STUB_FLOATS | INT32,
                    .scalars = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE) | STUB_DTYPE(ACL_INT64)})
STUB_FAMILY_KERNEL(aclnnForeachLerpList, foreach, FLOATS(lerp))
STUB_FAMILY_KERNEL(aclnnForeachLerpScalar, foreach,
                   {.loops = {&lerp_f32},
                    .types = STUB_FLOATS,
                    .scalars = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE)})

#define FOR_EACH(name, ...) {.loops = {__VA_ARGS__}, .types = (name), .element_for_each = true}
#define ADDCMUL_FOR_EACH FOR_EACH(STUB_FLOATS | INT32, [STUB_F32] = &addcmul_f32, [STUB_I64] = &addcmul_i64)
#define ADDCDIV_FOR_EACH FOR_EACH(STUB_FLOATS, [STUB_F32] = &addcdiv_f32)

STUB_FAMILY_KERNEL(aclnnForeachAddcmulScalar, foreach, MIXED(addcmul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachAddcmulScalarV2, foreach, MIXED(addcmul, INT32))
STUB_FAMILY_KERNEL(aclnnForeachAddcmulScalarList, foreach, ADDCMUL_FOR_EACH)
STUB_FAMILY_KERNEL(aclnnForeachAddcmulList, foreach, ADDCMUL_FOR_EACH)
STUB_FAMILY_KERNEL(aclnnForeachAddcdivScalar, foreach, FLOATS(addcdiv))
STUB_FAMILY_KERNEL(aclnnForeachAddcdivScalarV2, foreach, FLOATS(addcdiv))
STUB_FAMILY_KERNEL(aclnnForeachAddcdivScalarList, foreach, ADDCDIV_FOR_EACH)
STUB_FAMILY_KERNEL(aclnnForeachAddcdivList, foreach, ADDCDIV_FOR_EACH)
