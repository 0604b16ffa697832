/* The inner loops of aclnnDequantRopeQuantKvcache in portable C, over blocks in local arrays that compilers turn into
 * whatever vectors the target has by definition, and the choice between the versions. */
#include <string.h>

#include "core/cpu.h"
#include "core/half.h"
#include "opapi/attention/dequant_rope_loops.h"

enum { BLOCK = 64 };

/* Called with constant arguments, so that no loop has a branch. */
#define INLINE static inline __attribute__((always_inline))

const stub_rope_loops *stub_get_rope_loops(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        return &stub_rope_loops_avx2;
    }
#endif
    return &stub_rope_loops_baseline;
}

INLINE size_t block_length(size_t d, size_t first) {
    return d - first < BLOCK ? d - first : BLOCK;
}

INLINE void narrow_block(stub_half half, const float *x, size_t n, uint8_t *y) {
    uint16_t out[BLOCK];
    for (size_t i = 0; i < n; i++) {
        out[i] = half == STUB_HALF_F16 ? stub_f32_to_f16(x[i]) : stub_f32_to_bf16(x[i]);
    }
    memcpy(y, out, n * sizeof *out);
}

static void dequantise(const void *x, size_t d, const stub_rope_dequantiser *by, bool rounded, void *y) {
    for (size_t first = 0; first < d; first += BLOCK) {
        const size_t n = block_length(d, first);
        const float activation = by->activation;
        int32_t integers[BLOCK];
        float v[BLOCK];
        memcpy(integers, (const uint8_t *)x + first * sizeof *integers, n * sizeof *integers);
        for (size_t i = 0; by->integer_bias && i < n; i++) {
            integers[i] = (int32_t)((uint32_t)integers[i] + (uint32_t)by->integer_bias[first + i]);
        }
        for (size_t i = 0; i < n; i++) {
            v[i] = (float)integers[i] * by->scale[first + i] * activation;
        }
        for (size_t i = 0; by->bias && i < n; i++) {
            v[i] = v[i] + by->bias[first + i];
        }
        if (rounded) {
            narrow_block(STUB_HALF_F16, v, n, (uint8_t *)y + first * sizeof(uint16_t));
        } else {
            memcpy((uint8_t *)y + first * sizeof *v, v, n * sizeof *v);
        }
    }
}

/* An fp32 value rounded to fp16 and back. */
INLINE float round_f16(float value) {
#if defined(__aarch64__)
    return stub_f16_to_f32(stub_f32_to_f16(value));
#else
    const uint32_t bits = stub_float_bits(value), magnitude = bits & STUB_F32_MAGNITUDE;
    const uint32_t normal = (magnitude + 0xFFFu + (magnitude >> 13 & 1u)) & ~0x1FFFu;
    /* Below 2^-14 an addition of 0.5 lets the adder round at the fp16 subnormals' last place, 2^-24. */
    const uint32_t below = stub_mask(magnitude < 0x38800000u);
    const uint32_t tiny = stub_float_bits(stub_bits_float(magnitude & below) + 0.5f - 0.5f);
    uint32_t rounded = stub_select(below, tiny, normal);
    rounded = stub_select(stub_mask(magnitude >= 0x477FF000u), STUB_F32_INFINITY, rounded); /* 65520 and more */
    rounded |= stub_mask(magnitude > STUB_F32_INFINITY) & STUB_F32_NAN;
    return stub_bits_float(rounded | (bits & ~STUB_F32_MAGNITUDE));
#endif
}

INLINE void load_block(stub_half half, bool from_floats, const void *x, size_t first, size_t n, float *v) {
    uint16_t raw[BLOCK];
    if (from_floats) {
        memcpy(v, (const uint8_t *)x + first * sizeof *v, n * sizeof *v);
        return;
    }
    memcpy(raw, (const uint8_t *)x + first * sizeof *raw, n * sizeof *raw);
    for (size_t i = 0; i < n; i++) {
        v[i] = half == STUB_HALF_F16 ? stub_f16_to_f32(raw[i]) : stub_bf16_to_f32(raw[i]);
    }
}

/* a * sine + b * cosine. */
INLINE void combine(stub_half half, const float *a, const float *sine, const float *b, const float *cosine, size_t n,
                    float *sums) {
    for (size_t i = 0; i < n; i++) {
        const float left = a[i] * sine[i], right = b[i] * cosine[i];
        sums[i] = half == STUB_HALF_F16 ? round_f16(left) + round_f16(right) : left + right;
    }
}

INLINE void store_block(stub_half half, const float *sums, size_t first, size_t n, uint8_t *y, float *y_fp32) {
    if (y) {
        narrow_block(half, sums, n, y + first * sizeof(uint16_t));
    }
    if (y_fp32) {
        memcpy(y_fp32 + first, sums, n * sizeof *sums);
    }
}

INLINE void rotate_loop(stub_half half, bool from_floats, const stub_rope_rotation *by, const void *x, size_t d,
                        void *y, float *y_fp32) {
    const size_t middle = d / 2;
    for (size_t i = 0; i < middle; i += BLOCK) {
        const size_t n = block_length(middle, i), j = i + middle;
        float low[BLOCK], high[BLOCK], sums[BLOCK];
        load_block(half, from_floats, x, i, n, low);
        load_block(half, from_floats, x, j, n, high);
        combine(half, high, by->sine + i, low, by->cosine + i, n, sums);
        store_block(half, sums, i, n, y, y_fp32);
        combine(half, low, by->sine + j, high, by->cosine + j, n, sums);
        store_block(half, sums, j, n, y, y_fp32);
    }
}

static void rotate(const stub_rope_rotation *by, const void *x, size_t d, void *y, float *y_fp32) {
    if (by->half == STUB_HALF_F16) {
        rotate_loop(STUB_HALF_F16, false, by, x, d, y, y_fp32);
    } else {
        by->from_floats ? rotate_loop(STUB_HALF_BF16, true, by, x, d, y, y_fp32)
                        : rotate_loop(STUB_HALF_BF16, false, by, x, d, y, y_fp32);
    }
}

static void narrow(stub_half half, const float *x, size_t d, void *y) {
    for (size_t first = 0; first < d; first += BLOCK) {
        uint8_t *to = (uint8_t *)y + first * sizeof(uint16_t);
        const size_t n = block_length(d, first);
        half == STUB_HALF_F16 ? narrow_block(STUB_HALF_F16, x + first, n, to)
                              : narrow_block(STUB_HALF_BF16, x + first, n, to);
    }
}

/* NaN to 0, the rest into -128 .. 127; in integers, which compilers select without branches. */
INLINE float saturate(float value) {
    uint32_t bits = stub_float_bits(value);
    bits &= stub_mask((bits & STUB_F32_MAGNITUDE) <= STUB_F32_INFINITY);
    const uint32_t magnitude = bits & STUB_F32_MAGNITUDE;
    const uint32_t limit = 0x42FE0000u + (bits >> 31 << 17); /* 127.0f, 128.0f when negative */
    return stub_bits_float(stub_select(stub_mask(magnitude > limit), limit, magnitude) | (bits & ~STUB_F32_MAGNITUDE));
}

INLINE void load_kind(stub_rope_kind kind, const void *x, size_t first, size_t n, float *v) {
    if (kind == STUB_ROPE_F32) {
        load_block(STUB_HALF_BF16, true, x, first, n, v);
    } else if (kind == STUB_ROPE_F16) {
        load_block(STUB_HALF_F16, false, x, first, n, v);
    } else {
        load_block(STUB_HALF_BF16, false, x, first, n, v);
    }
}

static void quantise(stub_rope_kind kind, const void *x, const float *scale, const float *offset, size_t n, int8_t *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t count = block_length(n, first);
        float v[BLOCK];
        uint32_t integers[BLOCK];
        load_kind(kind, x, first, count, v);
        for (size_t i = 0; i < count; i++) {
            v[i] = v[i] / scale[first + i];
        }
        for (size_t i = 0; offset && i < count; i++) {
            v[i] = v[i] + offset[first + i];
        }
        /* Adding 1.5 * 2^23 leaves the integer, rounded half to even by the adder, in the low byte. */
        for (size_t i = 0; i < count; i++) {
            integers[i] = stub_float_bits(saturate(v[i]) + 12582912.0f);
        }
        for (size_t i = 0; i < count; i++) {
            y[first + i] = (int8_t)integers[i];
        }
    }
}

const stub_rope_loops stub_rope_loops_baseline = {
    .dequantise = dequantise,
    .rotate = rotate,
    .narrow = narrow,
    .quantise = quantise,
};
