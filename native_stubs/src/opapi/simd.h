/* The inner loops of the quantisation kernels, over contiguous elements, in one version per instruction set.
 *
 * Every version gives the same bits: the same fp32 operations in the same order, each rounded once (of NaNs that stay
 * inside, in `largest`, `extremes` and `widen`, only that they are NaNs is promised). Which one runs is decided at the
 * first use from the processor; ASCEND_STUB_SIMD=baseline or avx2 forces one (a version the processor lacks falls back
 * to baseline). */
#ifndef ASCEND_STUB_OPAPI_SIMD_H
#define ASCEND_STUB_OPAPI_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { STUB_HALF_F16, STUB_HALF_BF16 } stub_half;

/* Smallest and largest value seen, as order keys (half.h). Start from STUB_NO_EXTREMES. */
typedef struct {
    int32_t low, high;
} stub_extremes;
#define STUB_NO_EXTREMES ((stub_extremes){INT32_MAX, INT32_MIN})

/* Constants of one quantised row: y = saturate(rint(x * m * factor + offset)) to -limit-1 .. limit. `bounded` says that
 * the caller knows every value to be a number inside that range, so that neither NaN nor saturation needs a thought. */
typedef struct {
    float factor, offset, limit;
    bool bounded;
} stub_quantiser;

/* y = (x + offset) * scale with one offset and scale per element (`offset` may be NULL: none), times scale once more
 * when `twice`, kept within -limit .. limit (infinity: no limit). `finite` says that no offset or scale is infinite or
 * NaN, so that no y is NaN.
 */
typedef struct {
    const float *offset, *scale;
    float limit;
    bool twice, finite;
} stub_dequantiser;

/* One set of loops. x of n elements of `half` kind; m (may be NULL: none) holds n factors that x is multiplied with
 * first. No pointer needs any alignment. */
typedef struct {
    const char *name;
    /* fp32 bits of the largest |x * m|; at least `so_far`. A NaN is larger than infinity. */
    uint32_t (*largest)(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far);
    void (*extremes)(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found);
    /* y: int8. NaN gives 0. */
    void (*quantise)(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by, void *y);
    /* The same to int4: two in a byte, the element with the lower index in the low nibble; n is even. */
    void (*quantise_int4)(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by, void *y);
    /* x: int8. Rounds half to even; a NaN becomes the one quiet NaN of `half`. */
    void (*dequantise)(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y);
    /* The same from int4; n is even. */
    void (*dequantise_int4)(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y);
    /* y = x, exactly. */
    void (*widen)(stub_half half, const void *x, size_t n, float *y);
} stub_simd;

const stub_simd *stub_get_simd(void);

extern const stub_simd stub_simd_baseline;
#if defined(__x86_64__)
extern const stub_simd stub_simd_avx2; /* needs AVX2 and F16C */
#endif

#endif
