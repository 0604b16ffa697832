/* The int8 matrix product for x86-64 with AVX2 and few rows: the time goes into reading the weight, which is therefore
 * read once, in the order of memory, and multiplied as it comes. Here where steps are neighbours: dot products of some
 * lines at a time. */
#include "opapi/matmul/int8_matmul_kernel.h"

#if defined(__x86_64__)
#include "opapi/matmul/int8_matmul_avx2_few.h"

/* Lines that are read at once; blocks of 32 steps that are, at most half as many as pairs, and fewer where blocks are
 * apart. */
enum { LINES = 4, MANY_BLOCKS = 32, FEW_BLOCKS = 8 };

typedef struct {
    __m256i line[LINES];
} dot_sums;

/* A row's 32 steps as unpacking leaves those of the weight. */
typedef struct {
    __m256i low, high;
} row_steps;

AVX2_INLINE row_steps load_steps(const int16_t *x) {
    const __m256i early = load_lanes(x), late = load_lanes(x + CHUNK);
    return (row_steps){_mm256_permute2x128_si256(early, late, 0x20), _mm256_permute2x128_si256(early, late, 0x31)};
}

AVX2_INLINE void multiply_block(dot_sums *first, dot_sums *second, size_t rows, const int16_t *x, size_t x_stride,
                                const int8_t *const from[LINES]) {
    const row_steps x0 = load_steps(x), x1 = rows > 1 ? load_steps(x + x_stride) : x0;
    for (int i = 0; i < LINES; i++) {
        const __m256i bytes = load_32(from[i]), low = high_bytes_low(bytes), high = high_bytes_high(bytes);
        add_products(&first->line[i], x0.low, low);
        add_products(&first->line[i], x0.high, high);
        if (rows > 1) {
            add_products(&second->line[i], x1.low, low);
            add_products(&second->line[i], x1.high, high);
        }
    }
}

AVX2_INLINE void add_dots(int32_t *sums, const dot_sums *found, size_t lines) {
    const __m256i a = _mm256_srai_epi32(found->line[0], SHIFT), b = _mm256_srai_epi32(found->line[1], SHIFT),
                  c = _mm256_srai_epi32(found->line[2], SHIFT), d = _mm256_srai_epi32(found->line[3], SHIFT);
    const __m256i both = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    int32_t four[LINES];
    _mm_storeu_si128((__m128i *)(void *)four,
                     _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    for (size_t i = 0; i < lines; i++) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)four[i]);
    }
}

/* Four lines, of which the first `lines` exist, of some blocks of steps, of which the last may be short. */
AVX2_INLINE void multiply_lines(const stub_few_rows *of, size_t rows, const stub_int8_part *part, size_t lines) {
    const __m256i zero = _mm256_setzero_si256();
    dot_sums first = {{zero, zero, zero, zero}}, second = first;
    const int8_t *start = stub_int8_at(part->of, part->line, part->step);
    size_t step = 0;
    for (; step + STUB_INT8_BLOCK <= part->steps; step += STUB_INT8_BLOCK) {
        const int8_t *at[LINES];
        for (size_t i = 0; i < LINES; i++) {
            at[i] = start + (i < lines ? i : 0) * part->of->line;
        }
        multiply_block(&first, &second, rows, of->x + step, of->x_stride, at);
        start += part->of->step_block;
    }
    if (step < part->steps) {
        int8_t rest[LINES][STUB_INT8_BLOCK] = {{0}};
        const int8_t *const at[LINES] = {rest[0], rest[1], rest[2], rest[3]};
        for (size_t i = 0; i < lines; i++) {
            memcpy(rest[i], start + i * part->of->line, part->steps - step);
        }
        multiply_block(&first, &second, rows, of->x + step, of->x_stride, at);
    }
    add_dots(of->sums, &first, lines);
    if (rows > 1) {
        add_dots(of->sums + of->stride, &second, lines);
    }
}

AVX2 static void multiply_four(const stub_few_rows *of, const stub_int8_part *part) {
    if (of->rows > 1) {
        multiply_lines(of, 2, part, part->lines);
    } else {
        multiply_lines(of, 1, part, part->lines);
    }
}

AVX2 static void multiply_along(const stub_few_rows *of, const stub_int8_part *part) {
    const size_t blocks = part->of->step_block == STUB_INT8_BLOCK ? MANY_BLOCKS : FEW_BLOCKS;
    const size_t run = blocks * STUB_INT8_BLOCK;
    for (size_t step = 0; step < part->steps; step += run) {
        for (size_t line = 0; line < part->lines; line += LINES) {
            const stub_int8_part four = {part->of, part->line + line, part->step + step,
                                         smaller(LINES, part->lines - line), smaller(run, part->steps - step)};
            for (size_t row = 0; row < of->rows; row += ROWS) {
                const stub_few_rows here = rows_from(of, row, step, line);
                multiply_four(&here, &four);
            }
        }
    }
}

AVX2 void stub_int8_avx2_few(const int16_t *x, size_t x_stride, const stub_int8_part *part, size_t rows, int32_t *sums,
                             size_t sums_stride) {
    const stub_few_rows all = {x, x_stride, rows, sums, sums_stride};
    if (part->of->line == 1) {
        stub_int8_avx2_across(&all, part);
    } else {
        multiply_along(&all, part);
    }
}
#endif
