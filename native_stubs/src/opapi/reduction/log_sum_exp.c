/* aclnnLogSumExp: log(sum(exp(x))), with the largest element taken out, in one pass. */
#include "opapi/reduction/reduce.h"

#include <math.h>

#include "opapi/math.h"

/* The sum of exp(x - shift); the shift is the largest element so far, 0 where that is infinite. */
typedef struct {
    double sum;
    float largest;
} exponentials;

STUB_INLINE float shift_of(float largest) {
    return isinf(largest) ? 0 : largest;
}

static exponentials joined(exponentials a, exponentials b) {
    const float largest = b.largest > a.largest ? b.largest : a.largest, shift = shift_of(largest);
    return (exponentials){
        a.sum * exp((double)shift_of(a.largest) - shift) + b.sum * exp((double)shift_of(b.largest) - shift), largest};
}

STUB_FOLD_MERGE(exponentials, exponentials, ((exponentials){0, -INFINITY}), joined(a, b))

STUB_VERSIONS(void, exponentials_along, (const void *numbers, size_t n, int64_t at, const double *c, void *acc), {
    const float *const xs = numbers;
    exponentials found = {0, -INFINITY};
    double parts[8] = {0};
    float terms[STUB_STRETCH];
    (void)at, (void)c;
    for (size_t i = 0; i < n; i++) {
        found.largest = xs[i] > found.largest ? xs[i] : found.largest;
    }
    const float shift = shift_of(found.largest);
    STUB_EACH for (size_t i = 0; i < n; i++) {
        terms[i] = STUB_EXP(xs[i] - shift);
    }
    for (size_t i = 0; i < n; i++) {
        parts[i % 8] += terms[i];
    }
    for (size_t j = 0; j < 8; j++) {
        found.sum += parts[j];
    }
    exponentials_merge(&found, 1, acc);
})

STUB_FOLD_TURNED(log_sum_exp, exponentials, exponentials, float, log(a.sum) + shift_of(a.largest), float, 0)

STUB_FAMILY_KERNEL(aclnnLogSumExp, stub_reduce,
                   {.folds = {&log_sum_exp},
                    .allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS,
                    .loads = STUB_LOADS_FLOATING,
                    .results = {STUB_FLOATS}})
