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

STUB_INLINE exponentials joined(exponentials a, exponentials b) {
    const exponentials more = b.largest > a.largest ? b : a, less = b.largest > a.largest ? a : b;
    const double apart = (double)shift_of(less.largest) - shift_of(more.largest);
    return (exponentials){more.sum + less.sum * stub_wide_exp(apart), more.largest};
}

STUB_FOLD_MERGE(exponentials, exponentials, ((exponentials){0, -INFINITY}), joined(a, b))

STUB_FOLD_TILE(exponentials, {
    const float *const xs = numbers;
    exponentials *const to = acc;
    float largest[STUB_FOLD_LANES], shifts[STUB_FOLD_LANES], terms[STUB_FOLD_LANES];
    double sums[STUB_FOLD_LANES];
    (void)c;
    STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
        largest[lane] = -INFINITY;
        sums[lane] = 0;
    }
    for (size_t row = 0; row < tile->rows; row++) {
        const float *const at = xs + (int64_t)row * tile->pitch;
        STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
            largest[lane] = at[lane] > largest[lane] ? at[lane] : largest[lane];
        }
    }
    STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
        shifts[lane] = shift_of(largest[lane]);
    }
    for (size_t row = 0; row < tile->rows; row++) {
        const float *const at = xs + (int64_t)row * tile->pitch;
        STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
            const float below = at[lane] - shifts[lane]; /* but for infinity, which counts as itself at the end */
            terms[lane] = stub_expf_of_negative(below > 0 ? 0 : below);
        }
        STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
            sums[lane] += terms[lane];
        }
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        const exponentials found = {sums[lane], largest[lane]};
        to[lane] = joined(to[lane], found);
    }
})

STUB_FOLD_OF_TILES(log_sum_exp, exponentials, exponentials, float, log(a.sum) + a.largest, float, 0)

STUB_FAMILY_KERNEL(aclnnLogSumExp, stub_reduce,
                   {.folds = {&log_sum_exp},
                    .allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS,
                    .loads = STUB_LOADS_FLOATING,
                    .results = {STUB_FLOATS}})
