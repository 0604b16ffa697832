/* Quotients: exact, rounded to zero, rounded down; and what they leave: aclnnFmod* has the sign of the dividend,
 * aclnnRemainder* that of the divisor.
 *
 * Integers: a quotient by zero is 0, so that the remainder is the dividend (the documents say so of aclnnRemainder*).
 */
#include <math.h>

#include "opapi/map.h"
#include "opapi/promote.h"

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

/* FLOAT16 and BF16 are divided by a scalar of another floating type in FLOAT (but FLOAT16 by DOUBLE as FLOAT16). */
static aclDataType meets_in_quotients(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    (void)out;
    const aclDataType given = scalar->dtype;
    const bool half = tensors == ACL_FLOAT16 || tensors == ACL_BF16;
    const bool mixed =
        stub_dtype_is_floating(given) && given != tensors && (tensors != ACL_FLOAT16 || given != ACL_DOUBLE);
    const aclDataType floating = stub_dtype_is_integral(tensors) || (half && mixed) ? ACL_FLOAT : tensors;
    return stub_dtype_is_complex(given) ? stub_promote(floating, given) : floating;
}

#define EXACT                                                                                                          \
    {.loops = {&div_f32, &div_f64, NULL, NULL, &div_c128},                                                             \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .type = STUB_AS_FLOATING,                                                                                         \
     .meets = meets_in_quotients,                                                                                      \
     .any_output = true}
#define TRUNC {.loops = {&trunc_f32, &trunc_f64, &trunc_i64, &whole_b8}, .allowed = STUB_NUMBERS}
#define FLOOR {.loops = {&floor_f32, &floor_f64, &floor_i64, &whole_b8}, .allowed = STUB_NUMBERS}

typedef stub_map quotient;

/* Quotients of integers are FLOAT, but it is the type before that (of scalar forms: self's) that has to be castable to
 * out's: integers may go to integers, floats may not. */
static aclnnStatus quotient_check(const stub_call *call, stub_plan *plan, const quotient *map) {
    STUB_REQUIRE(stub_map_check(call, plan, map));
    const bool by_scalar = call->op->params[1].kind == STUB_SCALAR;
    const aclTensor *self = stub_tensor_arg(call, 0), *out = stub_tensor_arg(call, call->op->count - 1);
    const aclTensor *to = call->op->params[0].role == STUB_INOUT ? self : out;
    const aclDataType from = by_scalar ? self->dtype : stub_promote(self->dtype, stub_tensor_arg(call, 1)->dtype);
    if (stub_can_cast(from, to->dtype)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a quotient of %s cannot be stored in %s, which is %s",
                     call->op->name, stub_dtype_name(from), to == self ? "selfRef" : "out", stub_dtype_name(to->dtype));
}

static aclnnStatus quotient_run(const stub_call *call, const quotient *map) {
    return stub_map_run(call, map);
}

STUB_FAMILY_KERNEL(aclnnDiv, quotient, EXACT)
STUB_FAMILY_KERNEL(aclnnDivs, quotient, EXACT)
STUB_FAMILY_KERNEL(aclnnInplaceDiv, quotient, EXACT)
STUB_FAMILY_KERNEL(aclnnInplaceDivs, quotient, EXACT)
STUB_FAMILY_KERNEL(aclnnFloorDiv, stub_map, FLOOR)

/* aclnnFloorDivide*: a scalar promotes as a tensor does, BOOL is divided as FLOAT, and out may be of any type. */
typedef struct {
    stub_map numbers, bools;
} floored_map;

static const stub_map *floored_numbers(const stub_call *call, const floored_map *maps) {
    return stub_map_computes_in(call, &maps->numbers) == ACL_BOOL ? &maps->bools : &maps->numbers;
}

static aclnnStatus floored_map_check(const stub_call *call, stub_plan *plan, const floored_map *maps) {
    stub_plan as_numbers = *plan;
    STUB_REQUIRE(stub_map_check(call, &as_numbers, &maps->numbers));
    return stub_map_check(call, plan, floored_numbers(call, maps));
}

static aclnnStatus floored_map_run(const stub_call *call, const floored_map *maps) {
    return stub_map_run(call, floored_numbers(call, maps));
}

#define FLOORED                                                                                                        \
    {                                                                                                                  \
        {.loops = {&floor_f32, &floor_f64, &floor_i64, &whole_b8},                                                     \
         .allowed = STUB_NUMBERS,                                                                                      \
         .meets = stub_meets_as_tensors,                                                                               \
         .any_output = true},                                                                                          \
        {                                                                                                              \
            .loops = {&floor_f32}, .allowed = STUB_BOOLS, .type = STUB_AS_FLOATING, .any_output = true                 \
        }                                                                                                              \
    }

STUB_FAMILY_KERNEL(aclnnFloorDivide, floored_map, FLOORED)
STUB_FAMILY_KERNEL(aclnnFloorDivides, floored_map, FLOORED)
STUB_FAMILY_KERNEL(aclnnInplaceFloorDivide, floored_map, FLOORED)
STUB_FAMILY_KERNEL(aclnnInplaceFloorDivides, floored_map, FLOORED)

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

/* A scalar counts as a tensor of its type, DOUBLE for one, and results are cast to whatever the output is. */
#define FMOD_TYPES                                                                                                     \
    (STUB_REALS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define FMOD                                                                                                           \
    {.loops = {&fmod_f32, &fmod_f64, &fmod_i64},                                                                       \
     .allowed = FMOD_TYPES,                                                                                            \
     .any_output = true,                                                                                               \
     .meets = stub_meets_as_tensors,                                                                                   \
     .promoted = FMOD_TYPES,                                                                                           \
     .outputs = FMOD_TYPES}

STUB_FAMILY_KERNEL(aclnnFmodTensor, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnFmodScalar, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnInplaceFmodTensor, stub_map, FMOD)
STUB_FAMILY_KERNEL(aclnnInplaceFmodScalar, stub_map, FMOD)

STUB_LOOP2(remainder_f32, float, float, modulo_real(x, y))
STUB_LOOP2(remainder_f64, double, double, modulo_real(x, y))
STUB_LOOP2(remainder_i64, int64_t, int64_t, modulo(x, y))

/* Any inputs will do that meet in one of these. */
#define REMAINDER_TYPES (STUB_REALS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define REMAINDER                                                                                                      \
    {.loops = {&remainder_f32, &remainder_f64, &remainder_i64},                                                        \
     .allowed = STUB_NUMBERS,                                                                                          \
     .promoted = REMAINDER_TYPES,                                                                                      \
     .meets = stub_meets_in_differences}

STUB_FAMILY_KERNEL(aclnnRemainderTensorTensor, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnRemainderTensorScalar, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnInplaceRemainderTensorTensor, stub_map, REMAINDER)
STUB_FAMILY_KERNEL(aclnnInplaceRemainderTensorScalar, stub_map, REMAINDER)

/* The scalar and other meet in the output's type, which other has to be castable to. */
static const stub_map of_scalar = {.loops = {&remainder_f32, &remainder_f64, &remainder_i64},
                                   .allowed = STUB_NUMBERS,
                                   .type = STUB_AS_OUTPUT,
                                   .outputs = REMAINDER_TYPES};

static aclnnStatus check_of_scalar(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &of_scalar));
    const aclDataType other = stub_tensor_arg(call, 1)->dtype, out = stub_tensor_arg(call, 2)->dtype;
    return stub_can_cast(other, out)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: other, which is %s, cannot be cast to out, which is %s",
                           call->op->name, stub_dtype_name(other), stub_dtype_name(out));
}

static aclnnStatus run_of_scalar(const stub_call *call) {
    return stub_map_run(call, &of_scalar);
}

STUB_KERNEL(aclnnRemainderScalarTensor, check_of_scalar, run_of_scalar)
