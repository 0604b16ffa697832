/* The int8 matrix product in portable C: dot products of int16 along k, a form that compilers turn into pairwise
 * multiply-add instructions (SSE2, NEON). A panel is [columns][padded steps]. */
#include <string.h>

#include "opapi/matmul/int8_matmul_kernel.h"

enum { ROWS = 4, COLUMNS = 4, STEPS = 8, FEW = 4 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* 32 neighbouring steps, or those that there are. */
static void widen_block(const int8_t *from, size_t count, int16_t *to) {
    int8_t block[STUB_INT8_BLOCK] = {0};
    memcpy(block, from, count);
    for (size_t i = 0; i < STUB_INT8_BLOCK; i++) {
        to[i] = block[i];
    }
}

static void pack_line(const stub_int8_part *part, size_t line, int16_t *to) {
    for (size_t step = 0; step < part->steps; step += STUB_INT8_BLOCK) {
        widen_block(stub_int8_at(part->of, part->line + line, part->step + step),
                    smaller(STUB_INT8_BLOCK, part->steps - step), to + step);
    }
}

/* 32 steps of 32 neighbouring lines, by way of a copy: memory is read in runs, however far apart steps are. */
static void pack_block(const stub_int8_part *part, size_t line, size_t step, size_t padded, int16_t *panels) {
    const size_t lines = smaller(STUB_INT8_BLOCK, part->lines - line);
    const size_t steps = smaller(STUB_INT8_BLOCK, part->steps - step);
    int8_t block[STUB_INT8_BLOCK][STUB_INT8_BLOCK] = {{0}};
    for (size_t i = 0; i < steps; i++) {
        memcpy(block[i], stub_int8_at(part->of, part->line + line, part->step + step + i), lines);
    }
    for (size_t j = 0; j < lines; j++) {
        int16_t *to = panels + (line + j) * padded + step;
        for (size_t i = 0; i < STUB_INT8_BLOCK; i++) {
            to[i] = block[i][j];
        }
    }
}

static void pack_steps(const stub_int8_part *part, size_t padded, int16_t *panels) {
    for (size_t step = 0; step < part->steps; step += STUB_INT8_BLOCK) {
        for (size_t line = 0; line < part->lines; line += STUB_INT8_BLOCK) {
            pack_block(part, line, step, padded, panels);
        }
    }
}

static void baseline_pack(const stub_int8_part *part, int16_t *panels) {
    const size_t padded = stub_int8_round_up(part->steps, STUB_INT8_BLOCK);
    const size_t missing = stub_int8_round_up(part->lines, COLUMNS) - part->lines;
    if (part->of->line == 1) {
        pack_steps(part, padded, panels);
    } else {
        for (size_t line = 0; line < part->lines; line++) {
            pack_line(part, line, panels + line * padded);
        }
    }
    memset(panels + part->lines * padded, 0, missing * padded * sizeof panels[0]);
}

/* One row of x by a panel. A panel is shorter than 2^17 steps: its sums stay within int32, their sum wraps. */
static void multiply_row(const int16_t *x, const int16_t *panel, size_t steps, int32_t *sums) {
    const int16_t *w0 = panel, *w1 = w0 + steps, *w2 = w1 + steps, *w3 = w2 + steps;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (size_t i = 0; i < steps; i++) {
        s0 += x[i] * w0[i];
        s1 += x[i] * w1[i];
        s2 += x[i] * w2[i];
        s3 += x[i] * w3[i];
    }
    const int32_t found[COLUMNS] = {s0, s1, s2, s3};
    for (size_t i = 0; i < COLUMNS; i++) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)found[i]);
    }
}

static void baseline_multiply(const int16_t *x, size_t x_stride, const int16_t *panel, size_t padded_steps, size_t rows,
                              int32_t *sums, size_t sums_stride) {
    for (size_t row = 0; row < rows; row++) {
        multiply_row(x + row * x_stride, panel, padded_steps, sums + row * sums_stride);
    }
}

/* ---- few rows ---- */

/* Two steps of 32 lines. The sum of two products of int8 less one fits into an int16, the widest that the smallest
 * instruction sets multiply at once. */
static void add_pair(const int8_t *even, const int8_t *odd, const int16_t *x, int32_t *sums) {
    const uint32_t x0 = (uint16_t)x[0], x1 = (uint16_t)x[1];
    for (size_t i = 0; i < STUB_INT8_BLOCK; i++) {
        const uint16_t w0 = (uint16_t)even[i], w1 = (uint16_t)odd[i];
        const uint16_t both = (uint16_t)((uint16_t)(w0 * x0) + (uint16_t)(w1 * x1) - 1);
        sums[i] += (int16_t)both;
    }
}

/* At the end of the weight: what there is, in a block with zeros behind it. */
static const int8_t *copy_block(const int8_t *from, size_t apart, size_t lines, size_t steps,
                                int8_t block[STEPS][STUB_INT8_BLOCK]) {
    memset(block, 0, STEPS * STUB_INT8_BLOCK);
    for (size_t step = 0; step < steps; step++) {
        memcpy(block[step], from + step * apart, lines);
    }
    return block[0];
}

/* Eight steps of 32 neighbouring lines, or what there is of them. */
static void multiply_block(const int16_t *x, const int8_t *from, size_t apart, size_t lines, size_t steps,
                           int32_t *sums) {
    int8_t block[STEPS][STUB_INT8_BLOCK];
    int32_t found[STUB_INT8_BLOCK] = {0};
    if (lines < STUB_INT8_BLOCK || steps < STEPS) {
        from = copy_block(from, apart, lines, steps, block);
        apart = STUB_INT8_BLOCK;
    }
    for (size_t step = 0; step < STEPS; step += 2) {
        add_pair(from + step * apart, from + (step + 1) * apart, x + step, found);
    }
    for (size_t i = 0; i < lines; i++) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)found[i] + STEPS / 2);
    }
}

/* Eight steps of all lines, then the next eight. */
static void multiply_across(const int16_t *x, const stub_int8_part *part, int32_t *sums) {
    for (size_t step = 0; step < part->steps; step += STEPS) {
        for (size_t line = 0; line < part->lines; line += STUB_INT8_BLOCK) {
            multiply_block(x + step, stub_int8_at(part->of, part->line + line, part->step + step), part->of->step,
                           smaller(STUB_INT8_BLOCK, part->lines - line), smaller(STEPS, part->steps - step),
                           sums + line);
        }
    }
}

/* A run of neighbouring steps. */
static uint32_t dot(const int16_t *x, const int8_t *w, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i] * w[i];
    }
    return (uint32_t)sum;
}

/* A line of neighbouring steps, or of blocks of those, after the other. */
static void multiply_along(const int16_t *x, const stub_int8_part *part, int32_t *sums) {
    const size_t run = part->of->step_block == STUB_INT8_BLOCK ? part->steps : STUB_INT8_BLOCK;
    for (size_t step = 0; step < part->steps; step += run) {
        const size_t steps = smaller(run, part->steps - step);
        for (size_t line = 0; line < part->lines; line++) {
            const int8_t *from = stub_int8_at(part->of, part->line + line, part->step + step);
            const uint32_t found =
                steps == STUB_INT8_BLOCK ? dot(x + step, from, STUB_INT8_BLOCK) : dot(x + step, from, steps);
            sums[line] = (int32_t)((uint32_t)sums[line] + found);
        }
    }
}

static void baseline_multiply_few(const int16_t *x, size_t x_stride, const stub_int8_part *part, size_t rows,
                                  int32_t *sums, size_t sums_stride) {
    for (size_t row = 0; row < rows; row++) {
        if (part->of->line == 1) {
            multiply_across(x + row * x_stride, part, sums + row * sums_stride);
        } else {
            multiply_along(x + row * x_stride, part, sums + row * sums_stride);
        }
    }
}

const stub_int8_kernel stub_int8_baseline = {
    COLUMNS, ROWS, FEW, baseline_pack, baseline_multiply, baseline_multiply_few};
