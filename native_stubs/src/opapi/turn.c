/* Turning: blocks of 8 x 8 halves and 4 x 4 words in the registers that every x86-64 has, all else one by one. */
#include "opapi/turn.h"

#include <string.h>

#define EACH_ELEMENT(size)                                                                                             \
    for (int64_t c = 0; c < columns; c++) {                                                                            \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
            memcpy(to + c * to_step + r * (size), from + r * from_step + c * (size), size);                            \
        }                                                                                                              \
    }                                                                                                                  \
    return;

static void turn_each(size_t size, const uint8_t *from, int64_t from_step, int64_t rows, int64_t columns, uint8_t *to,
                      int64_t to_step) {
    switch (size) {
    case 1:
        EACH_ELEMENT(1)
    case 2:
        EACH_ELEMENT(2)
    case 4:
        EACH_ELEMENT(4)
    case 8:
        EACH_ELEMENT(8)
    default:
        EACH_ELEMENT(16)
    }
}

#if defined(__x86_64__)
#include <emmintrin.h>

/* A block is n registers of n elements; log2(n) rounds that interleave the first half of them with the second. */
#define ROUND(n, interleave, in, out)                                                                                  \
    for (int i = 0; i < (n) / 2; i++) {                                                                                \
        (out)[2 * i] = _mm_unpacklo_##interleave((in)[i], (in)[i + (n) / 2]);                                          \
        (out)[2 * i + 1] = _mm_unpackhi_##interleave((in)[i], (in)[i + (n) / 2]);                                      \
    }

#define LOAD_BLOCK(n, block)                                                                                           \
    for (int i = 0; i < (n); i++) {                                                                                    \
        (block)[i] = _mm_loadu_si128((const __m128i *)(const void *)(from + i * from_step));                           \
    }

#define STORE_BLOCK(n, block)                                                                                          \
    for (int i = 0; i < (n); i++) {                                                                                    \
        _mm_storeu_si128((__m128i *)(void *)(to + i * to_step), (block)[i]);                                           \
    }

static inline void turn_halves(const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step) {
    __m128i a[8], b[8];
    LOAD_BLOCK(8, a)
    ROUND(8, epi16, a, b)
    ROUND(8, epi16, b, a)
    ROUND(8, epi16, a, b)
    STORE_BLOCK(8, b)
}

static inline void turn_words(const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step) {
    __m128i a[4], b[4];
    LOAD_BLOCK(4, a)
    ROUND(4, epi32, a, b)
    ROUND(4, epi32, b, a)
    STORE_BLOCK(4, a)
}

/* Few rows at a time: rows that are a power of two apart push each other out of the cache. */
#define WHOLE_BLOCKS(size, turn_block)                                                                                 \
    for (int64_t r = 0; r < whole_rows; r += 16 / (size)) {                                                            \
        for (int64_t c = 0; c < whole_columns; c += 16 / (size)) {                                                     \
            turn_block(from + r * from_step + c * (size), from_step, to + c * to_step + r * (size), to_step);          \
        }                                                                                                              \
    }

void stub_turn(size_t size, const uint8_t *from, int64_t from_step, int64_t rows, int64_t columns, uint8_t *to,
               int64_t to_step) {
    const int64_t n = size == 2 || size == 4 ? 16 / (int64_t)size : 1, bytes = (int64_t)size;
    const int64_t whole_rows = n > 1 ? rows / n * n : 0, whole_columns = whole_rows > 0 ? columns / n * n : 0;
    if (size == 2) {
        WHOLE_BLOCKS(2, turn_halves)
    } else if (size == 4) {
        WHOLE_BLOCKS(4, turn_words)
    }
    turn_each(size, from + whole_columns * bytes, from_step, whole_rows, columns - whole_columns,
              to + whole_columns * to_step, to_step);
    turn_each(size, from + whole_rows * from_step, from_step, rows - whole_rows, columns, to + whole_rows * bytes,
              to_step);
}
#else
void stub_turn(size_t size, const uint8_t *from, int64_t from_step, int64_t rows, int64_t columns, uint8_t *to,
               int64_t to_step) {
    turn_each(size, from, from_step, rows, columns, to, to_step);
}
#endif
