/* The int8 matrix product for x86-64 with AVX2: products of packed panels, [padded steps / 2][16][2]. */
#include "opapi/matmul/int8_matmul_kernel.h"

#if defined(__x86_64__)
#include "opapi/matmul/int8_matmul_avx2.h"

/* ---- products ---- */

typedef struct {
    sixteen row[AVX2_ROWS];
} tile_sums;

/* `rows` is a constant where this is inlined, and so are the indices of the rows. */
AVX2_INLINE void multiply_pair(tile_sums *found, const int16_t *x, size_t x_stride, size_t rows, const int16_t *panel) {
    const sixteen weight = load_pairs(panel);
    add_pair(&found->row[0], 0, rows, x, x_stride, weight);
    add_pair(&found->row[1], 1, rows, x, x_stride, weight);
    add_pair(&found->row[2], 2, rows, x, x_stride, weight);
    add_pair(&found->row[3], 3, rows, x, x_stride, weight);
}

/* Two pairs in a round: steps are padded to a multiple of 32. */
AVX2_INLINE void multiply_rows(const int16_t *x, size_t x_stride, const int16_t *panel, size_t steps, size_t rows,
                               int32_t *sums, size_t stride) {
    const sixteen zero = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    tile_sums found = {{zero, zero, zero, zero}};
    for (size_t i = 0; i < steps; i += 2 * PAIR) {
        multiply_pair(&found, x + i, x_stride, rows, panel + i * AVX2_COLUMNS);
        multiply_pair(&found, x + i + PAIR, x_stride, rows, panel + (i + PAIR) * AVX2_COLUMNS);
    }
    add_row(&found.row[0], 0, rows, sums, stride);
    add_row(&found.row[1], 1, rows, sums, stride);
    add_row(&found.row[2], 2, rows, sums, stride);
    add_row(&found.row[3], 3, rows, sums, stride);
}

AVX2 static void avx2_multiply(const int16_t *x, size_t x_stride, const int16_t *panel, size_t padded_steps,
                               size_t rows, int32_t *sums, size_t sums_stride) {
    switch (rows) {
    case 1:
        multiply_rows(x, x_stride, panel, padded_steps, 1, sums, sums_stride);
        break;
    case 2:
        multiply_rows(x, x_stride, panel, padded_steps, 2, sums, sums_stride);
        break;
    case 3:
        multiply_rows(x, x_stride, panel, padded_steps, 3, sums, sums_stride);
        break;
    default:
        multiply_rows(x, x_stride, panel, padded_steps, AVX2_ROWS, sums, sums_stride);
    }
}

/* ---- packing ---- */

/* Steps to pack at once where lines are neighbours, as many streams through memory; and how many steps ahead the
 * streams are asked for: runs are too short for the processor to find out by itself. */
enum { STREAMS = 8, AHEAD = 4 * STREAMS, CACHE_LINE = 64, INTO_SECOND_LEVEL = 2, FEW = 8 };

static inline size_t left(size_t all, size_t done) {
    return all > done ? all - done : 0;
}

/* Sixteen lines, of which the first `lines` exist, of eight steps, of which the first `steps` do. */
AVX2_INLINE void pack_across(const int8_t *from, size_t apart, size_t lines, size_t steps, int16_t *panel) {
    for (size_t step = 0; step < STREAMS; step += PAIR) {
        const __m128i even = load_up_to_16(from + step * apart, step < steps ? lines : 0);
        const __m128i odd = load_up_to_16(from + (step + 1) * apart, step + 1 < steps ? lines : 0);
        store_pairs(panel + step * AVX2_COLUMNS, interleave(even, odd));
    }
}

static void ask_for_steps(const int8_t *from, size_t apart) {
    for (size_t step = 0; step < STREAMS; step++) {
        __builtin_prefetch(from + (AHEAD + step) * apart, 0, INTO_SECOND_LEVEL);
    }
}

/* The lines are neighbours. */
AVX2 static void pack_steps(const stub_int8_part *part, int16_t *panels) {
    const size_t padded = stub_int8_round_up(part->steps, STUB_INT8_BLOCK), apart = part->of->step;
    for (size_t step = 0; step < padded; step += STREAMS) {
        for (size_t line = 0; line < part->lines; line += AVX2_COLUMNS) {
            const int8_t *from = stub_int8_at(part->of, part->line + line, part->step + step);
            const size_t lines = part->lines - line, steps = left(part->steps, step);
            int16_t *panel = panels + line * padded + step * AVX2_COLUMNS;
            if (line % CACHE_LINE == 0) {
                ask_for_steps(from, apart);
            }
            if (lines >= AVX2_COLUMNS && steps >= STREAMS) { /* with constants there are no tests inside */
                pack_across(from, apart, AVX2_COLUMNS, STREAMS, panel);
            } else {
                pack_across(from, apart, lines, steps, panel);
            }
        }
    }
}

/* Eight lines of eight pairs to eight pairs of eight lines. */
AVX2_INLINE void transpose_pairs(__m256i v[LANES], int16_t *to) {
    __m256i a[LANES], b[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (int i = 0; i < LANES / 2; i++) {
        __m256i *early = (__m256i *)(void *)(to + i * AVX2_COLUMNS * PAIR);
        __m256i *late = (__m256i *)(void *)(to + (i + LANES / 2) * AVX2_COLUMNS * PAIR);
        _mm256_storeu_si256(early, _mm256_permute2x128_si256(b[i], b[i + 4], 0x20));
        _mm256_storeu_si256(late, _mm256_permute2x128_si256(b[i], b[i + 4], 0x31));
    }
}

AVX2_INLINE void pack_along(const int8_t *from, size_t apart, size_t lines, size_t steps, int16_t *panel) {
    __m256i v[LANES];
    for (size_t i = 0; i < LANES; i++) {
        v[i] = _mm256_cvtepi8_epi16(load_up_to_16(from + i * apart, i < lines ? steps : 0));
    }
    transpose_pairs(v, panel);
}

/* The steps are neighbours, at least within a block. */
AVX2 static void pack_lines(const stub_int8_part *part, int16_t *panels) {
    const size_t padded = stub_int8_round_up(part->steps, STUB_INT8_BLOCK), apart = part->of->line;
    for (size_t line = 0; line < stub_int8_round_up(part->lines, AVX2_COLUMNS); line += LANES) {
        int16_t *panel = panels + line / AVX2_COLUMNS * AVX2_COLUMNS * padded + line % AVX2_COLUMNS * PAIR;
        for (size_t step = 0; step < padded; step += CHUNK) {
            const int8_t *from = stub_int8_at(part->of, part->line + line, part->step + step);
            const size_t lines = left(part->lines, line), steps = left(part->steps, step);
            if (lines >= LANES && steps >= CHUNK) {
                pack_along(from, apart, LANES, CHUNK, panel + step * AVX2_COLUMNS);
            } else {
                pack_along(from, apart, lines, steps, panel + step * AVX2_COLUMNS);
            }
        }
    }
}

AVX2 static void avx2_pack(const stub_int8_part *part, int16_t *panels) {
    if (part->of->line == 1) {
        pack_steps(part, panels);
    } else {
        pack_lines(part, panels);
    }
}

const stub_int8_kernel stub_int8_avx2 = {AVX2_COLUMNS, AVX2_ROWS, FEW, avx2_pack, avx2_multiply, stub_int8_avx2_few};
#endif
