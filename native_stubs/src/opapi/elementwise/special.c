/* The error function and the gamma function with their kin. Integers and BOOL give FLOAT. */
#include "opapi/map.h"
#include "opapi/math.h"

/* The derivative of log(gamma(x)), by its recurrence up to 10 and its asymptotic series from there, to the left of 0 by
 * reflection; not defined at the whole numbers there. */
static double digamma(double x) {
    static const double c[] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12};
    double sum = 0;
    if (x == 0) {
        return copysign((double)INFINITY, -x);
    }
    if (x < 0) {
        const double fraction = x - rint(x);
        if (fraction == 0 || isinf(x)) {
            return (double)NAN;
        }
        sum = -STUB_PI / tan(STUB_PI * fraction);
        x = 1 - x;
    }
    for (; x < 10; x += 1) {
        sum -= 1 / x;
    }
    const double z = 1 / (x * x);
    return x == (double)INFINITY ? x : sum + log(x) - 0.5 / x - z * stub_wide_polynomial(c, 6, z);
}

/* lgamma would write the sign into a variable that all threads share. */
static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

STUB_COSTLY_LOOP1(erf_f32, float, float, stub_erff(x))
STUB_LOOP1(erf_f64, double, double, erf(x))
STUB_COSTLY_LOOP1(erfc_f32, float, float, stub_erfcf(x))
STUB_LOOP1(erfc_f64, double, double, erfc(x))
STUB_COSTLY_LOOP1(erfinv_f32, float, float, stub_erfinvf(x))
STUB_COSTLY_LOOP1(digamma_f32, float, float, digamma((double)x))
STUB_LOOP1(digamma_f64, double, double, digamma(x))
STUB_COSTLY_LOOP1(lgamma_f32, float, float, log_gamma((double)x))
STUB_LOOP1(lgamma_f64, double, double, log_gamma(x))

/* c[0]: eps; the bounds eps and 1 - eps are FLOAT numbers, and none when eps is negative. */
STUB_COSTLY_LOOP(logit_f32, {
    const float *const xs = in[0];
    float *const rs = out[0];
    const float low = c[0] < 0 ? -INFINITY : (float)c[0], high = c[0] < 0 ? INFINITY : 1 - low;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float x = xs[i], above = x < low ? low : x;
        const double z = (double)(above > high ? high : above);
        rs[i] = (float)stub_wide_log(z / (1 - z));
    }
})

/* The gradient of logit: x, then the one that comes in. Beyond the bounds (of logit, or 0 and 1 when eps is negative)
 * it is 0, or NaN without eps; that of a NaN is NaN. */
STUB_LOOP(logit_grad_f32, {
    const float *const xs = in[0], *const ys = in[1];
    float *const rs = out[0];
    const float low = c[0] >= 0 ? (float)c[0] : 0, high = 1 - low, beyond = c[0] >= 0 ? 0 : NAN;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float x = xs[i], slope = ys[i] / (x * (1 - x));
        rs[i] = x < low || x > high ? beyond : slope;
    }
})

#define ERROR_FUNCTION_TYPES (STUB_REALS | STUB_BOOLS | STUB_DTYPE(ACL_INT64))
#define ERFINV_TYPES (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)
#define GAMMA_TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_DOUBLE))
#define MAP(name, allowed_)                                                                                            \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_F64] = &name##_f64}, .allowed = (allowed_), .type = STUB_AS_FLOATING}
#define FLOATS(name, allowed_) {.loops = {[STUB_F32] = &name##_f32}, .allowed = (allowed_), .type = STUB_AS_FLOATING}

STUB_FAMILY_KERNEL(aclnnErf, stub_map, MAP(erf, ERROR_FUNCTION_TYPES))
STUB_FAMILY_KERNEL(aclnnInplaceErf, stub_map, MAP(erf, ERROR_FUNCTION_TYPES))
STUB_FAMILY_KERNEL(aclnnErfc, stub_map, MAP(erfc, ERROR_FUNCTION_TYPES))
STUB_FAMILY_KERNEL(aclnnInplaceErfc, stub_map, MAP(erfc, ERROR_FUNCTION_TYPES))
STUB_FAMILY_KERNEL(aclnnErfinv, stub_map, FLOATS(erfinv, ERFINV_TYPES))
STUB_FAMILY_KERNEL(aclnnInplaceErfinv, stub_map, FLOATS(erfinv, ERFINV_TYPES))
STUB_FAMILY_KERNEL(aclnnDigamma, stub_map, MAP(digamma, GAMMA_TYPES))
STUB_FAMILY_KERNEL(aclnnLgamma, stub_map, MAP(lgamma, GAMMA_TYPES))
STUB_FAMILY_KERNEL(aclnnLogit, stub_map, FLOATS(logit, STUB_FLOATS))
STUB_FAMILY_KERNEL(aclnnLogitGrad, stub_map,
                   {.loops = {[STUB_F32] = &logit_grad_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT})
