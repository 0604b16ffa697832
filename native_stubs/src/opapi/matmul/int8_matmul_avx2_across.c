/* The int8 matrix product for x86-64 with AVX2 and few rows, of a weight whose lines are neighbours: some steps of many
 * lines at a time, so that every stream through memory is read in long runs. */
#include "opapi/matmul/int8_matmul_kernel.h"

#if defined(__x86_64__)
#include "opapi/matmul/int8_matmul_avx2_few.h"

/* Steps that are read at once, as many streams through memory; how far ahead they are asked for; steps between shifts;
 * lines whose sums stay in the first-level cache. */
enum { STREAMS = 8, AHEAD = 2 * STREAMS, RUN = 2 * MOST_PAIRS, STRIP = 1024, CACHE_LINE = 64, INTO_SECOND_LEVEL = 2 };

/* Sums of 32 lines times 256, four to a 128-bit half in the order in which unpacking leaves them: lines 0 to 3 and 16
 * to 19 in the first, 4 to 7 and 20 to 23 in the second, and so on. */
typedef struct {
    __m256i part[4];
} line_sums;

typedef struct {
    _Alignas(32) int32_t of[ROWS][STRIP];
} raw_sums;

AVX2_INLINE line_sums load_sums(const int32_t *from) {
    return (line_sums){{load_lanes(from), load_lanes(from + 8), load_lanes(from + 16), load_lanes(from + 24)}};
}

AVX2_INLINE void store_sums(int32_t *to, const line_sums *sums) {
    store_lanes(to, sums->part[0]);
    store_lanes(to + 8, sums->part[1]);
    store_lanes(to + 16, sums->part[2]);
    store_lanes(to + 24, sums->part[3]);
}

AVX2_INLINE void add_quarter(line_sums *sums, int quarter, __m256i x, __m256i weight) {
    add_products(&sums->part[quarter], x, weight);
}

/* A pair of steps of 32 lines. */
AVX2_INLINE void multiply_pair(line_sums *first, line_sums *second, size_t rows, const int16_t *x, size_t x_stride,
                               const int8_t *even, const int8_t *odd) {
    const __m256i e = load_32(even), o = load_32(odd);
    const __m256i low = _mm256_unpacklo_epi8(e, o), high = _mm256_unpackhi_epi8(e, o);
    const __m256i weight[] = {high_bytes_low(low), high_bytes_high(low), high_bytes_low(high), high_bytes_high(high)};
    const __m256i x0 = broadcast_pair(x);
    for (int i = 0; i < 4; i++) {
        add_quarter(first, i, x0, weight[i]);
    }
    if (rows > 1) {
        const __m256i x1 = broadcast_pair(x + x_stride);
        for (int i = 0; i < 4; i++) {
            add_quarter(second, i, x1, weight[i]);
        }
    }
}

/* 32 lines of `steps` steps, a multiple of four. */
AVX2_INLINE void multiply_full(const stub_few_rows *of, size_t rows, const int8_t *from, size_t apart, size_t steps,
                               raw_sums *raw, size_t line) {
    line_sums first = load_sums(raw->of[0] + line), second = rows > 1 ? load_sums(raw->of[1] + line) : first;
    for (size_t i = 0; i < steps; i += 2 * PAIR) {
        const int8_t *at = from + i * apart;
        multiply_pair(&first, &second, rows, of->x + i, of->x_stride, at, at + apart);
        multiply_pair(&first, &second, rows, of->x + i + PAIR, of->x_stride, at + 2 * apart, at + 3 * apart);
    }
    store_sums(raw->of[0] + line, &first);
    if (rows > 1) {
        store_sums(raw->of[1] + line, &second);
    }
}

/* At the end of the weight: what there is of 32 lines, in a block with zeros behind it. */
AVX2 static void multiply_rest(const stub_few_rows *of, const int8_t *from, size_t apart, size_t lines, size_t steps,
                               raw_sums *raw, size_t line) {
    stub_few_rows here = *of;
    for (size_t step = 0; step < steps; step += STREAMS) {
        int8_t block[STREAMS][STUB_INT8_BLOCK] = {{0}};
        for (size_t i = 0; i < smaller(STREAMS, steps - step); i++) {
            memcpy(block[i], from + (step + i) * apart, lines);
        }
        if (of->rows > 1) {
            multiply_full(&here, 2, block[0], STUB_INT8_BLOCK, STREAMS, raw, line);
        } else {
            multiply_full(&here, 1, block[0], STUB_INT8_BLOCK, STREAMS, raw, line);
        }
        here.x += STREAMS;
    }
}

static inline void ask_for_steps(const int8_t *from, size_t apart) {
    for (size_t step = 0; step < STREAMS; step++) {
        __builtin_prefetch(from + (AHEAD + step) * apart, 0, INTO_SECOND_LEVEL);
    }
}

/* Some steps, a multiple of four, of all lines of the strip. */
AVX2_INLINE void multiply_steps(const stub_few_rows *of, size_t rows, const int8_t *from, size_t apart, size_t lines,
                                size_t steps, raw_sums *raw) {
    size_t line = 0;
    for (; line + STUB_INT8_BLOCK <= lines; line += STUB_INT8_BLOCK) {
        if (line % CACHE_LINE == 0) {
            ask_for_steps(from + line, apart);
        }
        multiply_full(of, rows, from + line, apart, steps, raw, line);
    }
    if (line < lines) {
        multiply_rest(of, from + line, apart, lines - line, steps, raw, line);
    }
}

/* The last steps, fewer than eight. */
AVX2 static void multiply_last(const stub_few_rows *of, const int8_t *from, size_t apart, size_t lines, size_t steps,
                               raw_sums *raw) {
    for (size_t line = 0; line < lines; line += STUB_INT8_BLOCK) {
        multiply_rest(of, from + line, apart, smaller(STUB_INT8_BLOCK, lines - line), steps, raw, line);
    }
}

/* Eight steps of all lines, then the next eight; all steps at once where there is one block of lines. */
AVX2_INLINE void multiply_run(const stub_few_rows *of, size_t rows, const stub_int8_part *part, raw_sums *raw) {
    const size_t apart = part->of->step, full = part->steps / STREAMS * STREAMS;
    const int8_t *from = stub_int8_at(part->of, part->line, part->step);
    stub_few_rows here = *of;
    if (part->lines <= STUB_INT8_BLOCK) {
        multiply_steps(&here, rows, from, apart, part->lines, full, raw);
    } else {
        for (size_t step = 0; step < full; step += STREAMS) {
            here.x = of->x + step;
            multiply_steps(&here, rows, from + step * apart, apart, part->lines, STREAMS, raw);
        }
    }
    here.x = of->x + full;
    multiply_last(&here, from + full * apart, apart, part->lines, part->steps - full, raw);
}

/* 32 lines' sums in order, without the factor. */
AVX2_INLINE line_sums settle(const int32_t *raw) {
    const line_sums s = load_sums(raw);
    __m256i a = _mm256_srai_epi32(s.part[0], SHIFT), b = _mm256_srai_epi32(s.part[1], SHIFT),
            c = _mm256_srai_epi32(s.part[2], SHIFT), d = _mm256_srai_epi32(s.part[3], SHIFT);
    return (line_sums){{_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(c, d, 0x20),
                        _mm256_permute2x128_si256(a, b, 0x31), _mm256_permute2x128_si256(c, d, 0x31)}};
}

AVX2 static void add_settled(int32_t *sums, const int32_t *raw, size_t lines) {
    for (size_t line = 0; line < lines; line += STUB_INT8_BLOCK) {
        int32_t found[STUB_INT8_BLOCK];
        const line_sums settled = settle(raw + line);
        store_sums(found, &settled);
        for (size_t i = 0; i < smaller(STUB_INT8_BLOCK, lines - line); i++) {
            sums[line + i] = (int32_t)((uint32_t)sums[line + i] + (uint32_t)found[i]);
        }
    }
}

AVX2 static void multiply_strip(const stub_few_rows *of, const stub_int8_part *part) {
    raw_sums raw;
    memset(raw.of[0], 0, stub_int8_round_up(part->lines, STUB_INT8_BLOCK) * sizeof raw.of[0][0]);
    memset(raw.of[1], 0, stub_int8_round_up(part->lines, STUB_INT8_BLOCK) * sizeof raw.of[1][0]);
    if (of->rows > 1) {
        multiply_run(of, 2, part, &raw);
        add_settled(of->sums + of->stride, raw.of[1], part->lines);
    } else {
        multiply_run(of, 1, part, &raw);
    }
    add_settled(of->sums, raw.of[0], part->lines);
}

/* Strips are as wide as lines lie side by side. */
AVX2 void stub_int8_avx2_across(const stub_few_rows *of, const stub_int8_part *part) {
    const size_t width = part->of->line_block == STUB_INT8_BLOCK ? STRIP : STUB_INT8_BLOCK;
    for (size_t line = 0; line < part->lines; line += width) {
        for (size_t step = 0; step < part->steps; step += RUN) {
            const stub_int8_part strip = {part->of, part->line + line, part->step + step,
                                          smaller(width, part->lines - line), smaller(RUN, part->steps - step)};
            for (size_t row = 0; row < of->rows; row += ROWS) {
                const stub_few_rows here = rows_from(of, row, step, line);
                multiply_strip(&here, &strip);
            }
        }
    }
}
#endif
