/* Sums and differences: self + alpha * other, self - alpha * other, other - alpha * self; their scalar and in-place
 * forms, and the sum with a ReLU behind it. */
#include "opapi/map.h"

#define ALPHA (1u << 2)

STUB_LOOP3(add_f32, float, float, x + z * y)
STUB_LOOP3(add_f64, double, double, x + z * y)
STUB_LOOP3(add_i64, uint64_t, uint64_t, x + z * y)
STUB_LOOP3(add_b8, uint8_t, uint8_t, x | (z & y))
STUB_LOOP3(add_c128, double complex, double complex, x + z * y)

#define ADD                                                                                                            \
    {.loops = {&add_f32, &add_f64, &add_i64, &add_b8, &add_c128},                                                      \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .apart = ALPHA}

STUB_FAMILY_KERNEL(aclnnAdd, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnAdds, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnAddV3, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdd, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdds, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAddV3, stub_map, ADD)
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
     .apart = ALPHA}

STUB_FAMILY_KERNEL(aclnnSub, stub_map, SUB)
STUB_FAMILY_KERNEL(aclnnSubs, stub_map, SUB)
STUB_FAMILY_KERNEL(aclnnInplaceSub, stub_map, SUB)
STUB_FAMILY_KERNEL(aclnnInplaceSubs, stub_map, SUB)

STUB_LOOP3(rsub_f32, float, float, y - z * x)
STUB_LOOP3(rsub_f64, double, double, y - z * x)
STUB_LOOP3(rsub_i64, uint64_t, uint64_t, y - z * x)
STUB_LOOP3(rsub_c128, double complex, double complex, y - z * x)

#define RSUB                                                                                                           \
    {.loops = {&rsub_f32, &rsub_f64, &rsub_i64, NULL, &rsub_c128},                                                     \
     .allowed = STUB_REALS | STUB_INTEGERS | STUB_COMPLEXES,                                                           \
     .apart = ALPHA}

STUB_FAMILY_KERNEL(aclnnRsub, stub_map, RSUB)
STUB_FAMILY_KERNEL(aclnnRsubs, stub_map, RSUB)

/* A NaN stays one. */
STUB_LOOP3(add_relu_f32, float, float, x + z * y <= 0 ? 0 : x + z * y)
STUB_LOOP3(add_relu_i64, uint64_t, int64_t, (int64_t)(x + z * y) < 0 ? 0 : (int64_t)(x + z * y))

#define ADD_RELU {.loops = {&add_relu_f32, NULL, &add_relu_i64}, .allowed = STUB_FLOATS | STUB_INTEGERS, .apart = ALPHA}

STUB_FAMILY_KERNEL(aclnnAddRelu, stub_map, ADD_RELU)
STUB_FAMILY_KERNEL(aclnnInplaceAddRelu, stub_map, ADD_RELU)
