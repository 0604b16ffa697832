/* Loops over the elements of one channel. */
#include "opapi/norm/channel_lines.h"

#include "opapi/loops.h"
#include "opapi/math.h"

STUB_VERSIONS(void, normalise, (const float *x, stub_channel by, size_t n, float *y), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        y[i] = (x[i] - by.mean) * by.rstd * by.weight + by.bias;
    }
})

STUB_VERSIONS(void, swish, (float *y, float scale, size_t n), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        y[i] = y[i] * stub_sigmoidf(scale * y[i]);
    }
})

void stub_channel_normalise(const float *x, const stub_channel *by, size_t n, float *y) {
    STUB_BEST(normalise)(x, *by, n, y);
}

void stub_channel_swish(float *y, float scale, size_t n) {
    STUB_BEST(swish)(y, scale, n);
}
