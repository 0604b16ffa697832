/* fp16 and bf16 <-> fp32, one element at a time: exact, round half to even, no branches so that loops over them turn
 * into vector code on any machine. Subnormals and infinities are kept; a NaN stays a NaN, and leaves as the one quiet
 * NaN of the narrow type so that every instruction set gives the same bits. */
#ifndef ASCEND_STUB_CORE_HALF_H
#define ASCEND_STUB_CORE_HALF_H

#include <stdint.h>
#include <string.h>

#define STUB_F32_INFINITY 0x7F800000u
#define STUB_F32_MAGNITUDE 0x7FFFFFFFu
#define STUB_F32_NAN 0x7FC00000u

static inline uint32_t stub_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float stub_bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* All ones where the condition holds: selects without a branch. */
static inline uint32_t stub_mask(int condition) {
    return 0u - (uint32_t)condition;
}

static inline uint32_t stub_select(uint32_t mask, uint32_t when_set, uint32_t otherwise) {
    return (when_set & mask) | (otherwise & ~mask);
}

#if defined(__aarch64__)
/* AArch64 converts in hardware, by the same rules. */
static inline float stub_f16_to_f32(uint16_t half) {
    __fp16 value;
    memcpy(&value, &half, sizeof value);
    return (float)value;
}

static inline uint16_t stub_f32_to_f16(float value) {
    const __fp16 rounded = (__fp16)value;
    uint16_t half;
    memcpy(&half, &rounded, sizeof half);
    const uint32_t is_nan = stub_mask((stub_float_bits(value) & STUB_F32_MAGNITUDE) > STUB_F32_INFINITY);
    return (uint16_t)stub_select(is_nan, 0x7E00u, half);
}
#else
/* Shifted into an fp32 pattern, a half's value is too small by 2^112: one exact multiplication sets that right, for
 * subnormals too. What lands at 2^16 and above was infinity or NaN and gets the exponent of those. */
static inline float stub_f16_to_f32(uint16_t half) {
    const uint32_t magnitude = half & 0x7FFFu;
    const uint32_t finite = stub_float_bits(stub_bits_float(magnitude << 13) * 0x1p112f);
    const uint32_t special = stub_mask(magnitude >= 0x7C00u) & STUB_F32_INFINITY;
    return stub_bits_float(finite | special | (uint32_t)(half & 0x8000u) << 16);
}

static inline uint16_t stub_f32_to_f16(float value) {
    const uint32_t bits = stub_float_bits(value);
    const uint32_t magnitude = bits & STUB_F32_MAGNITUDE;
    const uint32_t odd = magnitude >> 13 & 1u;
    const uint32_t normal = (magnitude - (112u << 23) + 0xFFFu + odd) >> 13;
    /* Below 2^-14 an addition of 0.5 lets the adder round at the fp16 subnormals' last place, 2^-24. The operand is
     * bounded so that no infinity or NaN raises anything here. */
    const uint32_t below = stub_mask(magnitude < 0x38800000u);
    const uint32_t tiny = stub_float_bits(stub_bits_float(magnitude & below) + 0.5f) - 0x3F000000u;
    uint32_t half = stub_select(below, tiny, normal);
    half = stub_select(stub_mask(magnitude >= 0x477FF000u), 0x7C00u, half); /* 65520 and more round to infinity */
    half |= bits >> 16 & 0x8000u;
    return (uint16_t)stub_select(stub_mask(magnitude > STUB_F32_INFINITY), 0x7E00u, half);
}
#endif

static inline float stub_bf16_to_f32(uint16_t half) {
    return stub_bits_float((uint32_t)half << 16);
}

static inline uint16_t stub_f32_to_bf16(float value) {
    const uint32_t bits = stub_float_bits(value);
    const uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)stub_select(stub_mask((bits & STUB_F32_MAGNITUDE) > STUB_F32_INFINITY), 0x7FC0u, rounded);
}

/* A signed integer that orders fp32 values as their numbers do (-0 before +0, NaNs outside the infinities): integer
 * maxima do not depend on the order of comparison, floating point ones with NaNs do. Its own inverse. */
static inline int32_t stub_order_key(uint32_t bits) {
    const uint32_t flip = stub_mask((bits >> 31) != 0) & STUB_F32_MAGNITUDE;
    const uint32_t key = bits ^ flip;
    int32_t result;
    memcpy(&result, &key, sizeof result);
    return result;
}

static inline float stub_key_float(int32_t key) {
    return stub_bits_float((uint32_t)stub_order_key((uint32_t)key));
}

#endif
