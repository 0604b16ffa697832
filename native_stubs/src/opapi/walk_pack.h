/* Tiles of a walk's operands in memory of their own: for walk.c alone. */
#ifndef ASCEND_STUB_OPAPI_WALK_PACK_H
#define ASCEND_STUB_OPAPI_WALK_PACK_H

#include <stdbool.h>
#include <stdint.h>

enum { STUB_PACKED_BYTES = 64 * 1024, STUB_PACKED_ROOM = STUB_PACKED_BYTES + 4 * 1024 /* between the rows */ };

/* A tile of an operand that is dense along the rows, as rows of its own, and what they were: the walk does not know
 * who writes, but what has changed goes back. */
typedef struct {
    uint32_t operand;
    bool reads;                   /* nobody writes: `before` is not needed */
    int64_t rows, columns, pitch; /* of the tile; elements from one row of it to the next */
    _Alignas(16) uint8_t now[STUB_PACKED_ROOM], before[STUB_PACKED_ROOM];
} stub_packed_tile;

/* `first`: the tile's first element outside; steps in bytes. */
void stub_pack_tile(stub_packed_tile *tile, int64_t width, uint8_t *first, int64_t row_step, int64_t column_step);
bool stub_tile_has_changed(const stub_packed_tile *tile, int64_t width);
void stub_unpack_tile(stub_packed_tile *tile, int64_t width, uint8_t *first, int64_t row_step, int64_t column_step);

#endif
