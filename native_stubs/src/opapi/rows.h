/* Elements of a row in and out, whatever their type and distance: neighbours are used in place or in bulk, others are
 * gathered into and scattered from a caller's buffer. Work goes in chunks so that buffers stay on the stack and hot. */
#ifndef ASCEND_STUB_OPAPI_ROWS_H
#define ASCEND_STUB_OPAPI_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "opapi/loops.h"
#include "opapi/simd.h"
#include "opapi/view.h"

/* Elements per chunk; a multiple of 8, so that chunks of int4 begin at whole bytes and words. */
enum { STUB_CHUNK = 1024, STUB_CACHE_LINE = 64 };

/* Room for a chunk of the widest elements that rows carry (8 bytes). */
typedef struct {
    _Alignas(64) uint8_t bytes[STUB_CHUNK * 8];
} stub_chunk;

static inline size_t stub_chunk_length(int64_t columns, int64_t first) {
    return columns - first < STUB_CHUNK ? (size_t)(columns - first) : (size_t)STUB_CHUNK;
}

/* Elements from `first` on that stub_row_read gives at once: all that are neighbours, else a chunk. */
static inline size_t stub_row_span(const stub_row *row, int64_t columns, int64_t first) {
    return row->step == 1 ? (size_t)(columns - first) : stub_chunk_length(columns, first);
}

/* The place of elements [first, ..) when they are neighbours and of whole bytes, else NULL. */
void *stub_row_place(const stub_row *row, int64_t first);

/* n elements as they are: their place in memory, or a copy in `chunk`. Whole-byte types. */
const void *stub_row_read(const stub_row *row, int64_t first, size_t n, stub_chunk *chunk);
void stub_row_write(const stub_row *row, int64_t first, size_t n, const void *elements);

/* Asks for `bytes` of memory that are read or written soon to be on their way; an address without memory does no harm.
 */
STUB_INLINE void stub_prefetch_to_read(const void *from, size_t bytes) {
    for (size_t byte = 0; byte < bytes; byte += STUB_CACHE_LINE) {
        __builtin_prefetch((const uint8_t *)from + byte, 0);
    }
}

STUB_INLINE void stub_prefetch_to_write(const void *from, size_t bytes) {
    for (size_t byte = 0; byte < bytes; byte += STUB_CACHE_LINE) {
        __builtin_prefetch((const uint8_t *)from + byte, 1);
    }
}

/* Asks for elements [first, first + n) of the row behind this one to be on their way, when they are neighbours. */
void stub_row_prefetch_next(const stub_row *row, int64_t first, size_t n);

/* FLOAT, FLOAT16 and BF16 as fp32, exactly. */
void stub_row_read_floats(const stub_row *row, int64_t first, size_t n, float *values);

/* INT8 values, one in a byte; INT4 values, and those that the words of an INT32 row hold, eight each, two in a byte,
 * the lower index in the low nibble. `first` and `n` count values; of INT32 rows both are multiples of 8. */

/* Their place when they are neighbours and share no byte with others, else NULL. */
void *stub_row_integers_place(const stub_row *row, int64_t first, size_t n);
/* Their place or a copy in `chunk`. */
const void *stub_row_read_integers(const stub_row *row, int64_t first, size_t n, stub_chunk *chunk);
void stub_row_write_integers(const stub_row *row, int64_t first, size_t n, const void *integers);

/* The kind of a FLOAT16 or BF16 tensor for the inner loops. */
static inline stub_half stub_half_of(const aclTensor *tensor) {
    return tensor->dtype == ACL_BF16 ? STUB_HALF_BF16 : STUB_HALF_F16;
}

#endif
