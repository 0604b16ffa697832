/* Roots, reciprocals and squares. But for squares, integers and BOOL give FLOAT. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_LOOP1(sqrt_f32, float, float, sqrtf(x))
STUB_LOOP1(sqrt_f64, double, double, sqrt(x))
STUB_LOOP1(sqrt_c128, double complex, double complex, csqrt(x))
STUB_LOOP1(rsqrt_f32, float, float, stub_rsqrtf(x))
STUB_LOOP1(rsqrt_f64, double, double, 1 / sqrt(x))
STUB_LOOP1(rsqrt_c128, double complex, double complex, 1 / csqrt(x))
STUB_LOOP1(reciprocal_f32, float, float, 1 / x)
STUB_LOOP1(reciprocal_f64, double, double, 1 / x)
STUB_LOOP1(reciprocal_c128, double complex, double complex, 1 / x)
STUB_LOOP1(square_f32, float, float, x *x)
STUB_LOOP1(square_i64, uint64_t, uint64_t, x *x)

#define MAP(name)                                                                                                      \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_F64] = &name##_f64, [STUB_C128] = &name##_c128},                        \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .type = STUB_AS_FLOATING}

STUB_FAMILY_KERNEL(aclnnSqrt, stub_map, MAP(sqrt))
STUB_FAMILY_KERNEL(aclnnInplaceSqrt, stub_map, MAP(sqrt))
STUB_FAMILY_KERNEL(aclnnRsqrt, stub_map, MAP(rsqrt))
STUB_FAMILY_KERNEL(aclnnInplaceRsqrt, stub_map, MAP(rsqrt))
STUB_FAMILY_KERNEL(aclnnReciprocal, stub_map, MAP(reciprocal))
STUB_FAMILY_KERNEL(aclnnInplaceReciprocal, stub_map, MAP(reciprocal))
STUB_FAMILY_KERNEL(aclnnSquare, stub_map,
                   {.loops = {[STUB_F32] = &square_f32, [STUB_I64] = &square_i64},
                    .allowed = STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64)})
