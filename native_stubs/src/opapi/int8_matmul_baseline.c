/* The int8 matrix product in portable C: dot products of int16 along k, a form that compilers turn into pairwise
 * multiply-add instructions (SSE2, NEON). A panel is [columns][padded steps]. */
#include <string.h>

#include "opapi/int8_matmul_kernel.h"

enum { ROWS = 4, COLUMNS = 4 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* 32 steps, or those that there are. */
static void widen_block(const int8_t *from, size_t apart, size_t count, int16_t *to) {
    if (apart == 1 && count == STUB_INT8_BLOCK) {
        for (size_t i = 0; i < STUB_INT8_BLOCK; i++) {
            to[i] = from[i];
        }
        return;
    }
    for (size_t i = 0; i < STUB_INT8_BLOCK; i++) {
        to[i] = i < count ? from[i * apart] : 0;
    }
}

static void pack_line(const stub_int8_part *part, size_t line, int16_t *to) {
    for (size_t step = 0; step < part->steps; step += STUB_INT8_BLOCK) {
        const size_t left = part->steps - step;
        widen_block(stub_int8_at(part->of, part->line + line, part->step + step), part->of->step,
                    left < STUB_INT8_BLOCK ? left : STUB_INT8_BLOCK, to + step);
    }
}

static void baseline_pack(const stub_int8_part *part, int16_t *panels) {
    const size_t padded = stub_int8_round_up(part->steps, STUB_INT8_BLOCK);
    for (size_t line = 0; line < part->lines; line++) {
        pack_line(part, line, panels + line * padded);
    }
    const size_t missing = stub_int8_round_up(part->lines, COLUMNS) - part->lines;
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

static void add_multiple(const int8_t *line, int32_t factor, size_t count, int32_t *sums) {
    for (size_t i = 0; i < count; i++) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)(factor * line[i]));
    }
}

/* A step of neighbouring lines after the other. */
static void multiply_across(const int16_t *x, const stub_int8_part *part, int32_t *sums) {
    for (size_t line = 0; line < part->lines; line += STUB_INT8_BLOCK) {
        const size_t lines = smaller(STUB_INT8_BLOCK, part->lines - line);
        for (size_t step = 0; step < part->steps; step++) {
            add_multiple(stub_int8_at(part->of, part->line + line, part->step + step), x[step], lines, sums + line);
        }
    }
}

static int32_t dot(const int16_t *x, const int8_t *w, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

/* A line of neighbouring steps after the other. */
static void multiply_along(const int16_t *x, const stub_int8_part *part, int32_t *sums) {
    for (size_t line = 0; line < part->lines; line++) {
        uint32_t sum = (uint32_t)sums[line];
        for (size_t step = 0; step < part->steps; step += STUB_INT8_BLOCK) {
            sum += (uint32_t)dot(x + step, stub_int8_at(part->of, part->line + line, part->step + step),
                                 smaller(STUB_INT8_BLOCK, part->steps - step));
        }
        sums[line] = (int32_t)sum;
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

const stub_int8_kernel stub_int8_baseline = {COLUMNS, ROWS, baseline_pack, baseline_multiply, baseline_multiply_few};
