/* Comparisons: 1 where the relation holds, else 0, as BOOL or in the type of the tensor that is written. */
#include <float.h>
#include <math.h>

#include "opapi/map.h"
#include "opapi/promote.h"

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
STUB_LOOP2(lt_u64, uint64_t, uint8_t, x < y)
STUB_LOOP2(gt_u64, uint64_t, uint8_t, x > y)
STUB_LOOP2(ge_u64, uint64_t, uint8_t, x >= y)
STUB_LOOP2(eq_c128, double complex, uint8_t, x == y)
STUB_LOOP2(ne_c128, double complex, uint8_t, x != y)

/* What a scalar does to the type in which it is compared, one rule per relation. */

static aclDataType meets_to_equal(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    return stub_dtype_is_complex(tensors) ? tensors : stub_meets_in_sums(tensors, scalar, out);
}

/* Integers are compared in the wider type; with a DOUBLE, in FLOAT. */
static aclDataType meets_to_be_less(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    (void)out;
    if (stub_dtype_is_floating(tensors)) {
        return tensors;
    }
    return scalar->dtype == ACL_DOUBLE ? ACL_FLOAT : stub_promote(tensors, scalar->dtype);
}

/* As with a tensor; but a DOUBLE that floats hold well enough leaves them their type. */
static aclDataType meets_to_be_greater(aclDataType tensors, const aclScalar *scalar, aclDataType out) {
    (void)out;
    if (scalar->dtype == ACL_DOUBLE && stub_dtype_is_floating(tensors)) {
        double rounded;
        const double given = stub_scalar_number(scalar);
        stub_stretch number;
        stub_load(ACL_DOUBLE, &given, 0, 1, tensors, number.bytes);
        stub_store(tensors, number.bytes, 1, ACL_DOUBLE, &rounded, 0);
        return fabs(rounded - given) <= (double)FLT_EPSILON ? tensors : ACL_DOUBLE;
    }
    return stub_promote(tensors, scalar->dtype);
}

#define EQUALITY(name)                                                                                                 \
    {.loops = {&name##_f32, &name##_f64, &name##_i64, &name##_b8, &name##_c128},                                       \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .result = STUB_GIVES_BOOL,                                                                                        \
     .meets = meets_to_equal}

/* Orders: UINT64, whose numbers are bits, is compared by loops of its own. */
typedef struct {
    stub_map usual, unsigned_;
} order;

static const stub_map *order_of(const stub_call *call, const order *maps) {
    const aclTensor *self = stub_tensor_arg(call, 0);
    return self && self->dtype == ACL_UINT64 && maps->unsigned_.allowed ? &maps->unsigned_ : &maps->usual;
}

static aclnnStatus order_check(const stub_call *call, stub_plan *plan, const order *maps) {
    return stub_map_check(call, plan, order_of(call, maps));
}

static aclnnStatus order_run(const stub_call *call, const order *maps) {
    return stub_map_run(call, order_of(call, maps));
}

#define UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32))
#define USUAL(name, more, meets_)                                                                                      \
    {.loops = {&name##_f32, &name##_f64, &name##_i64, &name##_b8},                                                     \
     .allowed = STUB_NUMBERS | (more),                                                                                 \
     .result = STUB_GIVES_BOOL,                                                                                        \
     .meets = (meets_)}
#define ORDER(name, meets_)                                                                                            \
    {                                                                                                                  \
        USUAL(name, UNSIGNED, meets_), {                                                                               \
            .loops = {[STUB_I64] = &name##_u64}, .allowed = STUB_DTYPE(ACL_UINT64), .result = STUB_GIVES_BOOL,         \
            .meets = (meets_)                                                                                          \
        }                                                                                                              \
    }
#define LESS ORDER(lt, meets_to_be_less)
#define LESS_EQUAL {USUAL(le, STUB_DTYPE(ACL_UINT16), meets_to_be_less), {.allowed = 0}}
#define GREATER ORDER(gt, meets_to_be_greater)
#define GREATER_EQUAL ORDER(ge, meets_to_be_greater)

STUB_FAMILY_KERNEL(aclnnEqTensor, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnEqScalar, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnInplaceEqTensor, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnInplaceEqScalar, stub_map, EQUALITY(eq))
STUB_FAMILY_KERNEL(aclnnNeTensor, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnNeScalar, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnInplaceNeTensor, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnInplaceNeScalar, stub_map, EQUALITY(ne))
STUB_FAMILY_KERNEL(aclnnLtTensor, order, LESS)
STUB_FAMILY_KERNEL(aclnnLtScalar, order, LESS)
STUB_FAMILY_KERNEL(aclnnInplaceLtTensor, order, LESS)
STUB_FAMILY_KERNEL(aclnnInplaceLtScalar, order, LESS)
STUB_FAMILY_KERNEL(aclnnLeTensor, order, LESS_EQUAL)
STUB_FAMILY_KERNEL(aclnnLeScalar, order, LESS_EQUAL)
STUB_FAMILY_KERNEL(aclnnInplaceLeTensor, order, LESS_EQUAL)
STUB_FAMILY_KERNEL(aclnnInplaceLeScalar, order, LESS_EQUAL)
STUB_FAMILY_KERNEL(aclnnGtTensor, order, GREATER)
STUB_FAMILY_KERNEL(aclnnGtScalar, order, GREATER)
STUB_FAMILY_KERNEL(aclnnInplaceGtTensor, order, GREATER)
STUB_FAMILY_KERNEL(aclnnInplaceGtScalar, order, GREATER)
STUB_FAMILY_KERNEL(aclnnGeTensor, order, GREATER_EQUAL)
STUB_FAMILY_KERNEL(aclnnGeScalar, order, GREATER_EQUAL)
STUB_FAMILY_KERNEL(aclnnInplaceGeTensor, order, GREATER_EQUAL)
STUB_FAMILY_KERNEL(aclnnInplaceGeScalar, order, GREATER_EQUAL)

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
