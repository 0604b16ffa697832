/* The inner loops in portable C, in blocks of a constant length that compilers turn into whatever vectors the target
 * has by definition (SSE2, NEON). They are also the tails of the other versions. */
#include "opapi/simd.h"

#include <math.h>
#include <string.h>

#include "core/half.h"

enum { BLOCK = 64 };

/* Loops below are written over full blocks with a constant trip count; a shorter last block is padded with copies of
 * its last element, which changes no maximum and no minimum, and its surplus results are dropped. */
static inline size_t block_length(size_t n, size_t first) {
    return n - first < BLOCK ? n - first : BLOCK;
}

static inline void fetch(void *block, const void *from, size_t first, size_t count, size_t width) {
    const uint8_t *source = (const uint8_t *)from + first * width;
    uint8_t *target = block;
    if (count == BLOCK) {
        memcpy(target, source, BLOCK * width);
        return;
    }
    memcpy(target, source, count * width);
    for (size_t i = count; i < BLOCK; i++) {
        memcpy(target + i * width, source + (count - 1) * width, width);
    }
}

static inline void widen_block(stub_half half, const uint16_t *raw, float *v) {
    if (half == STUB_HALF_F16) {
        for (int i = 0; i < BLOCK; i++) {
            v[i] = stub_f16_to_f32(raw[i]);
        }
    } else {
        for (int i = 0; i < BLOCK; i++) {
            v[i] = stub_bf16_to_f32(raw[i]);
        }
    }
}

static inline void load(stub_half half, const void *x, const float *m, size_t first, size_t count, float *v) {
    uint16_t raw[BLOCK];
    fetch(raw, x, first, count, sizeof raw[0]);
    widen_block(half, raw, v);
    if (m) {
        float factor[BLOCK];
        fetch(factor, m, first, count, sizeof factor[0]);
        for (int i = 0; i < BLOCK; i++) {
            v[i] *= factor[i];
        }
    }
}

static uint32_t widen_bits(stub_half half, uint32_t bits) {
    const uint16_t raw = (uint16_t)bits;
    return stub_float_bits(half == STUB_HALF_F16 ? stub_f16_to_f32(raw) : stub_bf16_to_f32(raw));
}

static int16_t highest_16(const int16_t *lanes) {
    int16_t highest = lanes[0];
    for (int i = 1; i < BLOCK; i++) {
        highest = lanes[i] > highest ? lanes[i] : highest;
    }
    return highest;
}

static int32_t highest_32(const int32_t *lanes) {
    int32_t highest = lanes[0];
    for (int i = 1; i < BLOCK; i++) {
        highest = lanes[i] > highest ? lanes[i] : highest;
    }
    return highest;
}

/* Without factors the order of the 16-bit patterns is that of the values: widening the winner is enough. */
static uint32_t largest_raw(stub_half half, const void *x, size_t n) {
    int16_t lanes[BLOCK] = {0};
    for (size_t first = 0; first < n; first += BLOCK) {
        int16_t raw[BLOCK];
        fetch(raw, x, first, block_length(n, first), sizeof raw[0]);
        for (int i = 0; i < BLOCK; i++) {
            const int16_t magnitude = raw[i] & 0x7FFF;
            lanes[i] = magnitude > lanes[i] ? magnitude : lanes[i];
        }
    }
    return widen_bits(half, (uint16_t)highest_16(lanes));
}

static uint32_t largest_product(stub_half half, const void *x, const float *m, size_t n) {
    int32_t lanes[BLOCK] = {0};
    for (size_t first = 0; first < n; first += BLOCK) {
        float v[BLOCK];
        load(half, x, m, first, block_length(n, first), v);
        for (int i = 0; i < BLOCK; i++) {
            const int32_t magnitude = (int32_t)(stub_float_bits(v[i]) & STUB_F32_MAGNITUDE);
            lanes[i] = magnitude > lanes[i] ? magnitude : lanes[i];
        }
    }
    return (uint32_t)highest_32(lanes);
}

static uint32_t baseline_largest(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far) {
    if (n == 0) {
        return so_far;
    }
    const uint32_t found = m ? largest_product(half, x, m, n) : largest_raw(half, x, n);
    return found > so_far ? found : so_far;
}

/* Its own inverse, as stub_order_key, whose values it has for the widened numbers but for the low bits. */
static inline int16_t order_key_16(int16_t raw) {
    return (int16_t)(raw ^ (raw >> 15 & 0x7FFF));
}

static void extremes_raw(stub_half half, const void *x, size_t n, stub_extremes *found) {
    int16_t low[BLOCK], high[BLOCK]; /* complements of the lowest, keys of the highest */
    for (int i = 0; i < BLOCK; i++) {
        low[i] = high[i] = INT16_MIN;
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        int16_t raw[BLOCK];
        fetch(raw, x, first, block_length(n, first), sizeof raw[0]);
        for (int i = 0; i < BLOCK; i++) {
            const int16_t key = order_key_16(raw[i]), complement = (int16_t)~key;
            low[i] = complement > low[i] ? complement : low[i];
            high[i] = key > high[i] ? key : high[i];
        }
    }
    const int16_t lowest = order_key_16((int16_t)~highest_16(low)), highest = order_key_16(highest_16(high));
    found->low = stub_order_key(widen_bits(half, (uint16_t)lowest));
    found->high = stub_order_key(widen_bits(half, (uint16_t)highest));
}

static void extremes_product(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    int32_t low[BLOCK], high[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        low[i] = high[i] = INT32_MIN;
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        float v[BLOCK];
        load(half, x, m, first, block_length(n, first), v);
        for (int i = 0; i < BLOCK; i++) {
            const int32_t key = stub_order_key(stub_float_bits(v[i]));
            low[i] = ~key > low[i] ? ~key : low[i];
            high[i] = key > high[i] ? key : high[i];
        }
    }
    *found = (stub_extremes){~highest_32(low), highest_32(high)};
}

static void baseline_extremes(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    stub_extremes here;
    if (n == 0) {
        return;
    }
    if (m) {
        extremes_product(half, x, m, n, &here);
    } else {
        extremes_raw(half, x, n, &here);
    }
    found->low = here.low < found->low ? here.low : found->low;
    found->high = here.high > found->high ? here.high : found->high;
}

/* NaN to 0, the rest into the range. */
static inline float saturate(float value, float low, float high) {
    const uint32_t bits = stub_float_bits(value);
    value = stub_bits_float(bits & stub_mask((bits & STUB_F32_MAGNITUDE) <= STUB_F32_INFINITY));
    value = value > high ? high : value;
    return value < low ? low : value;
}

/* Adding 1.5 * 2^23 to a small value leaves its integer, rounded half to even by the adder, in the low byte. */
static inline void round_block(const float *v, int8_t *y) {
    uint32_t integer[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        integer[i] = stub_float_bits(v[i] + 12582912.0f);
    }
    for (int i = 0; i < BLOCK; i++) {
        y[i] = (int8_t)integer[i];
    }
}

static inline void quantise_block(stub_half half, const void *x, const float *m, size_t first, size_t count,
                                  const stub_quantiser *by, int8_t *y) {
    const float factor = by->factor, offset = by->offset, high = by->limit, low = -by->limit - 1.0f;
    float v[BLOCK];
    load(half, x, m, first, count, v);
    for (int i = 0; i < BLOCK; i++) {
        v[i] = v[i] * factor + offset;
    }
    for (int i = 0; !by->bounded && i < BLOCK; i++) {
        v[i] = saturate(v[i], low, high);
    }
    round_block(v, y);
}

static void baseline_quantise(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                              void *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        int8_t out[BLOCK];
        const size_t count = block_length(n, first);
        quantise_block(half, x, m, first, count, by, out);
        memcpy((int8_t *)y + first, out, count);
    }
}

static void baseline_quantise_int4(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                                   void *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        int8_t out[BLOCK];
        uint8_t packed[BLOCK / 2];
        const size_t count = block_length(n, first);
        quantise_block(half, x, m, first, count, by, out);
        for (int i = 0; i < BLOCK / 2; i++) {
            packed[i] = (uint8_t)((out[2 * i] & 0xF) | (out[2 * i + 1] & 0xF) << 4);
        }
        memcpy((uint8_t *)y + first / 2, packed, count / 2);
    }
}

static void baseline_widen(stub_half half, const void *x, size_t n, float *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        float v[BLOCK];
        const size_t count = block_length(n, first);
        load(half, x, NULL, first, count, v);
        memcpy(y + first, v, count * sizeof v[0]);
    }
}

static inline void narrow_block(stub_half half, const float *v, uint16_t *out) {
    if (half == STUB_HALF_F16) {
        for (int i = 0; i < BLOCK; i++) {
            out[i] = stub_f32_to_f16(v[i]);
        }
    } else {
        for (int i = 0; i < BLOCK; i++) {
            out[i] = stub_f32_to_bf16(v[i]);
        }
    }
}

static inline void dequantise_block(stub_half half, const int8_t *x, size_t first, size_t count,
                                    const stub_dequantiser *by, void *y) {
    float offset[BLOCK] = {0}, scale[BLOCK], v[BLOCK];
    uint16_t out[BLOCK];
    fetch(scale, by->scale, first, count, sizeof scale[0]);
    if (by->offset) {
        fetch(offset, by->offset, first, count, sizeof offset[0]);
    }
    for (int i = 0; i < BLOCK; i++) {
        v[i] = ((float)x[i] + offset[i]) * scale[i];
    }
    for (int i = 0; by->twice && i < BLOCK; i++) {
        v[i] *= scale[i];
    }
    for (int i = 0; by->limit < INFINITY && i < BLOCK; i++) {
        v[i] = v[i] > by->limit ? by->limit : v[i];
        v[i] = v[i] < -by->limit ? -by->limit : v[i];
    }
    narrow_block(half, v, out);
    memcpy((uint8_t *)y + first * sizeof out[0], out, count * sizeof out[0]);
}

static void baseline_dequantise(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        int8_t integers[BLOCK];
        const size_t count = block_length(n, first);
        fetch(integers, x, first, count, sizeof integers[0]);
        dequantise_block(half, integers, first, count, by, y);
    }
}

static void baseline_dequantise_int4(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y) {
    for (size_t first = 0; first < n; first += BLOCK) {
        uint8_t packed[BLOCK / 2] = {0};
        int8_t integers[BLOCK];
        const size_t count = block_length(n, first);
        memcpy(packed, (const uint8_t *)x + first / 2, count / 2);
        for (int i = 0; i < BLOCK / 2; i++) {
            integers[2 * i] = (int8_t)(((packed[i] & 0xF) ^ 8) - 8);
            integers[2 * i + 1] = (int8_t)((packed[i] >> 4 ^ 8) - 8);
        }
        dequantise_block(half, integers, first, count, by, y);
    }
}

const stub_simd stub_simd_baseline = {
    .name = "baseline",
    .largest = baseline_largest,
    .extremes = baseline_extremes,
    .quantise = baseline_quantise,
    .quantise_int4 = baseline_quantise_int4,
    .dequantise = baseline_dequantise,
    .dequantise_int4 = baseline_dequantise_int4,
    .widen = baseline_widen,
};
