/* Products, and sums with products and quotients in them: aclnnMul, aclnnAddcmul, aclnnAddcdiv, aclnnLerp; their scalar
 * and in-place forms. */
#include "opapi/map.h"
#include "opapi/promote.h"

STUB_LOOP2(mul_f32, float, float, (x * y))
STUB_LOOP2(mul_f64, double, double, (x * y))
STUB_LOOP2(mul_i64, uint64_t, uint64_t, (x * y))
STUB_LOOP2(mul_b8, uint8_t, uint8_t, (x & y))
STUB_LOOP2(mul_c128, double complex, double complex, (x * y))

#define MUL {.loops = {&mul_f32, &mul_f64, &mul_i64, &mul_b8, &mul_c128}, .allowed = STUB_NUMBERS | STUB_COMPLEXES}

/* BF16, unlike FLOAT16, meets a scalar in FLOAT. */
static aclDataType meets_in_products(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    const bool real = !stub_dtype_is_complex(scalar->dtype);
    return real && tensors == ACL_BF16 ? ACL_FLOAT : stub_meets_in_sums(tensors, scalar, out);
}

/* Products with scalars go to a tensor of any type, as in a cast. */
#define MULS                                                                                                           \
    {.loops = {&mul_f32, &mul_f64, &mul_i64, &mul_b8, &mul_c128},                                                      \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .meets = meets_in_products,                                                                                       \
     .any_output = true}

STUB_FAMILY_KERNEL(aclnnMul, stub_map, MUL)
STUB_FAMILY_KERNEL(aclnnMuls, stub_map, MULS)
STUB_FAMILY_KERNEL(aclnnInplaceMul, stub_map, MUL)
STUB_FAMILY_KERNEL(aclnnInplaceMuls, stub_map, MULS)

#define VALUE (1u << 3)

STUB_LOOP4(addcmul_f32, float, float, x + w * y * z)
STUB_LOOP4(addcmul_f64, double, double, x + w * y * z)
STUB_LOOP4(addcmul_i64, uint64_t, uint64_t, x + w * y * z)

#define ADDCMUL                                                                                                        \
    {.loops = {&addcmul_f32, &addcmul_f64, &addcmul_i64}, .allowed = STUB_REALS | STUB_INTEGERS, .apart = VALUE}

STUB_FAMILY_KERNEL(aclnnAddcmul, stub_map, ADDCMUL)
STUB_FAMILY_KERNEL(aclnnInplaceAddcmul, stub_map, ADDCMUL)

STUB_LOOP4(addcdiv_f32, float, float, x + w * (y / z))
STUB_LOOP4(addcdiv_f64, double, double, x + w * (y / z))

#define ADDCDIV {.loops = {&addcdiv_f32, &addcdiv_f64}, .allowed = STUB_REALS, .apart = VALUE}

STUB_FAMILY_KERNEL(aclnnAddcdiv, stub_map, ADDCDIV)
STUB_FAMILY_KERNEL(aclnnInplaceAddcdiv, stub_map, ADDCDIV)

STUB_LOOP3(lerp_f32, float, float, x + z * (y - x))
STUB_LOOP3(lerp_f64, double, double, x + z * (y - x))

#define LERP {.loops = {&lerp_f32, &lerp_f64}, .allowed = STUB_FLOATS}
#define LERPS {.loops = {&lerp_f32, &lerp_f64}, .allowed = STUB_REALS, .apart = 1u << 2}

STUB_FAMILY_KERNEL(aclnnLerp, stub_map, LERP)
STUB_FAMILY_KERNEL(aclnnLerps, stub_map, LERPS)
STUB_FAMILY_KERNEL(aclnnInplaceLerp, stub_map, LERP)
STUB_FAMILY_KERNEL(aclnnInplaceLerps, stub_map, LERPS)
