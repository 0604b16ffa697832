/* Losses of differences: squared, absolute, the mixture of both, of margins; and their gradients. */
#include <math.h>

#include "opapi/loss/pointwise.h"

STUB_LOOP2(mse, float, float, (x - y) * (x - y))
STUB_LOOP3(mse_gradient, float, float, (y - z) * (2 * (float)c[0]) * x)

STUB_FAMILY_KERNEL(aclnnMseLoss, stub_loss, {.loop = &mse})
STUB_FAMILY_KERNEL(aclnnMseLossOut, stub_loss, {.loop = &mse, .keeps_rows = true})
STUB_FAMILY_KERNEL(aclnnMseLossBackward, stub_loss, {.loop = &mse_gradient, .is_gradient = true})

STUB_LOOP2(l1, float, float, fabsf(x - y))
STUB_LOOP2(l1_exact, double, double, fabs(x - y))
STUB_LOOP3(l1_gradient, float, float, (float)((y > z) - (y < z)) * (float)c[0] * x)

STUB_FAMILY_KERNEL(aclnnL1Loss, stub_loss, {.loop = &l1, .exact = &l1_exact})
STUB_FAMILY_KERNEL(aclnnL1LossBackward, stub_loss, {.loop = &l1_gradient, .is_gradient = true})

/* Squared up to beta, absolute beyond. */
STUB_INLINE float smooth(float distance, float beta) {
    return distance < beta ? 0.5f * distance * distance / beta : distance - 0.5f * beta;
}

STUB_INLINE float smooth_slope(float difference, float beta) {
    return fabsf(difference) < beta ? difference / beta : (float)((difference > 0) - (difference < 0));
}
STUB_LOOP2(smooth_l1, float, float, smooth(fabsf(x - y), (float)c[1]))
STUB_LOOP3(smooth_l1_gradient, float, float, smooth_slope(y - z, (float)c[1]) * x * (float)c[0])

STUB_FAMILY_KERNEL(aclnnSmoothL1Loss, stub_loss, {.loop = &smooth_l1})
STUB_FAMILY_KERNEL(aclnnSmoothL1LossBackward, stub_loss, {.loop = &smooth_l1_gradient, .is_gradient = true})

/* log(1 + e^m) without its overflow. */
STUB_INLINE float soft_plus(float m) {
    return (m > 0 ? m : 0) + log1pf(expf(-fabsf(m)));
}
STUB_LOOP2(soft_margin, float, float, soft_plus(-(y *x)))
STUB_LOOP3(soft_margin_gradient, float, float, -z / (1 + expf(z * y)) * x * (float)c[0])

STUB_FAMILY_KERNEL(aclnnSoftMarginLoss, stub_loss, {.loop = &soft_margin})
STUB_FAMILY_KERNEL(aclnnSoftMarginLossBackward, stub_loss, {.loop = &soft_margin_gradient, .is_gradient = true})
