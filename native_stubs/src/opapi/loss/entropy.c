/* Losses of probabilities by element: binary cross entropy of probabilities and of logits, Kullback-Leibler divergence;
 * and their gradients. Absent weights are 1. */
#include <math.h>

#include "opapi/loss/pointwise.h"

#define AT(k, absent) (in[k] ? ((const float *)in[k])[i] : (absent))
#define LOOP(name, ...)                                                                                                \
    STUB_LOOP(name, {                                                                                                  \
        float *const rs = out[0];                                                                                      \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            rs[i] = (__VA_ARGS__);                                                                                     \
        }                                                                                                              \
    })

/* Logarithms end at -100, as in PyTorch: 0 * log(0) is 0. A NaN stays. */
STUB_INLINE float bounded(float log) {
    return log < -100 ? -100 : log;
}

/* -(t log p + (1 - t) log(1 - p)) */
STUB_INLINE float cross_entropy(float p, float t) {
    return (t - 1) * bounded(log1pf(-p)) - t * bounded(logf(p));
}

STUB_INLINE float cross_entropy_slope(float p, float t) {
    const float spread = (1 - p) * p;
    return (p - t) / (spread < 1e-12f ? 1e-12f : spread);
}
LOOP(bce, cross_entropy(AT(0, 0), AT(1, 0)) * AT(2, 1))
LOOP(bce_gradient, AT(0, 0) * cross_entropy_slope(AT(1, 0), AT(2, 0)) * AT(3, 1) * (float)c[0])

STUB_FAMILY_KERNEL(aclnnBinaryCrossEntropy, stub_loss, {.loop = &bce, .optional = 1u << 2})
STUB_FAMILY_KERNEL(aclnnBinaryCrossEntropyBackward, stub_loss,
                   {.loop = &bce_gradient, .is_gradient = true, .optional = 1u << 3})

/* log(1 + e^-x) without its overflow: -log(sigmoid(x)). */
STUB_INLINE float soft_minus(float x) {
    return (x < 0 ? -x : 0) + log1pf(expf(-fabsf(x)));
}

/* (1 - t) x + (1 + (q - 1) t) log(1 + e^-x), q the weight of what is true. */
STUB_INLINE float logit_entropy(float x, float t, float q) {
    return (1 - t) * x + (1 + (q - 1) * t) * soft_minus(x);
}

STUB_INLINE float logit_slope(float x, float t, float q) {
    return (q * t + 1 - t) / (1 + expf(-x)) - q * t;
}
LOOP(logits, logit_entropy(AT(0, 0), AT(1, 0), AT(3, 1)) * AT(2, 1))
LOOP(logits_gradient, logit_slope(AT(1, 0), AT(2, 0), AT(4, 1)) * AT(0, 0) * AT(3, 1) * (float)c[0])
LOOP(logits_target_gradient,
     (AT(4, 1) * soft_minus(AT(1, 0)) - soft_minus(-AT(1, 0))) * AT(0, 0) * AT(3, 1) * (float)c[0])

#define WEIGHTS (1u << 2 | 1u << 3)
STUB_FAMILY_KERNEL(aclnnBinaryCrossEntropyWithLogits, stub_loss, {.loop = &logits, .optional = WEIGHTS})
STUB_FAMILY_KERNEL(aclnnBinaryCrossEntropyWithLogitsBackward, stub_loss,
                   {.loop = &logits_gradient, .is_gradient = true, .optional = WEIGHTS << 1})
STUB_FAMILY_KERNEL(aclnnBinaryCrossEntropyWithLogitsTargetBackward, stub_loss,
                   {.loop = &logits_target_gradient, .is_gradient = true, .optional = WEIGHTS << 1})

/* c[1]: the target is a logarithm already. A target that is no probability above 0 makes NaN, as documented. */
STUB_INLINE float divergence(float x, float t, double is_log) {
    return is_log != 0 ? expf(t) * (t - x) : t > 0 ? t * (logf(t) - x) : NAN;
}
LOOP(kl, divergence(AT(0, 0), AT(1, 0), c[1]))
LOOP(kl_gradient, (c[1] != 0 ? -expf(AT(2, 0)) : AT(2, 0) > 0 ? -AT(2, 0) : 0) * AT(0, 0) * (float)c[0])
LOOP(kl_target_gradient,
     (c[1] != 0 ? expf(AT(2, 0)) * (AT(2, 0) - AT(1, 0) + 1) : logf(AT(2, 0)) - AT(1, 0) + 1) * AT(0, 0) * (float)c[0])

STUB_FAMILY_KERNEL(aclnnKlDiv, stub_loss, {.loop = &kl, .by_batch = true})
STUB_FAMILY_KERNEL(aclnnKlDivBackward, stub_loss, {.loop = &kl_gradient, .is_gradient = true, .by_batch = true})
STUB_FAMILY_KERNEL(aclnnKlDivTargetBackward, stub_loss,
                   {.loop = &kl_target_gradient, .is_gradient = true, .by_batch = true})
