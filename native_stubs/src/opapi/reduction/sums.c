/* Sums, means, products, and whether all or any elements are true. Sums of floats are kept in fp64, of integers in
 * 64 bits; BOOL adds as OR and multiplies as AND. The mean of integers is cut towards zero. */
#include "opapi/reduction/reduce.h"

#include <math.h>

STUB_FOLD(sum_f32, float, double, float, 0, a + x, a + b, a)
STUB_FOLD(sum_f64, double, double, double, 0, a + x, a + b, a)
STUB_FOLD(sum_i64, uint64_t, uint64_t, uint64_t, 0, a + x, a + b, a)
STUB_FOLD(sum_c128, double complex, double complex, double complex, 0, a + x, a + b, a)
STUB_FOLD(any_b8, uint8_t, uint8_t, uint8_t, 0, a | x, a | b, a)
STUB_FOLD(all_b8, uint8_t, uint8_t, uint8_t, 1, a &x, a &b, a)
STUB_FOLD(nansum_f32, float, double, float, 0, a + (x == x ? (double)x : 0), a + b, a)
STUB_FOLD(mean_f32, float, double, float, 0, a + x, a + b, a / (double)count)
STUB_FOLD(mean_f64, double, double, double, 0, a + x, a + b, a / (double)count)
STUB_FOLD(mean_i64, int64_t, uint64_t, int64_t, 0, a + (uint64_t)x, a + b, count == 0 ? 0 : (int64_t)a / count)
STUB_FOLD(mean_c128, double complex, double complex, double complex, 0, a + x, a + b, a / (double)count)
STUB_FOLD(prod_f32, float, double, float, 1, a *x, a *b, a)
STUB_FOLD(prod_f64, double, double, double, 1, a *x, a *b, a)
STUB_FOLD(prod_i64, uint64_t, uint64_t, uint64_t, 1, a *x, a *b, a)
STUB_FOLD(prod_c128, double complex, double complex, double complex, 1, a *x, a *b, a)
STUB_FOLD(log_sum_f32, float, double, float, 0, a + x, a + b, log(a))

#define SUMS {&sum_f32, &sum_f64, &sum_i64, &any_b8, &sum_c128}
#define MEANS {&mean_f32, &mean_f64, &mean_i64, NULL, &mean_c128}
#define PRODUCTS {&prod_f32, &prod_f64, &prod_i64, &all_b8, &prod_c128}
#define ALL_TYPES (STUB_NUMBERS | STUB_COMPLEXES)
#define NANSUM_TYPES (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)
#define MEAN_TYPES (STUB_REALS | STUB_INTEGERS | STUB_COMPLEXES)
#define TRUTHS (STUB_BOOLS | STUB_DTYPE(ACL_UINT8))

STUB_FAMILY_KERNEL(aclnnReduceSum, stub_reduce,
                   {.folds = SUMS, .allowed = ALL_TYPES, .loads = STUB_LOADS_DTYPE, .one_is_one = true})
STUB_FAMILY_KERNEL(aclnnReduceNansum, stub_reduce,
                   {.folds = {&nansum_f32, NULL, &sum_i64, &any_b8},
                    .allowed = NANSUM_TYPES,
                    .loads = STUB_LOADS_DTYPE,
                    .one_is_one = true})
STUB_FAMILY_KERNEL(aclnnMean, stub_reduce,
                   {.folds = MEANS,
                    .allowed = MEAN_TYPES,
                    .loads = STUB_LOADS_DTYPE,
                    .results = {MEAN_TYPES},
                    .one_is_one = true,
                    .casts = true})
STUB_FAMILY_KERNEL(aclnnMeanV2, stub_reduce, {.folds = MEANS, .allowed = MEAN_TYPES, .one_is_one = true})
STUB_FAMILY_KERNEL(aclnnProd, stub_reduce, {.folds = PRODUCTS, .allowed = ALL_TYPES, .loads = STUB_LOADS_DTYPE})
STUB_FAMILY_KERNEL(aclnnProdDim, stub_reduce, {.folds = PRODUCTS, .allowed = ALL_TYPES, .loads = STUB_LOADS_DTYPE})
STUB_FAMILY_KERNEL(aclnnReduceLogSum, stub_reduce, {.folds = {&log_sum_f32}, .allowed = STUB_FLOATS})
STUB_FAMILY_KERNEL(
    aclnnAll, stub_reduce,
    {.folds = {[STUB_B8] = &all_b8}, .allowed = STUB_NUMBERS, .loads = STUB_LOADS_BOOL, .results = {TRUTHS}})
STUB_FAMILY_KERNEL(
    aclnnAny, stub_reduce,
    {.folds = {[STUB_B8] = &any_b8}, .allowed = STUB_NUMBERS, .loads = STUB_LOADS_BOOL, .results = {TRUTHS}})
