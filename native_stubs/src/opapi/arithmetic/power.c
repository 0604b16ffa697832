/* Powers and functions of two numbers: aclnnPow*, aclnnAtan2, aclnnLogAddExp*, aclnnXLogY*, aclnnGcd, aclnnHeaviside.
 */
#include <math.h>

#include "opapi/map.h"

#define UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))

/* By squaring; a negative exponent leaves only 1 and -1 anything but 0. */
STUB_INLINE uint64_t power_of_integer(uint64_t x, int64_t y) {
    if (y < 0) {
        return x == 1 || (x == UINT64_MAX && y % 2 == 0) ? 1 : x == UINT64_MAX ? x : 0;
    }
    uint64_t result = 1;
    for (; y > 0; y >>= 1) {
        result *= y & 1 ? x : 1;
        x *= x;
    }
    return result;
}

/* cpow of zero is NaN where the power of a positive real exponent is 0, and of exponent 0 is 1. */
STUB_INLINE double complex power_of_complex(double complex x, double complex y) {
    if (x != 0) {
        return cpow(x, y);
    }
    return y == 0 ? 1 : creal(y) > 0 ? 0 : CMPLX(NAN, NAN);
}

STUB_COSTLY_LOOP2(pow_f32, float, float, powf(x, y))
STUB_LOOP2(pow_f64, double, double, pow(x, y))
STUB_LOOP2(pow_i64, int64_t, uint64_t, power_of_integer((uint64_t)x, y))
STUB_LOOP2(pow_c128, double complex, double complex, power_of_complex(x, y))

#define POWER                                                                                                          \
    {.loops = {&pow_f32, &pow_f64, &pow_i64, NULL, &pow_c128},                                                         \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .meets = stub_meets_in_sums}

static const stub_map power = POWER;

/* An integer to the power of a negative integer scalar is refused, as the documents have it. */
static aclnnStatus check_power(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &power));
    const aclTensor *base = stub_tensor_arg(call, 0);
    const aclScalar *exponent = call->args[1].scalar;
    if (stub_class_of(base->dtype) == STUB_I64 && stub_class_of(exponent->dtype) == STUB_I64 &&
        stub_scalar_number(exponent) < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; integers allow no negative exponent", call->op->name,
                         call->op->params[1].name, stub_scalar_number(exponent));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_power(const stub_call *call) {
    return stub_map_run(call, &power);
}

STUB_KERNEL(aclnnPowTensorScalar, check_power, run_power)
STUB_KERNEL(aclnnInplacePowTensorScalar, check_power, run_power)
STUB_FAMILY_KERNEL(aclnnPowTensorTensor, stub_map, POWER)
STUB_FAMILY_KERNEL(aclnnInplacePowTensorTensor, stub_map, POWER)
STUB_FAMILY_KERNEL(aclnnPowScalarTensor, stub_map, POWER)
STUB_FAMILY_KERNEL(aclnnPow2, stub_map, POWER)

STUB_COSTLY_LOOP2(atan2_f32, float, float, atan2f(x, y))
STUB_LOOP2(atan2_f64, double, double, atan2(x, y))

#define ATAN2 {.loops = {&atan2_f32, &atan2_f64}, .allowed = STUB_NUMBERS, .type = STUB_AS_FLOATING, .any_output = true}

STUB_FAMILY_KERNEL(aclnnAtan2, stub_map, ATAN2)
STUB_FAMILY_KERNEL(aclnnInplaceAtan2, stub_map, ATAN2)

/* m + log(1 + e^-|x - y|); equal operands, infinite ones too, are m + log 2. */
STUB_COSTLY_LOOP2(log_add_exp_f32, float, float,
                  x != x || y != y ? x + y : (x > y ? x : y) + log1pf(x == y ? 1 : expf(-fabsf(x - y))))
STUB_COSTLY_LOOP2(log_add_exp2_f32, float, float,
                  x != x || y != y ? x + y
                                   : (x > y ? x : y) + log1pf(x == y ? 1 : exp2f(-fabsf(x - y))) * (float)M_LOG2E)

/* Both operands become what the output is first. */
#define LOG_ADD_EXP(name)                                                                                              \
    {.loops = {&name##_f32}, .allowed = STUB_NUMBERS | UNSIGNED, .type = STUB_AS_OUTPUT, .outputs = STUB_FLOATS}

STUB_FAMILY_KERNEL(aclnnLogAddExp, stub_map, LOG_ADD_EXP(log_add_exp))
STUB_FAMILY_KERNEL(aclnnLogAddExp2, stub_map, LOG_ADD_EXP(log_add_exp2))

/* 0 * log(y) is 0 for every number y. */
STUB_COSTLY_LOOP2(xlogy_f32, float, float, y != y ? y : x == 0 ? 0 : x * logf(y))
STUB_LOOP2(xlogy_f64, double, double, y != y ? y : x == 0 ? 0 : x * log(y))

#define XLOGY {.loops = {&xlogy_f32, &xlogy_f64}, .allowed = STUB_NUMBERS, .type = STUB_AS_FLOATING}

STUB_FAMILY_KERNEL(aclnnXLogYTensor, stub_map, XLOGY)
STUB_FAMILY_KERNEL(aclnnXLogYScalarOther, stub_map, XLOGY)
STUB_FAMILY_KERNEL(aclnnXLogYScalarSelf, stub_map, XLOGY)
STUB_FAMILY_KERNEL(aclnnInplaceXLogYTensor, stub_map, XLOGY)
STUB_FAMILY_KERNEL(aclnnInplaceXLogYScalarOther, stub_map, XLOGY)

STUB_INLINE uint64_t gcd(uint64_t x, uint64_t y) {
    while (y != 0) {
        const uint64_t left = x % y;
        x = y;
        y = left;
    }
    return x;
}
STUB_LOOP2(gcd_i64, int64_t, uint64_t,
           gcd(x < 0 ? 0 - (uint64_t)x : (uint64_t)x, y < 0 ? 0 - (uint64_t)y : (uint64_t)y))

/* By the source: the document of Atlas A2 and A3 lists INT8 and UINT8 too. */
STUB_FAMILY_KERNEL(aclnnGcd, stub_map,
                   {.loops = {[STUB_I64] = &gcd_i64},
                    .allowed = STUB_INTEGERS | STUB_BOOLS,
                    .promoted = STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64),
                    .outputs = STUB_INTEGERS | UNSIGNED})

STUB_LOOP2(heaviside_f32, float, float, x == 0 ? y : (float)(x > 0))

STUB_FAMILY_KERNEL(aclnnHeaviside, stub_map,
                   {.loops = {&heaviside_f32}, .allowed = STUB_FLOATS, .outputs = STUB_FLOATS})
