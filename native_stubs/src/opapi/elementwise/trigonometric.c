/* Circular functions and their inverses. Integers and BOOL give FLOAT. */
#include "opapi/map.h"
#include "opapi/math.h"

/* sin(pi x) / (pi x): turns are counted in x, so that sinc is 0 at whole numbers and large x cost no accuracy. */
STUB_INLINE double sinc_wide(double x) {
    const double bounded = fabs(x) < 0x1p52 ? x : fabs(x) < (double)INFINITY ? 0x1p52 : (double)NAN;
    const double shifted = bounded + STUB_WIDE_NEAR, near = shifted - STUB_WIDE_NEAR;
    const double r = (bounded - near) * (STUB_PI / 2);
    const double s = 2 * stub_wide_sin_near(r) * stub_wide_cos_near(r);
    const double sine = (stub_double_bits(shifted) & 1) != 0 ? -s : s;
    return x == 0 ? 1 : sine / (STUB_PI * x);
}

static double sinc(double x) {
    const double near = rint(x), sine = sin(STUB_PI * (x - near));
    return x == 0 ? 1 : (fmod(near, 2) == 0 ? sine : -sine) / (STUB_PI * x);
}

STUB_TURN_LOOP(sin_f32, stub_sinf, sinf)
STUB_LOOP1(sin_f64, double, double, sin(x))
STUB_LOOP1(sin_c128, double complex, double complex, csin(x))
STUB_TURN_LOOP(cos_f32, stub_cosf, cosf)
STUB_LOOP1(cos_f64, double, double, cos(x))
STUB_LOOP1(cos_c128, double complex, double complex, ccos(x))
STUB_TURN_LOOP(tan_f32, stub_tanf, tanf)
STUB_LOOP1(tan_f64, double, double, tan(x))
STUB_LOOP1(tan_c128, double complex, double complex, ctan(x))
STUB_COSTLY_LOOP1(sinc_f32, float, float, sinc_wide((double)x))
STUB_LOOP1(sinc_f64, double, double, sinc(x))
STUB_COSTLY_LOOP1(asin_f32, float, float, stub_asinf(x))
STUB_LOOP1(asin_f64, double, double, asin(x))
STUB_COSTLY_LOOP1(acos_f32, float, float, stub_acosf(x))
STUB_LOOP1(acos_f64, double, double, acos(x))
STUB_COSTLY_LOOP1(atan_f32, float, float, stub_atanf(x))
STUB_LOOP1(atan_f64, double, double, atan(x))

#define REAL(name)                                                                                                     \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_F64] = &name##_f64},                                                    \
     .allowed = STUB_NUMBERS,                                                                                          \
     .type = STUB_AS_FLOATING,                                                                                         \
     .outputs = STUB_REALS}
#define COMPLEX(name)                                                                                                  \
    {.loops = {[STUB_F32] = &name##_f32, [STUB_F64] = &name##_f64, [STUB_C128] = &name##_c128},                        \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .type = STUB_AS_FLOATING}

STUB_FAMILY_KERNEL(aclnnSin, stub_map, COMPLEX(sin))
STUB_FAMILY_KERNEL(aclnnInplaceSin, stub_map, COMPLEX(sin))
STUB_FAMILY_KERNEL(aclnnCos, stub_map, COMPLEX(cos))
STUB_FAMILY_KERNEL(aclnnInplaceCos, stub_map, COMPLEX(cos))
STUB_FAMILY_KERNEL(aclnnTan, stub_map, COMPLEX(tan))
STUB_FAMILY_KERNEL(aclnnInplaceTan, stub_map, COMPLEX(tan))
STUB_FAMILY_KERNEL(aclnnSinc, stub_map, REAL(sinc))
STUB_FAMILY_KERNEL(aclnnInplaceSinc, stub_map, REAL(sinc))
STUB_FAMILY_KERNEL(aclnnAsin, stub_map, REAL(asin))
STUB_FAMILY_KERNEL(aclnnInplaceAsin, stub_map, REAL(asin))
STUB_FAMILY_KERNEL(aclnnAcos, stub_map, REAL(acos))
STUB_FAMILY_KERNEL(aclnnInplaceAcos, stub_map, REAL(acos))
STUB_FAMILY_KERNEL(aclnnAtan, stub_map, REAL(atan))
STUB_FAMILY_KERNEL(aclnnInplaceAtan, stub_map, REAL(atan))
