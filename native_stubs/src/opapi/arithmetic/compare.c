/* Comparisons: 1 where the relation holds, else 0, as BOOL or in the type of the tensor that is written. */
#include <math.h>

#include "opapi/map.h"

#define RELATION(name, sign)                                                                                           \
    STUB_LOOP2(name##_f32, float, uint8_t, x sign y)                                                                   \
    STUB_LOOP2(name##_f64, double, uint8_t, x sign y)                                                                  \
    STUB_LOOP2(name##_i64, int64_t, uint8_t, x sign y)                                                                 \
    STUB_LOOP2(name##_b8, uint8_t, uint8_t, x sign y)

RELATION(eq, ==)
RELATION(ne, !=)
RELATION(lt, <)
RELATION(le, <=)
RELATION(gt, >)
RELATION(ge, >=)
STUB_LOOP2(eq_c128, double complex, uint8_t, x == y)
STUB_LOOP2(ne_c128, double complex, uint8_t, x != y)

#define EQUALITY(name)                                                                                                 \
    {.loops = {&name##_f32, &name##_f64, &name##_i64, &name##_b8, &name##_c128},                                       \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .result = STUB_GIVES_BOOL}
#define ORDER(name)                                                                                                    \
    {.loops = {&name##_f32, &name##_f64, &name##_i64, &name##_b8}, .allowed = STUB_NUMBERS, .result = STUB_GIVES_BOOL}

STUB_FAMILY_KERNEL(aclnnEqTensor, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnEqScalar, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnInplaceEqTensor, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnInplaceEqScalar, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnNeTensor, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnNeScalar, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnInplaceNeTensor, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnInplaceNeScalar, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnLtTensor, stub_map, ORDER(lt))
STUB_FAMILY_KERNEL(aclnnLtScalar, stub_map, ORDER(lt))
STUB_FAMILY_KERNEL(aclnnInplaceLtTensor, stub_map, ORDER(lt))
STUB_FAMILY_KERNEL(aclnnInplaceLtScalar, stub_map, ORDER(lt))
STUB_FAMILY_KERNEL(aclnnLeTensor, stub_map, ORDER(le))
STUB_FAMILY_KERNEL(aclnnLeScalar, stub_map, ORDER(le))
STUB_FAMILY_KERNEL(aclnnInplaceLeTensor, stub_map, ORDER(le))
STUB_FAMILY_KERNEL(aclnnInplaceLeScalar, stub_map, ORDER(le))
STUB_FAMILY_KERNEL(aclnnGtTensor, stub_map, ORDER(gt))
STUB_FAMILY_KERNEL(aclnnGtScalar, stub_map, ORDER(gt))
STUB_FAMILY_KERNEL(aclnnInplaceGtTensor, stub_map, ORDER(gt))
STUB_FAMILY_KERNEL(aclnnInplaceGtScalar, stub_map, ORDER(gt))
STUB_FAMILY_KERNEL(aclnnGeTensor, stub_map, ORDER(ge))
STUB_FAMILY_KERNEL(aclnnGeScalar, stub_map, ORDER(ge))
STUB_FAMILY_KERNEL(aclnnInplaceGeTensor, stub_map, ORDER(ge))
STUB_FAMILY_KERNEL(aclnnInplaceGeScalar, stub_map, ORDER(ge))

/* |x - y| <= atol + rtol * |y|; infinities are close to themselves alone, NaNs to each other when c[2] says so. */
STUB_INLINE bool is_close(double x, double y, const double *c) {
    const bool near = isfinite(x) && isfinite(y) && fabs(x - y) <= c[1] + c[0] * fabs(y);
    return near || x == y || (c[2] != 0 && x != x && y != y);
}
STUB_LOOP2(close_f32, float, uint8_t, is_close(x, y, c))
STUB_LOOP2(close_f64, double, uint8_t, is_close(x, y, c))
STUB_LOOP2(close_i64, int64_t, uint8_t, is_close((double)x, (double)y, c))
STUB_LOOP2(close_b8, uint8_t, uint8_t, is_close(x, y, c))

static const stub_map close_map = {
    .loops = {&close_f32, &close_f64, &close_i64, &close_b8}, .allowed = STUB_NUMBERS, .result = STUB_GIVES_BOOL};

static aclnnStatus check_close(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &close_map));
    STUB_REQUIRE(stub_check_same_dtype(call, 1, 0));
    const stub_dtype_rule bool_out = {5, STUB_ON_ALL(STUB_BOOLS)};
    return stub_check_dtypes(call, &bool_out, 1);
}

static aclnnStatus run_close(const stub_call *call) {
    return stub_map_run(call, &close_map);
}

STUB_KERNEL(aclnnIsClose, check_close, run_close)

/* One element or one test element is a scalar: equal, or with c[1] (invert) not. That c[0] calls them unique changes
 * nothing. */
STUB_LOOP2(in_f32, float, uint8_t, (x == y) != (c[1] != 0))
STUB_LOOP2(in_f64, double, uint8_t, (x == y) != (c[1] != 0))
STUB_LOOP2(in_i64, int64_t, uint8_t, (x == y) != (c[1] != 0))
STUB_LOOP2(in_b8, uint8_t, uint8_t, (x == y) != (c[1] != 0))
STUB_LOOP2(in_c128, double complex, uint8_t, (x == y) != (c[1] != 0))

#define IS_IN                                                                                                          \
    {.loops = {&in_f32, &in_f64, &in_i64, &in_b8, &in_c128},                                                           \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES | STUB_DTYPE(ACL_UINT16),                                                \
     .result = STUB_GIVES_BOOL}

STUB_FAMILY_KERNEL(aclnnIsInScalarTensor, stub_map, IS_IN)
STUB_FAMILY_KERNEL(aclnnIsInTensorScalar, stub_map, IS_IN)
