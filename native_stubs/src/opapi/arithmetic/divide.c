/* Quotients: exact, rounded to zero, rounded down; and what they leave: aclnnFmod* has the sign of the dividend,
 * aclnnRemainder* that of the divisor.
 *
 * Integers: a quotient by zero is 0, so that the remainder is the dividend (the documents say so of aclnnRemainder*).
 */
#include <math.h>

#include "opapi/map.h"

/* The textbook formula, which makes NaN of a division by zero, as the documents warn. */
STUB_INLINE double complex divide_complex(double complex x, double complex y) {
    const double a = creal(x), b = cimag(x), p = creal(y), q = cimag(y), square = p * p + q * q;
    return CMPLX((a * p + b * q) / square, (b * p - a * q) / square);
}

/* INT64_MIN / -1 wraps around to itself. */
STUB_INLINE int64_t truncated(int64_t x, int64_t y) {
    return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

STUB_INLINE int64_t rest(int64_t x, int64_t y) {
    return y == 0 ? x : y == -1 ? 0 : x % y;
}

STUB_INLINE int64_t floored(int64_t x, int64_t y) {
    const int64_t left = rest(x, y);
    return truncated(x, y) - (y != 0 && left != 0 && (left < 0) != (y < 0));
}

STUB_INLINE int64_t modulo(int64_t x, int64_t y) {
    const int64_t left = rest(x, y);
    return y != 0 && left != 0 && (left < 0) != (y < 0) ? left + y : left;
}

/* Exact where the formula x - floor(x / y) * y would lose the digits that x / y has before its point. */
STUB_INLINE double modulo_real(double x, double y) {
    const double left = fmod(x, y);
    return left != 0 && (left < 0) != (y < 0) ? left + y : left;
}

STUB_LOOP2(div_f32, float, float, x / y)
STUB_LOOP2(div_f64, double, double, x / y)
STUB_LOOP2(div_c128, double complex, double complex, divide_complex(x, y))
STUB_LOOP2(trunc_f32, float, float, truncf(x / y))
STUB_LOOP2(trunc_f64, double, double, trunc(x / y))
STUB_LOOP2(trunc_i64, int64_t, int64_t, truncated(x, y))
STUB_LOOP2(floor_f32, float, float, floorf(x / y))
STUB_LOOP2(floor_f64, double, double, floor(x / y))
STUB_LOOP2(floor_i64, int64_t, int64_t, floored(x, y))
STUB_LOOP2(whole_b8, uint8_t, uint8_t, (x & y))

#define EXACT                                                                                                          \
    {.loops = {&div_f32, &div_f64, NULL, NULL, &div_c128},                                                             \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .type = STUB_AS_FLOATING,                                                                                         \
     .any_output = true}
#define TRUNC {.loops = {&trunc_f32, &trunc_f64, &trunc_i64, &whole_b8}, .allowed = STUB_NUMBERS}
#define FLOOR {.loops = {&floor_f32, &floor_f64, &floor_i64, &whole_b8}, .allowed = STUB_NUMBERS}

STUB_FAMILY_KERNEL(aclnnDiv, stub_map, EXACT)
STUB_FAMILY_KERNEL(aclnnDivs, stub_map, EXACT)
STUB_FAMILY_KERNEL(aclnnInplaceDiv, stub_map, EXACT)
STUB_FAMILY_KERNEL(aclnnInplaceDivs, stub_map, EXACT)
STUB_FAMILY_KERNEL(aclnnFloorDiv, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnFloorDivide, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnFloorDivides, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnInplaceFloorDivide, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnInplaceFloorDivides, stub_map, FLOOR)

/* Division with a rounding mode: 0 exact, 1 to zero, 2 down. */
enum { MODE = 2, MODES = 3 };
static const stub_map by_mode[MODES] = {EXACT, TRUNC, FLOOR};

static aclnnStatus check_mode(const stub_call *call, stub_plan *plan) {
    const int64_t mode = call->args[MODE].integer;
    if (mode < 0 || mode >= MODES) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are 0 (exact), 1 (to zero) and 2 (down)",
                         call->op->name, call->op->params[MODE].name, (long long)mode);
    }
    return stub_map_check(call, plan, &by_mode[mode]);
}

static aclnnStatus run_mode(const stub_call *call) {
    return stub_map_run(call, &by_mode[call->args[MODE].integer]);
}

STUB_KERNEL(aclnnDivMod, check_mode, run_mode)
STUB_KERNEL(aclnnDivMods, check_mode, run_mode)
STUB_KERNEL(aclnnInplaceDivMod, check_mode, run_mode)
STUB_KERNEL(aclnnInplaceDivMods, check_mode, run_mode)

STUB_LOOP2(fmod_f32, float, float, fmodf(x, y))
STUB_LOOP2(fmod_f64, double, double, fmod(x, y))
STUB_LOOP2(fmod_i64, int64_t, int64_t, rest(x, y))

#define FMOD {.loops = {&fmod_f32, &fmod_f64, &fmod_i64}, .allowed = STUB_REALS | STUB_INTEGERS}

STUB_FAMILY_KERNEL(aclnnFmodTensor, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnFmodScalar, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnInplaceFmodTensor, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnInplaceFmodScalar, stub_map, FMOD)

STUB_LOOP2(remainder_f32, float, float, modulo_real(x, y))
STUB_LOOP2(remainder_f64, double, double, modulo_real(x, y))
STUB_LOOP2(remainder_i64, int64_t, int64_t, modulo(x, y))

#define REMAINDER {.loops = {&remainder_f32, &remainder_f64, &remainder_i64}, .allowed = STUB_REALS | STUB_INTEGERS}

STUB_FAMILY_KERNEL(aclnnRemainderTensorTensor, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnRemainderTensorScalar, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnRemainderScalarTensor, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnInplaceRemainderTensorTensor, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnInplaceRemainderTensorScalar, stub_map, REMAINDER)
