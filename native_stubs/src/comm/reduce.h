/* Arithmetic of the reductions, over contiguous elements; every instruction set gives the same bits.
 *
 * Sources are taken in the order given and each partial result is rounded to the data type (nearest even), so equal
 * orders give equal bits whoever computes. Integers wrap. Of two or more values, a NaN makes the result NaN, also of a
 * maximum or minimum, and that NaN is the positive quiet one without payload; of zeros, +0 is the larger. */
#ifndef ASCEND_STUB_COMM_REDUCE_H
#define ASCEND_STUB_COMM_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"
#include "hccl/hccl_types.h"

/* out[0..n) = reduction of from[0][start..start+n), from[1][start..start+n), ... of `count` >= 1 sources. start and n
 * are elements; no address needs any alignment. `out` may be the place of one source's elements exactly. */
typedef void (*stub_reduction)(void *out, unsigned char *const *from, uint32_t count, size_t start, size_t n);

/* Bytes of an element; 0 for what is no data type of HCCL (and for INT128, which no operation takes). */
STUB_EXPORT size_t stub_hccl_type_bytes(int32_t data_type);

/* NULL for data types and operators that Atlas A2 does not reduce. */
STUB_EXPORT stub_reduction stub_find_reduction(int32_t data_type, int32_t reduce_op);

stub_reduction stub_reduction_baseline(int32_t data_type, int32_t reduce_op);
#if defined(__x86_64__)
/* Needs AVX2 and F16C; NULL where the baseline is as fast. */
stub_reduction stub_reduction_avx2(int32_t data_type, int32_t reduce_op);
#endif

#endif
