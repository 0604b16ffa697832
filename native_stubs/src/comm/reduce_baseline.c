/* Reductions in portable C whose inner loops compilers turn into vector code: a block of results stays in the first
 * level cache while the sources pass by, and is written when all of them have been read. */
#include <string.h>

#include "comm/reduce.h"
#include "core/half.h"

enum { BLOCK_BYTES = 2048 };

typedef void combination(void *block, const unsigned char *next, size_t n);

/* One block after the other; `combine` does the arithmetic for elements of `size` bytes. */
static inline void reduce(combination combine, size_t size, unsigned char *out, unsigned char *const *from,
                          uint32_t count, size_t start, size_t n) {
    const size_t end = n * size, offset = start * size;
    for (size_t first = 0; first < end; first += BLOCK_BYTES) {
        _Alignas(32) unsigned char block[BLOCK_BYTES];
        const size_t bytes = end - first < BLOCK_BYTES ? end - first : BLOCK_BYTES;
        memcpy(block, from[0] + offset + first, bytes);
        for (uint32_t source = 1; source < count; source++) {
            combine(block, from[source] + offset + first, bytes / size);
        }
        memcpy(out + first, block, bytes);
    }
}

/* Defines reduce_<name>: a is the partial result and b the next source's element, both of `type`; `expression` combines
 * them. Elements are read and written through memcpy, which compiles to plain loads and stores. Not inlined: merged
 * with the loop around it, compilers lose the vector code. */
#define DEFINE_REDUCTION(name, type, expression)                                                                       \
    __attribute__((noinline)) static void combine_##name(void *restrict block, const unsigned char *restrict next,     \
                                                         size_t n) {                                                   \
        unsigned char *partial = block;                                                                                \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type a, b;                                                                                                 \
            memcpy(&a, partial + i * sizeof(type), sizeof(type));                                                      \
            memcpy(&b, next + i * sizeof(type), sizeof(type));                                                         \
            const type c = (type)(expression);                                                                         \
            memcpy(partial + i * sizeof(type), &c, sizeof(type));                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void reduce_##name(void *out, unsigned char *const *from, uint32_t count, size_t start, size_t n) {         \
        reduce(combine_##name, sizeof(type), out, from, count, start, n);                                              \
    }

static inline uint32_t canonical(float value) {
    const uint32_t bits = stub_float_bits(value);
    return stub_select(stub_mask((bits & STUB_F32_MAGNITUDE) > STUB_F32_INFINITY), STUB_F32_NAN, bits);
}

/* Floating point numbers as patterns: keys order them as integers, and a NaN of either side wins. */
static inline uint32_t pick_f32(uint32_t a, uint32_t b, int take_a) {
    const uint32_t nan = stub_mask((a & STUB_F32_MAGNITUDE) > STUB_F32_INFINITY) |
                         stub_mask((b & STUB_F32_MAGNITUDE) > STUB_F32_INFINITY);
    return stub_select(nan, STUB_F32_NAN, stub_select(stub_mask(take_a), a, b));
}

static inline int16_t key_16(uint16_t bits) {
    const int16_t value = (int16_t)bits;
    return (int16_t)(value ^ (value < 0 ? 0x7FFF : 0));
}

/* In 16-bit steps throughout, which compilers keep in 16-bit lanes. */
static inline uint16_t quiet_16(uint16_t a, uint16_t b, int16_t key, int16_t infinity, uint16_t quiet) {
    const int16_t magnitude_a = (int16_t)(a & 0x7FFF), magnitude_b = (int16_t)(b & 0x7FFF);
    const int16_t magnitude = magnitude_a > magnitude_b ? magnitude_a : magnitude_b;
    const uint16_t picked = (uint16_t)key_16((uint16_t)key);
    return magnitude > infinity ? quiet : picked;
}

static inline uint16_t larger_16(uint16_t a, uint16_t b, int16_t infinity, uint16_t quiet) {
    const int16_t key_a = key_16(a), key_b = key_16(b);
    return quiet_16(a, b, key_a > key_b ? key_a : key_b, infinity, quiet);
}

static inline uint16_t smaller_16(uint16_t a, uint16_t b, int16_t infinity, uint16_t quiet) {
    const int16_t key_a = key_16(a), key_b = key_16(b);
    return quiet_16(a, b, key_a < key_b ? key_a : key_b, infinity, quiet);
}

#define ADD_F32 canonical(stub_bits_float(a) + stub_bits_float(b))
#define MULTIPLY_F32 canonical(stub_bits_float(a) * stub_bits_float(b))
#define ADD_F16 stub_f32_to_f16(stub_f16_to_f32(a) + stub_f16_to_f32(b))
#define MULTIPLY_F16 stub_f32_to_f16(stub_f16_to_f32(a) * stub_f16_to_f32(b))
#define ADD_BF16 stub_f32_to_bf16(stub_bf16_to_f32(a) + stub_bf16_to_f32(b))
#define LARGER_F32 pick_f32(a, b, stub_order_key(a) > stub_order_key(b))
#define SMALLER_F32 pick_f32(a, b, stub_order_key(a) < stub_order_key(b))
/* Unsigned integers wrap and have the bits of signed ones. */
DEFINE_REDUCTION(sum_8, uint8_t, a + b)
DEFINE_REDUCTION(sum_16, uint16_t, a + b)
DEFINE_REDUCTION(sum_32, uint32_t, a + b)
DEFINE_REDUCTION(sum_64, uint64_t, a + b)
DEFINE_REDUCTION(product_8, uint8_t, (a * b))
DEFINE_REDUCTION(product_32, uint32_t, (a * b))
DEFINE_REDUCTION(product_64, uint64_t, (a * b))
DEFINE_REDUCTION(largest_i8, int8_t, a > b ? a : b)
DEFINE_REDUCTION(largest_i16, int16_t, a > b ? a : b)
DEFINE_REDUCTION(largest_i32, int32_t, a > b ? a : b)
DEFINE_REDUCTION(largest_i64, int64_t, a > b ? a : b)
DEFINE_REDUCTION(smallest_i8, int8_t, a < b ? a : b)
DEFINE_REDUCTION(smallest_i16, int16_t, a < b ? a : b)
DEFINE_REDUCTION(smallest_i32, int32_t, a < b ? a : b)
DEFINE_REDUCTION(smallest_i64, int64_t, a < b ? a : b)
DEFINE_REDUCTION(sum_f32, uint32_t, ADD_F32)
DEFINE_REDUCTION(sum_f16, uint16_t, ADD_F16)
DEFINE_REDUCTION(sum_bf16, uint16_t, ADD_BF16)
DEFINE_REDUCTION(product_f32, uint32_t, MULTIPLY_F32)
DEFINE_REDUCTION(product_f16, uint16_t, MULTIPLY_F16)
DEFINE_REDUCTION(largest_f32, uint32_t, LARGER_F32)
DEFINE_REDUCTION(largest_f16, uint16_t, larger_16(a, b, 0x7C00, 0x7E00))
DEFINE_REDUCTION(largest_bf16, uint16_t, larger_16(a, b, 0x7F80, 0x7FC0))
DEFINE_REDUCTION(smallest_f32, uint32_t, SMALLER_F32)
DEFINE_REDUCTION(smallest_f16, uint16_t, smaller_16(a, b, 0x7C00, 0x7E00))
DEFINE_REDUCTION(smallest_bf16, uint16_t, smaller_16(a, b, 0x7F80, 0x7FC0))

enum { TYPES = HCCL_DATA_TYPE_BFP16 + 1, OPERATORS = HCCL_REDUCE_MIN + 1 };

/* Sum, product, maximum, minimum, in the order of HcclReduceOp. */
static const stub_reduction reductions[TYPES][OPERATORS] = {
    [HCCL_DATA_TYPE_INT8] = {reduce_sum_8, reduce_product_8, reduce_largest_i8, reduce_smallest_i8},
    [HCCL_DATA_TYPE_INT16] = {reduce_sum_16, NULL, reduce_largest_i16, reduce_smallest_i16},
    [HCCL_DATA_TYPE_INT32] = {reduce_sum_32, reduce_product_32, reduce_largest_i32, reduce_smallest_i32},
    [HCCL_DATA_TYPE_INT64] = {reduce_sum_64, reduce_product_64, reduce_largest_i64, reduce_smallest_i64},
    [HCCL_DATA_TYPE_FP16] = {reduce_sum_f16, reduce_product_f16, reduce_largest_f16, reduce_smallest_f16},
    [HCCL_DATA_TYPE_FP32] = {reduce_sum_f32, reduce_product_f32, reduce_largest_f32, reduce_smallest_f32},
    [HCCL_DATA_TYPE_BFP16] = {reduce_sum_bf16, NULL, reduce_largest_bf16, reduce_smallest_bf16},
};

stub_reduction stub_reduction_baseline(int32_t data_type, int32_t reduce_op) {
    const bool known = data_type >= 0 && data_type < TYPES && reduce_op >= 0 && reduce_op < OPERATORS;
    return known ? reductions[data_type][reduce_op] : NULL;
}
