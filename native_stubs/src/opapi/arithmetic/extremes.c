/* The larger and the smaller of two, and limits: aclnnMaximum, aclnnMinimum, the aclnnClamp family. A NaN in either
 * operand is the result. */
#include <math.h>

#include "opapi/map.h"

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

STUB_FAMILY_KERNEL(aclnnMaximum, stub_map, {.loops = {&max_f32, &max_f64, &max_i64, &max_b8}, .allowed = STUB_NUMBERS})
STUB_FAMILY_KERNEL(aclnnMinimum, stub_map, {.loops = {&min_f32, &min_f64, &min_i64, &min_b8}, .allowed = STUB_NUMBERS})

#define CLAMPED (STUB_REALS | STUB_INTEGERS)
#define CLAMP_MAX {.loops = {&min_f32, &min_f64, &min_i64}, .allowed = CLAMPED | STUB_BOOLS}
#define CLAMP_MIN {.loops = {&max_f32, &max_f64, &max_i64}, .allowed = CLAMPED | STUB_BOOLS}

STUB_FAMILY_KERNEL(aclnnClampMax, stub_map, CLAMP_MAX)
STUB_FAMILY_KERNEL(aclnnClampMaxTensor, stub_map, CLAMP_MAX)
STUB_FAMILY_KERNEL(aclnnInplaceClampMax, stub_map, CLAMP_MAX)
STUB_FAMILY_KERNEL(aclnnInplaceClampMaxTensor, stub_map, CLAMP_MAX)
STUB_FAMILY_KERNEL(aclnnClampMin, stub_map, CLAMP_MIN)
STUB_FAMILY_KERNEL(aclnnClampMinTensor, stub_map, CLAMP_MIN)
STUB_FAMILY_KERNEL(aclnnInplaceClampMinTensor, stub_map, CLAMP_MIN)

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

enum { SELF, LOW, HIGH };
static const stub_map clamp = {
    .loops = {&clamp_f32, &clamp_f64, &clamp_i64}, .allowed = CLAMPED | STUB_BOOLS, .optional = 1u << LOW | 1u << HIGH};

static aclnnStatus check_clamp(const stub_call *call, stub_plan *plan) {
    if (!call->args[LOW].tensor && !call->args[HIGH].tensor) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s and %s are both NULL; one of them is required",
                         call->op->name, call->op->params[LOW].name, call->op->params[HIGH].name);
    }
    return stub_map_check(call, plan, &clamp);
}

static aclnnStatus run_clamp(const stub_call *call) {
    return stub_map_run(call, &clamp);
}

STUB_KERNEL(aclnnClamp, check_clamp, run_clamp)
STUB_KERNEL(aclnnClampTensor, check_clamp, run_clamp)
