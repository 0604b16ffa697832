/* Gradients whose first input is what the forward operator got or gave, and whose second is the gradient that comes in.
 */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_LOOP2(tanh_f32, float, float, y * (1 - x * x))
STUB_LOOP2(asin_f32, float, float, y / sqrtf(1 - x * x))
STUB_LOOP2(relu_f32, float, float, (x > 0 ? y : 0))
STUB_LOOP2(relu_i64, int64_t, int64_t, (x > 0 ? y : 0))

#define FLOATS(name) {.loops = {[STUB_F32] = &name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT}
#define RELU_TYPES (STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT8))

STUB_FAMILY_KERNEL(aclnnTanhGrad, stub_map, FLOATS(tanh))
STUB_FAMILY_KERNEL(aclnnAsinGrad, stub_map, FLOATS(asin))
STUB_FAMILY_KERNEL(aclnnReluGradV3, stub_map,
                   {.loops = {[STUB_F32] = &relu_f32, [STUB_I64] = &relu_i64}, .allowed = RELU_TYPES})
