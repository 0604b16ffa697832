/* What cross entropies share: the logarithm of a softmax, row by row. */
#ifndef ASCEND_STUB_OPAPI_LOSS_CROSS_ENTROPY_H
#define ASCEND_STUB_OPAPI_LOSS_CROSS_ENTROPY_H

#include <stdint.h>

/* logs[i] = x[i] - log(sum of e^x). */
void stub_log_softmax(const float *x, float *logs, int64_t n);

#endif
