/* aclnnLSTM and aclnnGRU: the cells. Weights have the gates in PyTorch's order: i, f, j (the candidate), o; r, z, n. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/math.h"
#include "opapi/matmul/recurrent.h"

static void save(float *const *saved, const float *values, uint32_t count, int64_t at) {
    for (uint32_t i = 0; i < count && saved[0]; i++) {
        saved[i][at] = values[i];
    }
}

/* Saved: i, j, f, o, h, c, tanh(c). */
static void lstm_step(const stub_cell *of) {
    const int64_t n = of->size;
    for (int64_t k = 0; k < n; k++) {
        const float i = stub_sigmoidf(of->input[k] + of->state[k]);
        const float f = stub_sigmoidf(of->input[n + k] + of->state[n + k]);
        const float j = stub_tanhf(of->input[2 * n + k] + of->state[2 * n + k]);
        const float o = stub_sigmoidf(of->input[3 * n + k] + of->state[3 * n + k]);
        const float c = f * of->cell[k] + i * j, bent = stub_tanhf(c);
        of->cell[k] = c;
        of->hidden[k] = o * bent;
        save(of->saved, (const float[]){i, j, f, o, o * bent, c, bent}, 7, k);
    }
}

/* Saved: r, z, n, what the state gives to n, h. */
static void gru_step(const stub_cell *of) {
    const int64_t n = of->size;
    for (int64_t k = 0; k < n; k++) {
        const float r = stub_sigmoidf(of->input[k] + of->state[k]);
        const float z = stub_sigmoidf(of->input[n + k] + of->state[n + k]);
        const float from_state = of->state[2 * n + k], next = stub_tanhf(of->input[2 * n + k] + r * from_state);
        const float h = (1 - z) * next + z * of->hidden[k];
        of->hidden[k] = h;
        save(of->saved, (const float[]){r, z, next, from_state, h}, 5, k);
    }
}

STUB_FAMILY_KERNEL(aclnnLSTM, stub_recurrent, {11, 13, 4, 2, 7, lstm_step})
STUB_FAMILY_KERNEL(aclnnGRU, stub_recurrent, {11, 12, 3, 1, 5, gru_step})
