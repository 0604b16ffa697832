/* Powers of e and 2 and logarithms. Integers and BOOL give FLOAT. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_COSTLY_LOOP1(exp_f32, float, float, stub_expf(x))
STUB_LOOP1(exp_f64, double, double, exp(x))
STUB_LOOP1(exp_c128, double complex, double complex, cexp(x))
STUB_COSTLY_LOOP1(exp2_f32, float, float, stub_exp2f(x))
STUB_LOOP1(exp2_f64, double, double, exp2(x))
STUB_COSTLY_LOOP1(expm1_f32, float, float, stub_expm1f(x))
STUB_COSTLY_LOOP1(log_f32, float, float, stub_logf(x))
STUB_LOOP1(log_f64, double, double, log(x))
STUB_LOOP1(log_c128, double complex, double complex, clog(x))
STUB_COSTLY_LOOP1(log2_f32, float, float, stub_log2f(x))
STUB_LOOP1(log2_f64, double, double, log2(x))
STUB_LOOP1(log2_c128, double complex, double complex, clog(x) * (1 / STUB_LN2))
STUB_COSTLY_LOOP1(log10_f32, float, float, stub_log10f(x))
STUB_LOOP1(log10_f64, double, double, log10(x))
STUB_LOOP1(log10_c128, double complex, double complex, clog(x) * STUB_LOG10_E)
STUB_COSTLY_LOOP1(log1p_f32, float, float, stub_log1pf(x))
STUB_LOOP1(log1p_f64, double, double, log1p(x))

#define MAP(allowed_, ...) {.loops = {__VA_ARGS__}, .allowed = (allowed_), .type = STUB_AS_FLOATING}
#define ANY_NUMBER (STUB_NUMBERS | STUB_COMPLEXES)
#define EXP                                                                                                            \
    MAP(STUB_REALS | STUB_COMPLEXES | STUB_BOOLS | STUB_DTYPE(ACL_INT64), [STUB_F32] = &exp_f32,                       \
        [STUB_F64] = &exp_f64, [STUB_C128] = &exp_c128)
#define EXP2 MAP(STUB_NUMBERS, [STUB_F32] = &exp2_f32, [STUB_F64] = &exp2_f64)
#define EXPM1 MAP(STUB_FLOATS | STUB_BOOLS | STUB_DTYPE(ACL_INT64), [STUB_F32] = &expm1_f32)
#define LOG MAP(ANY_NUMBER, [STUB_F32] = &log_f32, [STUB_F64] = &log_f64, [STUB_C128] = &log_c128)
#define LOG2 MAP(ANY_NUMBER, [STUB_F32] = &log2_f32, [STUB_F64] = &log2_f64, [STUB_C128] = &log2_c128)
#define LOG10                                                                                                          \
    {.loops = {[STUB_F32] = &log10_f32, [STUB_F64] = &log10_f64, [STUB_C128] = &log10_c128},                           \
     .allowed = ANY_NUMBER,                                                                                            \
     .type = STUB_AS_FLOATING,                                                                                         \
     .own_output = true}
#define LOG1P                                                                                                          \
    {.loops = {&log1p_f32, &log1p_f64}, .allowed = STUB_NUMBERS, .type = STUB_AS_FLOATING, .outputs = STUB_REALS}

STUB_FAMILY_KERNEL(aclnnExp, stub_map, EXP)
STUB_FAMILY_KERNEL(aclnnInplaceExp, stub_map, EXP)
STUB_FAMILY_KERNEL(aclnnExp2, stub_map, EXP2)
STUB_FAMILY_KERNEL(aclnnInplaceExp2, stub_map, EXP2)
STUB_FAMILY_KERNEL(aclnnExpm1, stub_map, EXPM1)
STUB_FAMILY_KERNEL(aclnnInplaceExpm1, stub_map, EXPM1)
STUB_FAMILY_KERNEL(aclnnLog, stub_map, LOG)
STUB_FAMILY_KERNEL(aclnnInplaceLog, stub_map, LOG)
STUB_FAMILY_KERNEL(aclnnLog2, stub_map, LOG2)
STUB_FAMILY_KERNEL(aclnnInplaceLog2, stub_map, LOG2)
STUB_FAMILY_KERNEL(aclnnLog10, stub_map, LOG10)
STUB_FAMILY_KERNEL(aclnnInplaceLog10, stub_map, LOG10)
STUB_FAMILY_KERNEL(aclnnLog1p, stub_map, LOG1P)
STUB_FAMILY_KERNEL(aclnnInplaceLog1p, stub_map, LOG1P)
