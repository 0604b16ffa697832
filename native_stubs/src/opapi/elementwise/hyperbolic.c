/* Hyperbolic functions and their inverses. Integers and BOOL give FLOAT. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_COSTLY_LOOP1(sinh_f32, float, float, stub_sinhf(x))
STUB_LOOP1(sinh_f64, double, double, sinh(x))
STUB_LOOP1(sinh_c128, double complex, double complex, csinh(x))
STUB_COSTLY_LOOP1(cosh_f32, float, float, stub_coshf(x))
STUB_LOOP1(cosh_f64, double, double, cosh(x))
STUB_LOOP1(cosh_c128, double complex, double complex, ccosh(x))
STUB_COSTLY_LOOP1(tanh_f32, float, float, stub_tanhf(x))
STUB_COSTLY_LOOP1(asinh_f32, float, float, stub_asinhf(x))
STUB_LOOP1(asinh_f64, double, double, asinh(x))
STUB_LOOP1(asinh_c128, double complex, double complex, casinh(x))
STUB_COSTLY_LOOP1(acosh_f32, float, float, stub_acoshf(x))
STUB_LOOP1(acosh_f64, double, double, acosh(x))
STUB_LOOP1(acosh_c128, double complex, double complex, cacosh(x))
STUB_COSTLY_LOOP1(atanh_f32, float, float, stub_atanhf(x))
STUB_LOOP1(atanh_f64, double, double, atanh(x))
STUB_LOOP1(atanh_c128, double complex, double complex, catanh(x))

#define MAP(name)                                                                                                      \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_F64] = &name##_f64, [STUB_C128] = &name##_c128},                        \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .type = STUB_AS_FLOATING}
#define FLOATS(name, allowed_) {.loops = {[STUB_F32] = &name##_f32}, .allowed = (allowed_), .type = STUB_AS_FLOATING}
#define TANH FLOATS(tanh, STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)

STUB_FAMILY_KERNEL(aclnnSinh, stub_map, MAP(sinh))
STUB_FAMILY_KERNEL(aclnnInplaceSinh, stub_map, MAP(sinh))
STUB_FAMILY_KERNEL(aclnnCosh, stub_map, MAP(cosh))
STUB_FAMILY_KERNEL(aclnnInplaceCosh, stub_map, MAP(cosh))
STUB_FAMILY_KERNEL(aclnnCoshV2, stub_map, FLOATS(cosh, STUB_FLOATS))
STUB_FAMILY_KERNEL(aclnnTanh, stub_map, TANH)
STUB_FAMILY_KERNEL(aclnnInplaceTanh, stub_map, TANH)
STUB_FAMILY_KERNEL(aclnnAsinh, stub_map, MAP(asinh))
STUB_FAMILY_KERNEL(aclnnInplaceAsinh, stub_map, MAP(asinh))
STUB_FAMILY_KERNEL(aclnnAcosh, stub_map, MAP(acosh))
STUB_FAMILY_KERNEL(aclnnInplaceAcosh, stub_map, MAP(acosh))
STUB_FAMILY_KERNEL(aclnnAtanh, stub_map, MAP(atanh))
STUB_FAMILY_KERNEL(aclnnInplaceAtanh, stub_map, MAP(atanh))
