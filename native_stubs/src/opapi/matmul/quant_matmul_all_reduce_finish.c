/* The portable version, and the choice between the versions. */
#include "opapi/matmul/quant_matmul_all_reduce_finish.h"

#include <string.h>

#include "core/cpu.h"
#include "core/half.h"

enum { BLOCK = 16 };

/* Where a value is NaN both comparisons are false and it stays. */
static inline float clamp(float value, float limit) {
    value = value > limit ? limit : value;
    return value < -limit ? -limit : value;
}

/* Full blocks, so that the loops have a constant length; behind the n elements are zeros. */
static void dequantise_block(const stub_qmm_epilogue *by, size_t first, const int32_t *sums, size_t n, float *v) {
    uint32_t sum[BLOCK] = {0}, bias[BLOCK] = {0};
    float scale[BLOCK] = {0};
    memcpy(sum, sums + first, n * sizeof *sum);
    memcpy(bias, by->bias + first, n * sizeof *bias);
    memcpy(scale, by->scale + first, n * sizeof *scale);
    for (int i = 0; i < BLOCK; i++) {
        int32_t total;
        const uint32_t wrapped = sum[i] + bias[i];
        memcpy(&total, &wrapped, sizeof total);
        v[i] = clamp((float)total * scale[i] * by->pertoken, by->limit);
    }
}

static void narrow_block(stub_half half, const float *v, uint16_t *y) {
    if (half == STUB_HALF_F16) {
        for (int i = 0; i < BLOCK; i++) {
            y[i] = stub_f32_to_f16(v[i]);
        }
    } else {
        for (int i = 0; i < BLOCK; i++) {
            y[i] = stub_f32_to_bf16(v[i]);
        }
    }
}

/* fp32 has more than twice the bits of either type, so rounding its sum once more gives the sum rounded once. */
static void add_block(stub_half half, const uint16_t *a, const uint16_t *b, float *v) {
    if (half == STUB_HALF_F16) {
        for (int i = 0; i < BLOCK; i++) {
            v[i] = stub_f16_to_f32(a[i]) + stub_f16_to_f32(b[i]);
        }
    } else {
        for (int i = 0; i < BLOCK; i++) {
            v[i] = stub_bf16_to_f32(a[i]) + stub_bf16_to_f32(b[i]);
        }
    }
}

void stub_qmm_finish_baseline(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t count = n - first < BLOCK ? n - first : BLOCK;
        float v[BLOCK];
        uint16_t out[BLOCK], x3[BLOCK] = {0};
        dequantise_block(by, first, sums, count, v);
        narrow_block(by->half, v, out);
        if (by->x3) {
            memcpy(x3, (const uint8_t *)by->x3 + 2 * first, 2 * count);
            add_block(by->half, out, x3, v);
            narrow_block(by->half, v, out);
        }
        memcpy((uint8_t *)y + 2 * first, out, 2 * count);
    }
}

void stub_qmm_finish(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        stub_qmm_finish_avx2(by, sums, n, y);
        return;
    }
#endif
    stub_qmm_finish_baseline(by, sums, n, y);
}
