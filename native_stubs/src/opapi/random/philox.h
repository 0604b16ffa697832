/* Philox4x32-10: random words out of a key and a counter, in any order.
 *
 * The stream of (seed, offset): the key is the seed, low word first; the counter's upper half is the offset, its lower
 * half the number of the block of four words. So every word depends on seed, offset and its position alone, and any
 * thread makes any part of the stream. The documents give the generator, not what A2 and A3 do with its words: the
 * numbers have the documented distributions, and are not those of a card. */
#ifndef ASCEND_STUB_OPAPI_RANDOM_PHILOX_H
#define ASCEND_STUB_OPAPI_RANDOM_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t seed, offset;
} stub_stream;

enum { STUB_PHILOX_BLOCK = 4 };

/* `blocks` blocks of the stream from number `first` on. */
void stub_philox(stub_stream stream, uint64_t first, size_t blocks, uint32_t *words);

#endif
