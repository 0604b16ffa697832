/* Packing and unpacking tiles. */
#include "opapi/walk_pack.h"

#include <string.h>

/* Columns that are asked for before their turn comes: they are too far apart for the processor to guess, and where that
 * is a power of two more of them would push each other out of the cache. */
enum { AHEAD = 4, CACHE_LINE = 64 };

static void ask_for(const stub_packed_tile *tile, int64_t c, const uint8_t *first, int64_t row_step,
                    int64_t column_step) {
    const int64_t column = c + AHEAD < tile->columns ? c + AHEAD : tile->columns - 1;
    const uint8_t *at = first + column * column_step + (row_step < 0 ? (tile->rows - 1) * row_step : 0);
    const int64_t bytes = tile->rows * (row_step < 0 ? -row_step : row_step);
    for (int64_t i = 0; i < bytes; i += CACHE_LINE) {
        __builtin_prefetch(at + i);
    }
}

#define EACH_ELEMENT(size, to, from)                                                                                   \
    for (int64_t c = 0; c < tile->columns; c++) {                                                                      \
        ask_for(tile, c, first, row_step, column_step);                                                                \
        for (int64_t r = 0; r < tile->rows; r++) {                                                                     \
            const int64_t inside = (r * tile->pitch + c) * (size), outside = r * row_step + c * column_step;           \
            memcpy(to, from, size);                                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    return;

#define BY_WIDTH(to, from)                                                                                             \
    switch (width) {                                                                                                   \
    case 1:                                                                                                            \
        EACH_ELEMENT(1, to, from)                                                                                      \
    case 2:                                                                                                            \
        EACH_ELEMENT(2, to, from)                                                                                      \
    case 4:                                                                                                            \
        EACH_ELEMENT(4, to, from)                                                                                      \
    case 8:                                                                                                            \
        EACH_ELEMENT(8, to, from)                                                                                      \
    default:                                                                                                           \
        EACH_ELEMENT(16, to, from)                                                                                     \
    }

static void gather(stub_packed_tile *tile, int64_t width, const uint8_t *first, int64_t row_step, int64_t column_step) {
    BY_WIDTH(tile->now + inside, first + outside)
}

void stub_pack_tile(stub_packed_tile *tile, int64_t width, const uint8_t *first, int64_t row_step,
                    int64_t column_step) {
    gather(tile, width, first, row_step, column_step);
    for (int64_t r = 0; r < tile->rows && !tile->reads; r++) {
        const int64_t row = r * tile->pitch * width;
        memcpy(tile->before + row, tile->now + row, (size_t)(tile->columns * width));
    }
}

bool stub_tile_has_changed(const stub_packed_tile *tile, int64_t width) {
    for (int64_t r = 0; r < tile->rows && !tile->reads; r++) {
        const int64_t row = r * tile->pitch * width;
        if (memcmp(tile->before + row, tile->now + row, (size_t)(tile->columns * width)) != 0) {
            return true;
        }
    }
    return false;
}

void stub_unpack_tile(const stub_packed_tile *tile, int64_t width, uint8_t *first, int64_t row_step,
                      int64_t column_step) {
    BY_WIDTH(first + outside, tile->now + inside)
}
