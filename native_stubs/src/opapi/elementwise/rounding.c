/* Whole numbers near a number. Integers are their own. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_LOOP1(floor_f32, float, float, floorf(x))
STUB_LOOP1(floor_f64, double, double, floor(x))
STUB_LOOP1(ceil_f32, float, float, ceilf(x))
STUB_LOOP1(ceil_f64, double, double, ceil(x))
STUB_LOOP1(round_f32, float, float, rintf(x))
STUB_LOOP1(round_f64, double, double, rint(x))
STUB_LOOP1(trunc_f32, float, float, truncf(x))
STUB_LOOP1(frac_f32, float, float, x - truncf(x))
STUB_LOOP1(frac_i64, int64_t, int64_t, x - x)
STUB_LOOP1(whole_i64, int64_t, int64_t, x)

/* c[0]: decimals; negative ones round to tens, hundreds, ... */
#define DECIMALS_LOOP(name, T, near, ...)                                                                              \
    STUB_LOOP(name, {                                                                                                  \
        const T *const xs = in[0];                                                                                     \
        T *const rs = out[0];                                                                                          \
        const double power = pow(10, fabs(c[0]));                                                                      \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T x = xs[i];                                                                                         \
            rs[i] = c[0] < 0 ? (T)(near(x / (__VA_ARGS__)power) * (__VA_ARGS__)power)                                  \
                             : (T)(near(x * (__VA_ARGS__)power) / (__VA_ARGS__)power);                                 \
        }                                                                                                              \
    })
DECIMALS_LOOP(decimals_f32, float, rintf, float)
DECIMALS_LOOP(decimals_f64, double, rint, double)

/* The nearest multiple of the unit, of two the even one; what is too large wraps around. */
STUB_INLINE int64_t near_multiple(int64_t x, int64_t unit) {
    const int64_t quotient = x / unit, rest = x % unit, size = rest < 0 ? -rest : rest;
    const bool away = size > unit - size || (size == unit - size && size != 0 && (quotient & 1) != 0);
    return (int64_t)((uint64_t)(quotient + (away ? (x < 0 ? -1 : 1) : 0)) * (uint64_t)unit);
}

STUB_LOOP(decimals_i64, {
    const int64_t *const xs = in[0];
    int64_t *const rs = out[0];
    int64_t unit = 1;
    for (int k = 0; k < 18 && k < -c[0]; k++) {
        unit *= 10;
    }
    for (size_t i = 0; i < n; i++) {
        rs[i] = c[0] < -18 ? 0 : near_multiple(xs[i], unit);
    }
})

#define ROUND_TYPES (STUB_REALS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define FLOOR_TYPES                                                                                                    \
    (STUB_REALS | STUB_INTEGERS | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))
#define FLOOR                                                                                                          \
    {.loops = {[STUB_F32] = &floor_f32, [STUB_F64] = &floor_f64, [STUB_I64] = &whole_i64},                             \
     .allowed = FLOOR_TYPES,                                                                                           \
     .own_output = true}
#define CEIL {.loops = {[STUB_F32] = &ceil_f32, [STUB_F64] = &ceil_f64}, .allowed = STUB_REALS, .own_output = true}
#define ROUND                                                                                                          \
    {.loops = {[STUB_F32] = &round_f32, [STUB_F64] = &round_f64, [STUB_I64] = &whole_i64},                             \
     .allowed = ROUND_TYPES,                                                                                           \
     .own_output = true}
#define DECIMALS                                                                                                       \
    {.loops = {[STUB_F32] = &decimals_f32, [STUB_F64] = &decimals_f64, [STUB_I64] = &decimals_i64},                    \
     .allowed = ROUND_TYPES,                                                                                           \
     .own_output = true}
#define TRUNC {.loops = {[STUB_F32] = &trunc_f32}, .allowed = STUB_FLOATS, .own_output = true}
#define FRAC {.loops = {[STUB_F32] = &frac_f32, [STUB_I64] = &frac_i64}, .allowed = STUB_FLOATS | STUB_INTEGERS}

STUB_FAMILY_KERNEL(aclnnFloor, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnInplaceFloor, stub_map, FLOOR)
STUB_FAMILY_KERNEL(aclnnCeil, stub_map, CEIL)
STUB_FAMILY_KERNEL(aclnnInplaceCeil, stub_map, CEIL)
STUB_FAMILY_KERNEL(aclnnRound, stub_map, ROUND)
STUB_FAMILY_KERNEL(aclnnInplaceRound, stub_map, ROUND)
STUB_FAMILY_KERNEL(aclnnRoundDecimals, stub_map, DECIMALS)
STUB_FAMILY_KERNEL(aclnnInplaceRoundDecimals, stub_map, DECIMALS)
STUB_FAMILY_KERNEL(aclnnTrunc, stub_map, TRUNC)
STUB_FAMILY_KERNEL(aclnnInplaceTrunc, stub_map, TRUNC)
STUB_FAMILY_KERNEL(aclnnFrac, stub_map, FRAC)
STUB_FAMILY_KERNEL(aclnnInplaceFrac, stub_map, FRAC)
