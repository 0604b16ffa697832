/* The int8 matrix product for x86-64 with AVX2 and few rows: the time goes into reading the weight, which is therefore
 * read once, in the order of memory, and multiplied as it comes. */
#include "opapi/int8_matmul_kernel.h"

#if defined(__x86_64__)
#include "opapi/int8_matmul_avx2.h"

enum { STREAMS = 8, DOTS = 4 };

/* Up to four rows of x and their sums. */
typedef struct {
    const int16_t *x;
    size_t x_stride, rows;
    int32_t *sums;
    size_t stride;
} few_rows;

static inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- lines are neighbours ---- */

/* Two steps of 16 lines; `lines` and `steps` count what there is from here on. */
AVX2_INLINE sixteen fetch(const int8_t *from, size_t apart, size_t lines, size_t step, size_t steps) {
    return interleave(load_up_to_16(from + step * apart, lines),
                      load_up_to_16(from + (step + 1) * apart, step + 1 < steps ? lines : 0));
}

AVX2_INLINE void multiply_across(const few_rows *of, size_t rows, const int8_t *from, size_t apart, size_t lines,
                                 size_t steps) {
    const sixteen zero = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    sixteen r0 = zero, r1 = zero, r2 = zero, r3 = zero;
    for (size_t i = 0; i < steps; i += PAIR) {
        const sixteen weight = fetch(from, apart, lines, i, steps);
        add_pair(&r0, 0, rows, of->x + i, of->x_stride, weight);
        add_pair(&r1, 1, rows, of->x + i, of->x_stride, weight);
        add_pair(&r2, 2, rows, of->x + i, of->x_stride, weight);
        add_pair(&r3, 3, rows, of->x + i, of->x_stride, weight);
    }
    add_row(&r0, 0, rows, of->sums, of->stride);
    add_row(&r1, 1, rows, of->sums, of->stride);
    add_row(&r2, 2, rows, of->sums, of->stride);
    add_row(&r3, 3, rows, of->sums, of->stride);
}

AVX2_INLINE void multiply_sixteen(const few_rows *of, const int8_t *from, size_t apart, size_t lines, size_t steps) {
    switch (of->rows) {
    case 1:
        multiply_across(of, 1, from, apart, lines, steps);
        break;
    case 2:
        multiply_across(of, 2, from, apart, lines, steps);
        break;
    case 3:
        multiply_across(of, 3, from, apart, lines, steps);
        break;
    default:
        multiply_across(of, AVX2_ROWS, from, apart, lines, steps);
    }
}

/* Eight steps (as many streams through memory) of all lines, then the next eight. */
AVX2 static void multiply_steps(const few_rows *rows, const stub_int8_part *part) {
    for (size_t step = 0; step < part->steps; step += STREAMS) {
        few_rows here = *rows;
        here.x += step;
        for (size_t line = 0; line < part->lines; line += AVX2_COLUMNS) {
            const int8_t *from = stub_int8_at(part->of, part->line + line, part->step + step);
            const size_t lines = part->lines - line, steps = smaller(STREAMS, part->steps - step);
            if (lines >= AVX2_COLUMNS && steps == STREAMS) { /* with constants there are no tests inside */
                multiply_sixteen(&here, from, part->of->step, AVX2_COLUMNS, STREAMS);
            } else {
                multiply_sixteen(&here, from, part->of->step, lines, steps);
            }
            here.sums += AVX2_COLUMNS;
        }
    }
}

/* Blocks of lines that are not neighbours are done one after the other. */
AVX2 static void multiply_blocks_of_lines(const few_rows *of, const stub_int8_part *part) {
    const size_t run = part->of->line_block == STUB_INT8_BLOCK ? part->lines : STUB_INT8_BLOCK;
    for (size_t line = 0; line < part->lines; line += run) {
        few_rows here = *of;
        stub_int8_part block = *part;
        here.sums += line;
        block.line += line;
        block.lines = smaller(run, part->lines - line);
        multiply_steps(&here, &block);
    }
}

/* ---- steps are neighbours ---- */

AVX2_INLINE __m256i add_dots(__m256i sums, __m256i x, const int8_t *from, size_t steps) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(x, _mm256_cvtepi8_epi16(load_up_to_16(from, steps))));
}

AVX2_INLINE void add_four(int32_t *sums, __m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i both = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    const __m128i found = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    __m128i *at = (__m128i *)(void *)sums;
    _mm_storeu_si128(at, _mm_add_epi32(_mm_loadu_si128(at), found));
}

/* A row by four lines, of which the first `lines` exist. */
AVX2_INLINE void multiply_four(const int16_t *x, const int8_t *from, size_t apart, size_t lines, size_t steps,
                               int32_t *sums) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    const int8_t *second = lines > 1 ? from + apart : from, *third = lines > 2 ? second + apart : from,
                 *fourth = lines > 3 ? third + apart : from;
    for (size_t i = 0; i < steps; i += CHUNK) {
        const __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        a = add_dots(a, some, from + i, steps - i);
        b = add_dots(b, some, second + i, steps - i);
        c = add_dots(c, some, third + i, steps - i);
        d = add_dots(d, some, fourth + i, steps - i);
    }
    add_four(sums, a, b, c, d);
}

/* Lines whose `steps` lie in one run. */
AVX2 static void multiply_runs(const few_rows *of, const stub_int8_part *part, size_t step, size_t steps) {
    for (size_t line = 0; line < part->lines; line += DOTS) {
        const int8_t *from = stub_int8_at(part->of, part->line + line, part->step + step);
        for (size_t row = 0; row < of->rows; row++) {
            multiply_four(of->x + row * of->x_stride + step, from, part->of->line, part->lines - line, steps,
                          of->sums + row * of->stride + line);
        }
    }
}

/* Blocks of steps that are not neighbours are done one after the other. */
AVX2 static void multiply_blocks_of_steps(const few_rows *of, const stub_int8_part *part) {
    const size_t run = part->of->step_block == STUB_INT8_BLOCK ? part->steps : STUB_INT8_BLOCK;
    for (size_t step = 0; step < part->steps; step += run) {
        multiply_runs(of, part, step, smaller(run, part->steps - step));
    }
}

AVX2 void stub_int8_avx2_few(const int16_t *x, size_t x_stride, const stub_int8_part *part, size_t rows, int32_t *sums,
                             size_t sums_stride) {
    const few_rows all = {x, x_stride, rows, sums, sums_stride};
    if (part->of->line == 1) {
        multiply_blocks_of_lines(&all, part);
    } else {
        multiply_blocks_of_steps(&all, part);
    }
}
#endif
