/* Sums and differences: self + alpha * other, self - alpha * other, other - alpha * self; their scalar and in-place
 * forms, and the sum with a ReLU behind it. */
#include "opapi/map.h"
#include "opapi/promote.h"

#define ALPHA (1u << 2)

enum { ALPHA_ARG = 2 };
typedef stub_map sum;

/* alpha has to be castable to the type that self and other meet in; to BOOL, integers are too. */
static aclnnStatus sum_check(const stub_call *call, stub_plan *plan, const sum *map) {
    STUB_REQUIRE(stub_map_check(call, plan, map));
    const aclDataType as = stub_map_computes_in(call, map), given = call->args[ALPHA_ARG].scalar->dtype;
    if (as == ACL_BOOL ? stub_dtype_is_integral(given) : stub_can_cast(given, as)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s, which cannot be cast to %s, the type of the sum",
                     call->op->name, call->op->params[ALPHA_ARG].name, stub_dtype_name(given), stub_dtype_name(as));
}

static aclnnStatus sum_run(const stub_call *call, const sum *map) {
    return stub_map_run(call, map);
}

STUB_LOOP3(add_f32, float, float, x + z * y)
STUB_LOOP3(add_f64, double, double, x + z * y)
STUB_LOOP3(add_i64, uint64_t, uint64_t, x + z * y)
STUB_LOOP3(add_b8, uint8_t, uint8_t, x | (z & y))
STUB_LOOP3(add_c128, double complex, double complex, x + z * y)

#define ADD                                                                                                            \
    {.loops = {&add_f32, &add_f64, &add_i64, &add_b8, &add_c128},                                                      \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .apart = ALPHA,                                                                                                   \
     .meets = stub_meets_in_sums}

STUB_FAMILY_KERNEL(aclnnAdd, sum, ADD)
STUB_FAMILY_KERNEL(aclnnAdds, sum, ADD)
STUB_FAMILY_KERNEL(aclnnAddV3, sum, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdd, sum, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdds, sum, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAddV3, sum, ADD)
STUB_FAMILY_KERNEL(aclnnAxpyV2, stub_map, ADD)

/* BOOL as 0 and 1: 0 - 1 is -1, which is true. */
STUB_LOOP3(sub_f32, float, float, x - z * y)
STUB_LOOP3(sub_f64, double, double, x - z * y)
STUB_LOOP3(sub_i64, uint64_t, uint64_t, x - z * y)
STUB_LOOP3(sub_b8, uint8_t, uint8_t, x ^ (z & y))
STUB_LOOP3(sub_c128, double complex, double complex, x - z * y)

#define SUB                                                                                                            \
    {.loops = {&sub_f32, &sub_f64, &sub_i64, &sub_b8, &sub_c128},                                                      \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .apart = ALPHA,                                                                                                   \
     .meets = stub_meets_in_sums}

STUB_FAMILY_KERNEL(aclnnSub, sum, SUB)
STUB_FAMILY_KERNEL(aclnnSubs, sum, SUB)
STUB_FAMILY_KERNEL(aclnnInplaceSub, sum, SUB)
STUB_FAMILY_KERNEL(aclnnInplaceSubs, sum, SUB)

STUB_LOOP3(rsub_f32, float, float, y - z * x)
STUB_LOOP3(rsub_f64, double, double, y - z * x)
STUB_LOOP3(rsub_i64, uint64_t, uint64_t, y - z * x)
STUB_LOOP3(rsub_c128, double complex, double complex, y - z * x)

#define RSUB                                                                                                           \
    {.loops = {&rsub_f32, &rsub_f64, &rsub_i64, NULL, &rsub_c128},                                                     \
     .allowed = STUB_REALS | STUB_INTEGERS | STUB_COMPLEXES,                                                           \
     .apart = ALPHA,                                                                                                   \
     .meets = stub_meets_in_differences}

STUB_FAMILY_KERNEL(aclnnRsub, sum, RSUB)
STUB_FAMILY_KERNEL(aclnnRsubs, sum, RSUB)

/* A NaN stays one. */
STUB_LOOP3(add_relu_f32, float, float, x + z * y <= 0 ? 0 : x + z * y)
STUB_LOOP3(add_relu_i64, uint64_t, int64_t, (int64_t)(x + z * y) < 0 ? 0 : (int64_t)(x + z * y))

#define ADD_RELU {.loops = {&add_relu_f32, NULL, &add_relu_i64}, .allowed = STUB_FLOATS | STUB_INTEGERS, .apart = ALPHA}

STUB_FAMILY_KERNEL(aclnnAddRelu, stub_map, ADD_RELU)
STUB_FAMILY_KERNEL(aclnnInplaceAddRelu, stub_map, ADD_RELU)
