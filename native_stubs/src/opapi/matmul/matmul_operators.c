/* The operators that are one product of floats, by their arguments. */
#include "opapi/matmul/matmul.h"

#define ANY .a_low = 1, .a_high = 6, .b_low = 1, .b_high = 6
#define MATRICES .a_low = 2, .a_high = 2, .b_low = 2, .b_high = 2
#define BATCHES .a_low = 3, .a_high = 3, .b_low = 3, .b_high = 3
#define AND_VECTOR .a_low = 2, .a_high = 2, .b_low = 1, .b_high = 1

/* self @ mat2 */
STUB_FAMILY_KERNEL(aclnnMatmul, stub_matmul, {.a = 1, .b = 2, .out = 3, .cube = 4, ANY})
STUB_FAMILY_KERNEL(aclnnMm, stub_matmul, {.a = 1, .b = 2, .out = 3, .cube = 4, MATRICES})
STUB_FAMILY_KERNEL(aclnnBatchMatMul, stub_matmul, {.a = 1, .b = 2, .out = 3, .cube = 4, BATCHES})
STUB_FAMILY_KERNEL(aclnnMv, stub_matmul, {.a = 1, .b = 2, .out = 3, .cube = 4, AND_VECTOR})
STUB_FAMILY_KERNEL(aclnnMatmulWeightNz, stub_matmul, {.a = 1, .b = 2, .out = 3, .cube = 4, MATRICES, .nz = true})
STUB_FAMILY_KERNEL(aclnnBatchMatMulWeightNz, stub_matmul,
                   {.a = 1, .b = 2, .out = 3, .cube = 4, BATCHES, .nz = true, .halves = true})

/* beta self + alpha (a @ b) */
#define ADDED .self = 1, .a = 2, .b = 3, .beta = 4, .alpha = 5, .out = 6, .cube = 7
#define ADDED_IN_PLACE .self = 1, .a = 2, .b = 3, .beta = 4, .alpha = 5, .out = 1, .cube = 6
STUB_FAMILY_KERNEL(aclnnAddmm, stub_matmul, {ADDED, MATRICES})
STUB_FAMILY_KERNEL(aclnnInplaceAddmm, stub_matmul, {ADDED_IN_PLACE, MATRICES})
STUB_FAMILY_KERNEL(aclnnAddmmWeightNz, stub_matmul, {ADDED, MATRICES, .nz = true})
STUB_FAMILY_KERNEL(aclnnBaddbmm, stub_matmul, {ADDED, BATCHES})
STUB_FAMILY_KERNEL(aclnnInplaceBaddbmm, stub_matmul, {ADDED_IN_PLACE, BATCHES, .same_batch = true})
STUB_FAMILY_KERNEL(aclnnAddbmm, stub_matmul, {ADDED, BATCHES, .sums_batch = true})
STUB_FAMILY_KERNEL(aclnnInplaceAddbmm, stub_matmul, {ADDED_IN_PLACE, BATCHES, .sums_batch = true})
STUB_FAMILY_KERNEL(aclnnAddmv, stub_matmul,
                   {.self = 1, .a = 2, .b = 3, .alpha = 4, .beta = 5, .out = 6, .cube = 7, AND_VECTOR})
#define WITH_FLAGS .a = 1, .b = 2, .self = 3, .alpha = 4, .beta = 5, .trans_a = 6, .trans_b = 7, .out = 8, .cube = 9
STUB_FAMILY_KERNEL(aclnnGemm, stub_matmul, {WITH_FLAGS, MATRICES})
