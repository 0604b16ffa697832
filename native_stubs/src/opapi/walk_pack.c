/* Packing and unpacking tiles. */
#include "opapi/walk_pack.h"

#include <string.h>

#include "opapi/turn.h"

/* Columns that are turned at once, and asked for before their turn comes: they are too far apart for the processor to
 * guess, and where that is a power of two more of them would push each other out of the cache. */
enum { COLUMNS = 8, CACHE_LINE = 64 };

static void ask_for(const stub_packed_tile *tile, int64_t from, const uint8_t *first, int64_t row_step,
                    int64_t column_step) {
    const int64_t bytes = tile->rows * (row_step < 0 ? -row_step : row_step);
    for (int64_t c = from; c < from + COLUMNS && c < tile->columns; c++) {
        const uint8_t *at = first + c * column_step + (row_step < 0 ? (tile->rows - 1) * row_step : 0);
        for (int64_t i = 0; i < bytes; i += CACHE_LINE) {
            __builtin_prefetch(at + i);
        }
    }
}

/* Columns whose elements do not touch. */
#define EACH_ELEMENT(size)                                                                                             \
    for (int64_t c = 0; c < count; c++) {                                                                              \
        for (int64_t r = 0; r < tile->rows; r++) {                                                                     \
            uint8_t *const one = inside + (r * tile->pitch + c) * (size);                                              \
            uint8_t *const other = outside + r * row_step + c * column_step;                                           \
            memcpy(in ? one : other, in ? other : one, size);                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    return;

static void move_apart(const stub_packed_tile *tile, int64_t width, int64_t count, uint8_t *inside, uint8_t *outside,
                       int64_t row_step, int64_t column_step, bool in) {
    switch (width) {
    case 1:
        EACH_ELEMENT(1)
    case 2:
        EACH_ELEMENT(2)
    case 4:
        EACH_ELEMENT(4)
    case 8:
        EACH_ELEMENT(8)
    default:
        EACH_ELEMENT(16)
    }
}

static void move(const stub_packed_tile *tile, int64_t width, uint8_t *now, uint8_t *first, int64_t row_step,
                 int64_t column_step, bool in) {
    const size_t size = (size_t)width;
    ask_for(tile, 0, first, row_step, column_step);
    for (int64_t c = 0; c < tile->columns; c += COLUMNS) {
        const int64_t count = tile->columns - c < COLUMNS ? tile->columns - c : COLUMNS;
        uint8_t *const inside = now + c * width, *const outside = first + c * column_step;
        ask_for(tile, c + COLUMNS, first, row_step, column_step);
        if (row_step != width) {
            move_apart(tile, width, count, inside, outside, row_step, column_step, in);
        } else if (in) {
            stub_turn(size, outside, column_step, count, tile->rows, inside, tile->pitch * width);
        } else {
            stub_turn(size, inside, tile->pitch * width, tile->rows, count, outside, column_step);
        }
    }
}

void stub_pack_tile(stub_packed_tile *tile, int64_t width, uint8_t *first, int64_t row_step, int64_t column_step) {
    move(tile, width, tile->now, first, row_step, column_step, true);
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

void stub_unpack_tile(stub_packed_tile *tile, int64_t width, uint8_t *first, int64_t row_step, int64_t column_step) {
    move(tile, width, tile->now, first, row_step, column_step, false);
}
