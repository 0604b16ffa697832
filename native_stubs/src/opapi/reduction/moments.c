/* Variances, standard deviations and means of floats, in fp64: sums of x - shift and of its squares, where the shift is
 * an element, so that nothing cancels. With count <= correction, CANN's answer: NaN for one element, else infinity. */
#include "opapi/reduction/reduce.h"

#include <math.h>

typedef struct {
    double count, shift, sum, squares;
} moments;

/* Both, about a's shift. */
STUB_INLINE moments joined(moments a, moments b) {
    if (a.count == 0 || b.count == 0) {
        return a.count == 0 ? b : a;
    }
    const double move = b.shift - a.shift;
    return (moments){a.count + b.count, a.shift, a.sum + b.sum + b.count * move,
                     a.squares + b.squares + 2 * move * b.sum + b.count * move * move};
}

STUB_FOLD_MERGE(moments, moments, ((moments){0, 0, 0, 0}), joined(a, b))

STUB_FOLD_TILE(moments, {
    const float *const xs = numbers;
    moments *const to = acc;
    double shifts[STUB_FOLD_LANES], sums[STUB_FOLD_LANES], squares[STUB_FOLD_LANES];
    (void)c;
    STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
        shifts[lane] = xs[lane];
        sums[lane] = squares[lane] = 0;
    }
    for (size_t row = 0; row < tile->rows; row++) {
        const float *const at = xs + (int64_t)row * tile->pitch;
        STUB_EACH_LANE for (size_t lane = 0; lane < lanes; lane++) {
            const double d = at[lane] - shifts[lane];
            sums[lane] += d;
            squares[lane] += d * d;
        }
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        const moments found = {(double)tile->rows, shifts[lane], sums[lane], squares[lane]};
        to[lane] = joined(to[lane], found);
    }
})

static double mean(moments a) {
    return a.count == 0 ? NAN : a.shift + a.sum / a.count;
}

static double variance(moments a, double correction) {
    if (a.count <= correction || a.count == 0) {
        return a.count <= 1 ? NAN : INFINITY;
    }
    const double squares = a.squares - a.sum * a.sum / a.count;
    return (squares < 0 ? 0 : squares) / (a.count - correction);
}

#define VARIANCE variance(a, c[0])
STUB_FOLD_OF_TILES(var_mean, moments, moments, float, VARIANCE, float, mean(a))
STUB_FOLD_OF_TILES(std_mean, moments, moments, float, sqrt(VARIANCE), float, mean(a))

#define MOMENT(fold)                                                                                                   \
    {.folds = {&(fold)}, .allowed = STUB_FLOATS, .results = {STUB_FLOATS, STUB_FLOATS}, .dims_optional = true}

STUB_FAMILY_KERNEL(aclnnVar, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnVarCorrection, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnVarMean, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnStd, stub_reduce, MOMENT(std_mean))
STUB_FAMILY_KERNEL(aclnnStdMeanCorrection, stub_reduce, MOMENT(std_mean))
