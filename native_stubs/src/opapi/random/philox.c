/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3"), eight blocks at a time so
 * that the rounds are vector code. */
#include "opapi/random/philox.h"

#include <string.h>

#include "opapi/loops.h"

enum { LANES = 8, ROUNDS = 10 };

#define HIGH(product) ((uint32_t)((product) >> 32))

STUB_VERSIONS(void, philox_lanes, (stub_stream stream, uint64_t first, uint32_t (*words)[STUB_PHILOX_BLOCK]), {
    uint32_t a[LANES], b[LANES], c[LANES], d[LANES];
    uint32_t low = (uint32_t)stream.seed, high = (uint32_t)(stream.seed >> 32);
    for (uint32_t i = 0; i < LANES; i++) {
        a[i] = (uint32_t)(first + i);
        b[i] = (uint32_t)((first + i) >> 32);
        c[i] = (uint32_t)stream.offset;
        d[i] = (uint32_t)(stream.offset >> 32);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < LANES; i++) {
            const uint64_t p = (uint64_t)0xD2511F53u * a[i], q = (uint64_t)0xCD9E8D57u * c[i];
            a[i] = HIGH(q) ^ b[i] ^ low;
            b[i] = (uint32_t)q;
            c[i] = HIGH(p) ^ d[i] ^ high;
            d[i] = (uint32_t)p;
        }
        low += 0x9E3779B9u;
        high += 0xBB67AE85u;
    }
    for (uint32_t i = 0; i < LANES; i++) {
        words[i][0] = a[i];
        words[i][1] = b[i];
        words[i][2] = c[i];
        words[i][3] = d[i];
    }
})

void stub_philox(stub_stream stream, uint64_t first, size_t blocks, uint32_t *words) {
    for (size_t done = 0; done < blocks; done += LANES) {
        uint32_t made[LANES][STUB_PHILOX_BLOCK];
        STUB_BEST(philox_lanes)(stream, first + done, made);
        const size_t left = blocks - done < LANES ? blocks - done : LANES;
        memcpy(words + done * STUB_PHILOX_BLOCK, made, left * sizeof *made);
    }
}
