/* The functions, in fp32. */
#include "opapi/matmul/activations.h"

#include "opapi/math.h"

#define ACTIVATION(name, ...)                                                                                          \
    STUB_VERSIONS(void, name, (size_t n, float *y), {                                                                  \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const float x = y[i];                                                                                      \
            y[i] = __VA_ARGS__;                                                                                        \
        }                                                                                                              \
    })                                                                                                                 \
    void stub_apply_##name(size_t n, float *numbers) {                                                                 \
        STUB_BEST(name)(n, numbers);                                                                                   \
    }

/* x is kept where it is NaN. */
ACTIVATION(relu, x < 0 ? 0.0f : x)
ACTIVATION(silu, x / (1.0f + stub_expf(-x)))
/* 0.5 x (1 + tanh(u)) with tanh(u) = 1 - 2 / (1 + exp(2u)), u = sqrt(2 / pi) (x + 0.044715 x^3) */
ACTIVATION(gelu_tanh, x / (1.0f + stub_expf(-1.5957691216057308f * (x + 0.044715f * x * x * x))))
ACTIVATION(fast_gelu, x / (1.0f + stub_expf(-1.702f * x)))
