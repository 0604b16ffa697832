/* What the int8 matrix product needs from one instruction set: packing the weight into panels, and multiplying rows of
 * x by a panel. All versions give the same sums. */
#ifndef ASCEND_STUB_OPAPI_INT8_MATMUL_KERNEL_H
#define ASCEND_STUB_OPAPI_INT8_MATMUL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define STUB_INT8_BLOCK 32u /* lines, and steps, of a block of the weight: the row of an int8 fractal */

/* The weight as the product sees it: lines (columns of [k, n]) of steps along k. In every layout neighbours are equally
 * far apart within a block of 32, and so are blocks. `line` or `step` is 1. */
typedef struct {
    const int8_t *from;
    size_t line, line_block; /* elements between lines of a block, and between blocks of lines */
    size_t step, step_block;
} stub_int8_weight;

/* The part that goes into panels; its first line and its first step are multiples of 32. */
typedef struct {
    const stub_int8_weight *of;
    size_t line, step;
    size_t lines, steps;
} stub_int8_part;

/* A panel holds `columns` lines of a part, widened to int16 and ordered as the kernel likes it, zero where the part has
 * no line or, up to a multiple of 32, no step. The panels of a part follow each other, columns * padded steps each. */
typedef struct {
    size_t columns, rows; /* of the tile that `multiply` works on; columns divide 16 */
    size_t few;           /* rows up to which `multiply_few` is faster */
    void (*pack)(const stub_int8_part *part, int16_t *panels);
    /* sums[row * sums_stride + column] += x[row * x_stride ...] times a panel. x too is zero up to the padded steps. */
    void (*multiply)(const int16_t *x, size_t x_stride, const int16_t *panel, size_t padded_steps, size_t rows,
                     int32_t *sums, size_t sums_stride);
    /* sums[row * sums_stride + line] += x times a part as it lies in memory: for few rows, where packing costs more
     * than it saves. x is zero up to the padded steps. */
    void (*multiply_few)(const int16_t *x, size_t x_stride, const stub_int8_part *part, size_t rows, int32_t *sums,
                         size_t sums_stride);
} stub_int8_kernel;

extern const stub_int8_kernel stub_int8_baseline;
#if defined(__x86_64__)
extern const stub_int8_kernel stub_int8_avx2;
#endif

static inline const int8_t *stub_int8_at(const stub_int8_weight *of, size_t line, size_t step) {
    return of->from + line / STUB_INT8_BLOCK * of->line_block + line % STUB_INT8_BLOCK * of->line +
           step / STUB_INT8_BLOCK * of->step_block + step % STUB_INT8_BLOCK * of->step;
}

static inline size_t stub_int8_round_up(size_t value, size_t unit) {
    return (value + unit - 1) / unit * unit;
}

#endif
