/* Sums: aclnnAdd (self + alpha * other), its scalar and in-place forms. */
#include "opapi/map.h"

STUB_LOOP3(add_f32, float, float, x + z * y)
STUB_LOOP3(add_f64, double, double, x + z * y)
STUB_LOOP3(add_i64, uint64_t, uint64_t, x + z * y)
STUB_LOOP3(add_b8, uint8_t, uint8_t, x | (z & y))
STUB_LOOP3(add_c128, double complex, double complex, x + z * y)

#define ADD                                                                                                            \
    {.loops = {&add_f32, &add_f64, &add_i64, &add_b8, &add_c128},                                                      \
     .allowed = STUB_NUMBERS | STUB_COMPLEXES,                                                                         \
     .apart = 1u << 2}

STUB_FAMILY_KERNEL(aclnnAdd, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnAdds, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdd, stub_map, ADD)
STUB_FAMILY_KERNEL(aclnnInplaceAdds, stub_map, ADD)
