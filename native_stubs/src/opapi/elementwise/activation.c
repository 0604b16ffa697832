/* Activations: aclnnSilu. */
#include "opapi/map.h"
#include "opapi/math.h"

STUB_LOOP1(silu_f32, float, float, x / (1 + STUB_EXP(-x)))

STUB_FAMILY_KERNEL(aclnnSilu, stub_map, {.loops = {&silu_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOATING})
