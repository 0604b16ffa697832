/* Elementary functions of float arguments, computed in double so that rounding to float is their only error worth
 * mentioning (below 0.51 units of float's last place). No calls, no branches: loops over them become vector code.
 * Arguments are floats, or what a few operations make of floats; subnormal doubles do not occur. */
#ifndef ASCEND_STUB_OPAPI_MATH_WIDE_H
#define ASCEND_STUB_OPAPI_MATH_WIDE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "opapi/loops.h"

#define STUB_LN2 0.69314718055994530942
#define STUB_PI 3.14159265358979323846
#define STUB_LOG10_E 0.43429448190325182765

/* Added to a number below 2^51, it leaves the nearest integer in the low bits of the mantissa. */
#define STUB_WIDE_NEAR 0x1.8p52

STUB_INLINE uint64_t stub_double_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

STUB_INLINE double stub_bits_double(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* c[0] + c[1] x + ...: the loop has a constant length and is unrolled. */
STUB_INLINE double stub_wide_polynomial(const double *c, int degree, double x) {
    double p = c[degree];
    for (int i = degree - 1; i >= 0; i--) {
        p = p * x + c[i];
    }
    return p;
}

/* exp(r) - 1 for |r| <= ln(2)/2, and 2^k, of x = k ln(2) + r; beyond +-700 as at +-700. */
STUB_INLINE double stub_wide_exp_parts(double x, double *power) {
    static const double c[] = {1.0 / 2,    1.0 / 6,     1.0 / 24,     1.0 / 120,    1.0 / 720,
                               1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
    const double bounded = x < -700 ? -700 : x > 700 ? 700 : x; /* a NaN stays */
    const double shifted = bounded * (1 / STUB_LN2) + STUB_WIDE_NEAR;
    const double r = bounded - (shifted - STUB_WIDE_NEAR) * STUB_LN2;
    *power = stub_bits_double((stub_double_bits(shifted) + 1023) << 52);
    return r + r * r * stub_wide_polynomial(c, 8, r);
}

STUB_INLINE double stub_wide_exp(double x) {
    double power;
    const double rest = stub_wide_exp_parts(x, &power);
    return power + power * rest;
}

STUB_INLINE double stub_wide_expm1(double x) {
    double power;
    const double rest = stub_wide_exp_parts(x, &power);
    return (power - 1) + power * rest;
}

/* log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2): 2 artanh(f / (2 + f)). */
STUB_INLINE double stub_wide_log_near(double f) {
    static const double c[] = {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17};
    const double s = f / (2 + f), z = s * s;
    return 2 * s + s * z * stub_wide_polynomial(c, 7, z);
}

/* log(1 + y), exact in y near 0: 1 + y = 2^k m with m around 1. */
STUB_INLINE double stub_wide_log1p_of(double u, double y) {
    const uint64_t around = UINT64_C(0x3FE6A09E00000000); /* sqrt(1/2) */
    const uint64_t moved = stub_double_bits(u) + (UINT64_C(0x3FF0000000000000) - around);
    const double m = stub_bits_double((moved & UINT64_C(0x000FFFFFFFFFFFFF)) + around);
    const double k = stub_bits_double((moved >> 52) | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023);
    const double near = k * STUB_LN2 + stub_wide_log_near(k == 0 ? y : m - 1);
    const double finite = u > 0 ? near : u == 0 ? -(double)INFINITY : (double)NAN; /* a NaN becomes NAN */
    return u == (double)INFINITY ? u : finite;
}

STUB_INLINE double stub_wide_log(double x) {
    return stub_wide_log1p_of(x, x - 1);
}

STUB_INLINE double stub_wide_log1p(double y) {
    return stub_wide_log1p_of(1 + y, y);
}

/* atan(x)/x over x^2 in 0 .. 1, asin(x)/x over x^2 in 0 .. 1/4: fitted at Chebyshev points, 2^-39 relative. */
STUB_INLINE double stub_wide_atan(double x) {
    static const double c[] = {0.9999999999984466,   -0.3333333327068144,   0.19999995788995942,  -0.14285602069465306,
                               0.11109537070717126,  -0.09077527248273448,  0.07617387735244059,  -0.06375159418364196,
                               0.050635088915113036, -0.03551187800474617,  0.020161763346652303, -0.00837491832112746,
                               0.002208750119193948, -0.0002736285389347136};
    const double magnitude = fabs(x), inverse = 1 / magnitude;
    const double t = magnitude > 1 ? inverse : magnitude;
    const double p = t * stub_wide_polynomial(c, 13, t * t);
    return copysign(magnitude > 1 ? STUB_PI / 2 - p : p, x);
}

/* asin and acos share asin(t), t = |x|, or sqrt((1 - |x|) / 2) when that is smaller than 1/2. */
STUB_INLINE double stub_wide_asin_near(double t) {
    static const double c[] = {1.0000000000008786,   0.16666666610468922,   0.07500005894396919,
                               0.04464048768385423,  0.030429337818185093,  0.021845279800961265,
                               0.020731039544140614, 0.0017927071700493472, 0.03308096528053284};
    return t * stub_wide_polynomial(c, 8, t * t);
}

STUB_INLINE double stub_wide_asin(double x) {
    const double magnitude = fabs(x), root = sqrt((1 - magnitude) * 0.5);
    const double p = stub_wide_asin_near(magnitude > 0.5 ? root : magnitude);
    return copysign(magnitude > 0.5 ? STUB_PI / 2 - 2 * p : p, x);
}

STUB_INLINE double stub_wide_acos(double x) {
    const double magnitude = fabs(x), root = sqrt((1 - magnitude) * 0.5);
    const double p = stub_wide_asin_near(magnitude > 0.5 ? root : magnitude);
    const double outer = x < 0 ? STUB_PI - 2 * p : 2 * p;
    return magnitude > 0.5 ? outer : STUB_PI / 2 - copysign(p, x);
}

/* x - k pi/2 for |x| < 2^28, k in the low bits of `quarter`: k * (the first 25 bits of pi/2) is exact. */
STUB_INLINE double stub_wide_turn(double x, uint64_t *quarter) {
    const double shifted = x * (2 / STUB_PI) + STUB_WIDE_NEAR, k = shifted - STUB_WIDE_NEAR;
    *quarter = stub_double_bits(shifted);
    return (x - k * 1.57079631090164184570) - k * 1.58932547735281966916e-08;
}

/* |r| <= pi/4 and a little. */
STUB_INLINE double stub_wide_sin_near(double r) {
    static const double c[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800};
    const double z = r * r;
    return r * (1 + z * stub_wide_polynomial(c, 4, z)); /* keeps -0 */
}

STUB_INLINE double stub_wide_cos_near(double r) {
    static const double c[] = {1, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};
    return stub_wide_polynomial(c, 6, r * r);
}

/* sin(x + quarters pi/2). */
STUB_INLINE double stub_wide_sine(double x, uint64_t quarters) {
    uint64_t quarter;
    const double r = stub_wide_turn(x, &quarter);
    quarter += quarters;
    const double s = stub_wide_sin_near(r), c = stub_wide_cos_near(r);
    const double value = (quarter & 1) != 0 ? c : s;
    return stub_bits_double(stub_double_bits(value) ^ (quarter & 2) << 62);
}

STUB_INLINE double stub_wide_tan(double x) {
    uint64_t quarter;
    const double r = stub_wide_turn(x, &quarter);
    const double s = stub_wide_sin_near(r), c = stub_wide_cos_near(r);
    const int odd = (quarter & 1) != 0;
    return (odd ? -c : s) / (odd ? s : c);
}

/* erfc(x) exp(x^2) for x >= 0, over q = 1 / (1 + x/2): fitted for x <= 10.6, 2^-37 relative. */
STUB_INLINE double stub_wide_erfcx(double x) {
    static const double c[] = {0.2820942538676172,  0.28211551208388586, 0.24647236118501772, 0.18006687313216652,
                               0.05755356438491455, 0.12470039899507536, -0.5199341793706443, 1.1701859146936138,
                               -2.376012929566035,  3.354032481174235,   -3.0997744306053328, 1.8776307518684408,
                               -0.7270643706966458, 0.1645986924409797,  -0.01666489358625548};
    const double q = 1 / (1 + x / 2);
    return q * stub_wide_polynomial(c, 14, q);
}

STUB_INLINE double stub_wide_erfc(double x) {
    const double magnitude = fabs(x);
    const double tail = stub_wide_erfcx(magnitude) * stub_wide_exp(-x * x);
    return x < 0 ? 2 - tail : tail;
}

/* erfinv(x)/x over w = -log(1 - x^2): below 5 in w - 2.5, beyond in sqrt(w) - 3; fitted for floats. */
STUB_INLINE double stub_wide_erfinv(double x) {
    static const double inner[] = {1.5014093511307294,      0.24664027679468156,    -0.004177318038626808,
                                   -0.0012527081133246612,  0.00021825107430796235, -4.9958551013223845e-06,
                                   -3.4174044801632277e-06, 4.786352608847245e-07,  1.3780551400997704e-08,
                                   -1.0852875854560047e-08, 8.200570107539309e-10,  1.2294079384476244e-10,
                                   -2.053025485100644e-11};
    static const double outer[] = {2.832976802064712,      1.0016752642606506,      0.009445275501016863,
                                   -0.007643325658445653,  0.005687999907800459,    -0.003564019509821425,
                                   0.0014735160284874201,  -0.00012634050459818739, -0.00027372167764316325,
                                   0.00016492785482696102, -3.2580428511524126e-05};
    const double w = -stub_wide_log1p(-x * x), bounded = w > 5 ? w : 5;
    const double near = stub_wide_polynomial(inner, 12, (w > 5 ? 5 : w) - 2.5);
    const double far = stub_wide_polynomial(outer, 10, sqrt(bounded) - 3);
    const double value = x * (w > 5 ? far : near);
    return fabs(x) == 1 ? x * (double)INFINITY : w == w ? value : (double)NAN;
}

#endif
