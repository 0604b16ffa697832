/* Functions that products apply to their sums before these are rounded. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_ACTIVATIONS_H
#define ASCEND_STUB_OPAPI_MATMUL_ACTIVATIONS_H

#include <stddef.h>

typedef void stub_activation(size_t n, float *numbers);

stub_activation stub_apply_relu, stub_apply_silu, stub_apply_gelu_tanh, stub_apply_fast_gelu;

#endif
