/* Signs, magnitudes and parts of numbers, and questions about them. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_LOOP1(abs_f32, float, float, fabsf(x))
STUB_LOOP1(abs_f64, double, double, fabs(x))
STUB_LOOP1(abs_i64, uint64_t, uint64_t, (x >> 63 ? 0 - x : x))
STUB_LOOP1(abs_c128, double complex, double, cabs(x))
STUB_LOOP1(neg_f32, float, float, -x)
STUB_LOOP1(neg_f64, double, double, -x)
STUB_LOOP1(neg_i64, uint64_t, uint64_t, 0 - x)
STUB_LOOP1(neg_c128, double complex, double complex, -x)
STUB_LOOP1(sign_f32, float, float, (x > 0) - (x < 0))
STUB_LOOP1(sign_f64, double, double, (x > 0) - (x < 0))
STUB_LOOP1(sign_i64, int64_t, int64_t, (x > 0) - (x < 0))
STUB_LOOP1(sign_c128, double complex, double complex, (x == 0 ? 0 : x / cabs(x)))
STUB_LOOP1(signbit_f32, float, uint8_t, stub_float_bits(x) >> 31)
STUB_LOOP1(signbit_f64, double, uint8_t, stub_double_bits(x) >> 63)
STUB_LOOP1(signbit_i64, int64_t, uint8_t, x < 0)
STUB_LOOP1(false_b8, uint8_t, uint8_t, x & 0)
STUB_LOOP1(same_f32, float, float, x)
STUB_LOOP1(same_b8, uint8_t, uint8_t, x)
STUB_LOOP1(same_i64, uint64_t, uint64_t, x)
STUB_LOOP1(real_c128, double complex, double, creal(x))
STUB_LOOP1(angle_f32, float, float, (x != x ? x : x < 0 ? (float)STUB_PI : 0))
STUB_LOOP1(angle_c128, double complex, double, carg(x))

STUB_LOOP1(is_inf_f32, float, uint8_t, fabsf(x) == INFINITY)
STUB_LOOP1(is_inf_f64, double, uint8_t, fabs(x) == (double)INFINITY)
STUB_LOOP1(is_pos_inf_f32, float, uint8_t, x == INFINITY)
STUB_LOOP1(is_pos_inf_f64, double, uint8_t, x == (double)INFINITY)
STUB_LOOP1(is_neg_inf_f32, float, uint8_t, x == -INFINITY)
STUB_LOOP1(is_neg_inf_f64, double, uint8_t, x == -(double)INFINITY)
STUB_LOOP1(is_finite_f32, float, uint8_t, fabsf(x) < INFINITY)
STUB_LOOP1(is_finite_f64, double, uint8_t, fabs(x) < (double)INFINITY)
STUB_LOOP1(false_i64, int64_t, uint8_t, x & 0)
STUB_LOOP1(true_b8, uint8_t, uint8_t, (x & 0) | 1)
STUB_LOOP1(true_i64, int64_t, uint8_t, (x & 0) | 1)

STUB_LOOP1(nan_to_num_f32, float, float,
           (x != x           ? (float)c[0]
            : x == INFINITY  ? (float)c[1]
            : x == -INFINITY ? (float)c[2]
                             : x))

#define COMPLEX32 STUB_DTYPE(ACL_COMPLEX32)
#define COMPLEX64 STUB_DTYPE(ACL_COMPLEX64)
#define NEG                                                                                                            \
    {.loops = {[STUB_F32] = &neg_f32, [STUB_F64] = &neg_f64, [STUB_I64] = &neg_i64, [STUB_C128] = &neg_c128},          \
     .allowed = STUB_REALS | STUB_COMPLEXES | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64)}
#define NAN_TO_NUM                                                                                                     \
    {.loops = {[STUB_F32] = &nan_to_num_f32, [STUB_I64] = &same_i64, [STUB_B8] = &same_b8},                            \
     .allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS,                                                              \
     .own_output = true}
/* `whole`: the answer for integers, which are neither infinite nor NaN. */
#define QUESTION(name, whole, allowed_)                                                                                \
    {.loops = {&name##_f32, &name##_f64, &whole##_i64, &whole##_b8},                                                   \
     .allowed = (allowed_),                                                                                            \
     .result = STUB_GIVES_BOOL,                                                                                        \
     .own_output = true}
/* CANN's sources allow no DOUBLE, which the document lists, and the integers, which it does not. */
#define NO_DOUBLE (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)

#define UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))
#define SIGNBIT(whole)                                                                                                 \
    {.loops = {&signbit_f32, &signbit_f64, &whole##_i64, &false_b8},                                                   \
     .allowed = STUB_NUMBERS | UNSIGNED,                                                                               \
     .result = STUB_GIVES_BOOL,                                                                                        \
     .outputs = STUB_NUMBERS | UNSIGNED}
static const stub_map signed_signbit = SIGNBIT(signbit), unsigned_signbit = SIGNBIT(false);

/* UINT64 comes as its bits, the highest of which is no sign. */
static const stub_map *signbit_of(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, 0);
    return self && self->dtype == ACL_UINT64 ? &unsigned_signbit : &signed_signbit;
}

static aclnnStatus check_signbit(const stub_call *call, stub_plan *plan) {
    return stub_map_check(call, plan, signbit_of(call));
}

static aclnnStatus run_signbit(const stub_call *call) {
    return stub_map_run(call, signbit_of(call));
}

STUB_KERNEL(aclnnSignbit, check_signbit, run_signbit)
STUB_FAMILY_KERNEL(aclnnAbs, stub_map,
                   {.loops = {&abs_f32, &abs_f64, &abs_i64, &same_b8, &abs_c128},
                    .allowed = STUB_NUMBERS | COMPLEX32 | COMPLEX64,
                    .result = STUB_GIVES_REAL,
                    .own_output = true})
STUB_FAMILY_KERNEL(aclnnNeg, stub_map, NEG)
STUB_FAMILY_KERNEL(aclnnInplaceNeg, stub_map, NEG)
STUB_FAMILY_KERNEL(aclnnSign, stub_map,
                   {.loops = {&sign_f32, &sign_f64, &sign_i64, &same_b8, &sign_c128},
                    .allowed = STUB_REALS | STUB_COMPLEXES | STUB_BOOLS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64),
                    .own_output = true})
STUB_FAMILY_KERNEL(aclnnReal, stub_map,
                   {.loops = {[STUB_F32] = &same_f32, [STUB_C128] = &real_c128},
                    .allowed = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | COMPLEX32 | STUB_COMPLEXES,
                    .result = STUB_GIVES_REAL,
                    .own_output = true})
STUB_FAMILY_KERNEL(aclnnRealV2, stub_map,
                   {.loops = {[STUB_F32] = &same_f32, [STUB_C128] = &real_c128},
                    .allowed = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | COMPLEX32 | COMPLEX64,
                    .result = STUB_GIVES_REAL})
STUB_FAMILY_KERNEL(aclnnAngleV2, stub_map,
                   {.loops = {[STUB_F32] = &angle_f32, [STUB_C128] = &angle_c128},
                    .allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS | COMPLEX64,
                    .type = STUB_AS_FLOATING,
                    .result = STUB_GIVES_REAL})
STUB_FAMILY_KERNEL(aclnnIsInf, stub_map, QUESTION(is_inf, false, STUB_NUMBERS))
STUB_FAMILY_KERNEL(aclnnIsPosInf, stub_map, QUESTION(is_pos_inf, false, NO_DOUBLE))
STUB_FAMILY_KERNEL(aclnnIsNegInf, stub_map, QUESTION(is_neg_inf, false, NO_DOUBLE))
STUB_FAMILY_KERNEL(aclnnIsFinite, stub_map, QUESTION(is_finite, true, STUB_NUMBERS))
STUB_FAMILY_KERNEL(aclnnNanToNum, stub_map, NAN_TO_NUM)
STUB_FAMILY_KERNEL(aclnnInplaceNanToNum, stub_map, NAN_TO_NUM)
