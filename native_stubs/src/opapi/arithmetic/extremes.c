/* The larger and the smaller of two, and limits: aclnnMaximum, aclnnMinimum, the aclnnClamp family. A NaN in either
 * operand is the result. */
#include <math.h>

#include "opapi/map.h"
#include "opapi/promote.h"

#define LARGER(x, y) ((x) > (y) || (x) != (x) ? (x) : (y))
#define SMALLER(x, y) ((x) < (y) || (x) != (x) ? (x) : (y))

STUB_LOOP2(max_f32, float, float, LARGER(x, y))
STUB_LOOP2(max_f64, double, double, LARGER(x, y))
STUB_LOOP2(max_i64, int64_t, int64_t, x > y ? x : y)
STUB_LOOP2(max_b8, uint8_t, uint8_t, x | y)
STUB_LOOP2(min_f32, float, float, SMALLER(x, y))
STUB_LOOP2(min_f64, double, double, SMALLER(x, y))
STUB_LOOP2(min_i64, int64_t, int64_t, x < y ? x : y)
STUB_LOOP2(min_b8, uint8_t, uint8_t, (x & y))

#define EXTREME(name)                                                                                                  \
    {.loops = {&name##_f32, &name##_f64, &name##_i64, &name##_b8}, .allowed = STUB_NUMBERS, .outputs = STUB_NUMBERS}

STUB_FAMILY_KERNEL(aclnnMaximum, stub_map, EXTREME(max))
STUB_FAMILY_KERNEL(aclnnMinimum, stub_map, EXTREME(min))

#define CLAMPED (STUB_REALS | STUB_INTEGERS)

enum { SELF, LOW, HIGH };
typedef stub_map limit;

static aclnnStatus limit_fits(const stub_call *call) {
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(CLAMPED)}, {call->op->count - 1, STUB_ON_ALL(CLAMPED)}};
    const bool inplace = call->op->params[SELF].role == STUB_INOUT;
    STUB_REQUIRE(stub_check_dtypes(call, rules, inplace ? 1 : 2));
    const aclTensor *self = stub_tensor_arg(call, SELF), *out = stub_tensor_arg(call, inplace ? SELF : rules[1].arg);
    return stub_can_cast(self->dtype, out->dtype)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self is %s, which cannot be cast to %s, the type of out",
                           call->op->name, stub_dtype_name(self->dtype), stub_dtype_name(out->dtype));
}

static aclnnStatus limit_check(const stub_call *call, stub_plan *plan, const limit *map) {
    STUB_REQUIRE(stub_map_check(call, plan, map));
    return limit_fits(call);
}

static aclnnStatus limit_run(const stub_call *call, const limit *map) {
    return stub_map_run(call, map);
}

/* Limits that are scalars take out's type, as self does; tensors and self promote. */
#define CLAMP_TENSOR(name) {.loops = {&name##_f32, &name##_f64, &name##_i64}, .allowed = CLAMPED | STUB_BOOLS}
#define CLAMP_SCALAR(name)                                                                                             \
    {.loops = {&name##_f32, &name##_f64, &name##_i64}, .allowed = CLAMPED, .type = STUB_AS_OUTPUT}

STUB_FAMILY_KERNEL(aclnnClampMax, limit, CLAMP_SCALAR(min))
STUB_FAMILY_KERNEL(aclnnClampMaxTensor, limit, CLAMP_TENSOR(min))
STUB_FAMILY_KERNEL(aclnnInplaceClampMax, limit, CLAMP_SCALAR(min))
STUB_FAMILY_KERNEL(aclnnInplaceClampMaxTensor, limit, CLAMP_TENSOR(min))
STUB_FAMILY_KERNEL(aclnnClampMin, limit, CLAMP_SCALAR(max))
STUB_FAMILY_KERNEL(aclnnClampMinTensor, limit, CLAMP_TENSOR(max))
STUB_FAMILY_KERNEL(aclnnInplaceClampMinTensor, limit, CLAMP_TENSOR(max))

/* max(min(x, high), low), where either limit may be absent: low wins where the two cross. */
#define CLAMP(name, T_)                                                                                                \
    STUB_LOOP(name, {                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const lows = in[1], *const highs = in[2];                                          \
        T *const rs = out[0];                                                                                          \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T high = highs ? SMALLER(xs[i], highs[i]) : xs[i];                                                   \
            rs[i] = lows ? LARGER(high, lows[i]) : high;                                                               \
        }                                                                                                              \
    })
CLAMP(clamp_f32, float)
CLAMP(clamp_f64, double)
CLAMP(clamp_i64, int64_t)

/* One of the limits has to be there. */
typedef stub_map limits;

static aclnnStatus limits_check(const stub_call *call, stub_plan *plan, const limits *map) {
    if (!call->args[LOW].tensor && !call->args[HIGH].tensor) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s and %s are both NULL; one of them is required",
                         call->op->name, call->op->params[LOW].name, call->op->params[HIGH].name);
    }
    return limit_check(call, plan, map);
}

static aclnnStatus limits_run(const stub_call *call, const limits *map) {
    return stub_map_run(call, map);
}

#define OPTIONAL (1u << LOW | 1u << HIGH)

STUB_FAMILY_KERNEL(
    aclnnClamp, limits,
    {.loops = {&clamp_f32, &clamp_f64, &clamp_i64}, .allowed = CLAMPED, .type = STUB_AS_OUTPUT, .optional = OPTIONAL})
STUB_FAMILY_KERNEL(aclnnClampTensor, limits,
                   {.loops = {&clamp_f32, &clamp_f64, &clamp_i64},
                    .allowed = CLAMPED | STUB_BOOLS,
                    .optional = OPTIONAL})
