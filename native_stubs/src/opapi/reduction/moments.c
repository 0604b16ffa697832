/* Variances, standard deviations and means of floats, in fp64: sums of x - shift and of its squares, where the shift is
 * an element, so that nothing cancels. With count <= correction, CANN's answer: NaN for one element, else infinity. */
#include "opapi/reduction/reduce.h"

#include <math.h>

typedef struct {
    double count, shift, sum, squares;
} moments;

/* Both, about a's shift. */
static moments joined(moments a, moments b) {
    if (a.count == 0 || b.count == 0) {
        return a.count == 0 ? b : a;
    }
    const double move = b.shift - a.shift;
    return (moments){a.count + b.count, a.shift, a.sum + b.sum + b.count * move,
                     a.squares + b.squares + 2 * move * b.sum + b.count * move * move};
}

STUB_FOLD_MERGE(moments, moments, ((moments){0, 0, 0, 0}), joined(a, b))

STUB_VERSIONS(void, moments_along, (const void *numbers, size_t n, int64_t at, const double *c, void *acc), {
    const float *const xs = numbers;
    const double shift = xs[0];
    double sums[16] = {0}, squares[16] = {0};
    size_t i = 0;
    (void)at, (void)c;
    for (; i + 16 <= n; i += 16) {
        for (size_t j = 0; j < 16; j++) {
            const double d = xs[i + j] - shift;
            sums[j] += d;
            squares[j] += d * d;
        }
    }
    for (; i < n; i++) {
        const double d = xs[i] - shift;
        sums[0] += d;
        squares[0] += d * d;
    }
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) {
            sums[j] += sums[j + half];
            squares[j] += squares[j + half];
        }
    }
    const moments found = {(double)n, shift, sums[0], squares[0]};
    moments_merge(&found, 1, acc);
})

STUB_VERSIONS(void, moments_across, (const void *numbers, size_t n, int64_t at, const double *c, void *acc), {
    const float *const xs = numbers;
    moments *const to = acc;
    (void)at, (void)c;
    for (size_t i = 0; i < n; i++) {
        const double shift = to[i].count == 0 ? xs[i] : to[i].shift, d = xs[i] - shift;
        to[i] = (moments){to[i].count + 1, shift, to[i].sum + d, to[i].squares + d * d};
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
STUB_FOLD_OF(var_mean, moments, moments, float, VARIANCE, float, mean(a))
STUB_FOLD_OF(std_mean, moments, moments, float, sqrt(VARIANCE), float, mean(a))

#define MOMENT(fold)                                                                                                   \
    {.folds = {&(fold)}, .allowed = STUB_FLOATS, .results = {STUB_FLOATS, STUB_FLOATS}, .dims_optional = true}

STUB_FAMILY_KERNEL(aclnnVar, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnVarCorrection, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnVarMean, stub_reduce, MOMENT(var_mean))
STUB_FAMILY_KERNEL(aclnnStd, stub_reduce, MOMENT(std_mean))
STUB_FAMILY_KERNEL(aclnnStdMeanCorrection, stub_reduce, MOMENT(std_mean))
