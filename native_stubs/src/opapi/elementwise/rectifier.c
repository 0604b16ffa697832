/* Activations made of straight lines. NaN stays NaN. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_INLINE float clip(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

STUB_LOOP1(relu_f32, float, float, (x < 0 ? 0 : x))
STUB_LOOP1(relu_i64, int64_t, int64_t, (x < 0 ? 0 : x))
STUB_LOOP1(squared_relu_f32, float, float, (x < 0 ? 0 : x * x))
STUB_LOOP1(hardsigmoid_f32, float, float, clip(x * (1.0f / 6) + 0.5f, 0, 1))
STUB_LOOP1(hardsigmoid_i64, int64_t, int64_t, x >= 3) /* the fraction is cut off */
STUB_LOOP1(hardswish_f32, float, float, x *clip(x + 3, 0, 6) * (1.0f / 6))
STUB_LOOP2(leaky_relu_f32, float, float, (x > 0 ? x : x * y))
STUB_LOOP2(leaky_relu_f64, double, double, (x > 0 ? x : x * y))
STUB_LOOP2(hardshrink_f32, float, float, (x >= -y && x <= y ? 0 : x))
STUB_LOOP2(softshrink_f32, float, float, (x > y ? x - y : x < -y ? x + y : 0 * x))
STUB_LOOP3(shrink_f32, float, float, (x > y ? x - z : x < -y ? x + z : 0 * x))
STUB_LOOP3(threshold_f32, float, float, (x <= y ? z : x))
STUB_LOOP3(threshold_i64, int64_t, int64_t, (x <= y ? z : x))
STUB_LOOP3(hardtanh_f32, float, float, clip(x, y, z))
STUB_LOOP3(hardtanh_f64, double, double, (x < y ? y : x > z ? z : x))
STUB_LOOP3(hardtanh_i64, int64_t, int64_t, (x < y ? y : x > z ? z : x))

STUB_LOOP(relu_mask_f32, {
    const float *const xs = in[0];
    float *const rs = out[0], *const masks = out[1];
    (void)c;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float x = xs[i];
        rs[i] = x < 0 ? 0 : x;
        masks[i] = x > 0;
    }
})

STUB_LOOP(relu_mask_i64, {
    const int64_t *const xs = in[0];
    int64_t *const rs = out[0], *const masks = out[1];
    (void)c;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const int64_t x = xs[i];
        rs[i] = x < 0 ? 0 : x;
        masks[i] = x > 0;
    }
})

#define INT32 STUB_DTYPE(ACL_INT32)
#define RELU                                                                                                           \
    {.loops = {[STUB_F32] = &relu_f32, [STUB_I64] = &relu_i64},                                                        \
     .allowed = STUB_FLOATS | INT32 | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT64),            \
     .own_output = true}
#define MAP(name, scalars) {.loops = {&name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .apart = (scalars)}
#define HARDSIGMOID                                                                                                    \
    {.loops = {[STUB_F32] = &hardsigmoid_f32, [STUB_I64] = &hardsigmoid_i64},                                          \
     .allowed = STUB_FLOATS | INT32,                                                                                   \
     .own_output = true}
#define HARDSWISH {.loops = {&hardswish_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT, .outputs = STUB_FLOATS}
#define LEAKY_RELU                                                                                                     \
    {.loops = {&leaky_relu_f32, &leaky_relu_f64}, .allowed = STUB_REALS, .type = STUB_AS_FLOAT, .apart = 2}
#define THRESHOLD                                                                                                      \
    {.loops = {[STUB_F32] = &threshold_f32, [STUB_I64] = &threshold_i64},                                              \
     .allowed = STUB_FLOATS | STUB_INTEGERS,                                                                           \
     .apart = 6}
#define HARDTANH                                                                                                       \
    {.loops = {&hardtanh_f32, &hardtanh_f64, &hardtanh_i64}, .allowed = STUB_REALS | STUB_INTEGERS, .apart = 6}

STUB_FAMILY_KERNEL(aclnnRelu, stub_map, RELU)
STUB_FAMILY_KERNEL(aclnnInplaceRelu, stub_map, RELU)
STUB_FAMILY_KERNEL(aclnnReluV3, stub_map,
                   {.loops = {[STUB_F32] = &relu_mask_f32, [STUB_I64] = &relu_mask_i64},
                    .allowed = STUB_FLOATS | INT32 | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8),
                    .any_output = true})
STUB_FAMILY_KERNEL(aclnnSquaredRelu, stub_map, MAP(squared_relu, 0))
STUB_FAMILY_KERNEL(aclnnHardsigmoid, stub_map, HARDSIGMOID)
STUB_FAMILY_KERNEL(aclnnInplaceHardsigmoid, stub_map, HARDSIGMOID)
STUB_FAMILY_KERNEL(aclnnHardswish, stub_map, HARDSWISH)
STUB_FAMILY_KERNEL(aclnnInplaceHardswish, stub_map, HARDSWISH)
STUB_FAMILY_KERNEL(aclnnLeakyRelu, stub_map, LEAKY_RELU)
STUB_FAMILY_KERNEL(aclnnInplaceLeakyRelu, stub_map, LEAKY_RELU)
STUB_FAMILY_KERNEL(aclnnHardshrink, stub_map, MAP(hardshrink, 2))
STUB_FAMILY_KERNEL(aclnnSoftshrink, stub_map, MAP(softshrink, 2))
STUB_FAMILY_KERNEL(aclnnShrink, stub_map, MAP(shrink, 6))
STUB_FAMILY_KERNEL(aclnnThreshold, stub_map, THRESHOLD)
STUB_FAMILY_KERNEL(aclnnInplaceThreshold, stub_map, THRESHOLD)
STUB_FAMILY_KERNEL(aclnnHardtanh, stub_map, HARDTANH)
STUB_FAMILY_KERNEL(aclnnInplaceHardtanh, stub_map, HARDTANH)
