/* Copying boxes: axes in the order of the target, runs by memcpy, transposed planes tile by tile, shares for the
 * threads. */
#include <string.h>

#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/moves/box.h"
#include "opapi/turn.h"
#include "opapi/walk.h"

/* Bytes for which another thread is worth waking; bytes of a tile along a row of the target, and of the source. */
enum { SHARE = 256 * 1024, TILE_BYTES = 128, TILE_DEPTH = 512 };

typedef struct {
    uint64_t words[2];
} wide; /* 16 bytes */

/* A constant step lets the compiler turn a loop into vector code. */
#define MOVE(type)                                                                                                     \
    {                                                                                                                  \
        type v;                                                                                                        \
        if (from_step == 0 && to_step == (int64_t)sizeof v) {                                                          \
            memcpy(&v, from, sizeof v);                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                memcpy(to + i * (int64_t)sizeof v, &v, sizeof v);                                                      \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            memcpy(&v, from + i * from_step, sizeof v);                                                                \
            memcpy(to + i * to_step, &v, sizeof v);                                                                    \
        }                                                                                                              \
        return;                                                                                                        \
    }

void stub_move(int64_t width, uint8_t *to, int64_t to_step, const uint8_t *from, int64_t from_step, int64_t n) {
    if (to_step == width && from_step == width) {
        memcpy(to, from, (size_t)(n * width));
        return;
    }
    switch (width) {
    case 1:
        MOVE(uint8_t)
    case 2:
        MOVE(uint16_t)
    case 4:
        MOVE(uint32_t)
    case 8:
        MOVE(uint64_t)
    default:
        MOVE(wide)
    }
}

/* The last two axes of a copy: rows and columns. */
typedef struct {
    int64_t rows, columns, to_row, to_column, from_row, from_column;
} plane;

/* Columns of the target lie side by side, rows of the source do: whole lines of both go through `tile`. */
#define TRANSPOSE(type)                                                                                                \
    {                                                                                                                  \
        enum { WIDE = TILE_BYTES / sizeof(type), DEEP = TILE_DEPTH / sizeof(type) };                                   \
        type tile[DEEP][WIDE];                                                                                         \
        for (int64_t column = 0; column < p->columns; column += WIDE) {                                                \
            const int64_t columns = p->columns - column < WIDE ? p->columns - column : WIDE;                           \
            for (int64_t row = 0; row < p->rows; row += DEEP) {                                                        \
                const int64_t rows = p->rows - row < DEEP ? p->rows - row : DEEP;                                      \
                const uint8_t *const first = from + column * p->from_column + row * p->from_row;                       \
                if (p->from_row == (int64_t)sizeof(type)) {                                                            \
                    stub_turn(sizeof(type), first, p->from_column, columns, rows, (uint8_t *)tile, sizeof tile[0]);    \
                }                                                                                                      \
                for (int64_t c = 0; c < columns && p->from_row != (int64_t)sizeof(type); c++) {                        \
                    const uint8_t *line = first + c * p->from_column;                                                  \
                    for (int64_t r = 0; r < rows; r++) {                                                               \
                        memcpy(&tile[r][c], line + r * p->from_row, sizeof(type));                                     \
                    }                                                                                                  \
                }                                                                                                      \
                for (int64_t r = 0; r < rows; r++) {                                                                   \
                    memcpy(to + (row + r) * p->to_row + column * p->to_column, tile[r],                                \
                           (size_t)columns * sizeof(type));                                                            \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return;                                                                                                        \
    }

static void transpose(int64_t width, const plane *p, uint8_t *to, const uint8_t *from) {
    switch (width) {
    case 1:
        TRANSPOSE(uint8_t)
    case 2:
        TRANSPOSE(uint16_t)
    case 4:
        TRANSPOSE(uint32_t)
    case 8:
        TRANSPOSE(uint64_t)
    default:
        TRANSPOSE(wide)
    }
}

typedef struct {
    int64_t size, to, from; /* steps */
} axis;

typedef struct {
    uint8_t *to;
    const uint8_t *from;
    int64_t width;
    uint32_t outer; /* axes before the plane */
    axis axes[STUB_BOX_RANK + 2];
    plane whole;
    int64_t row_block, column_block; /* of one part of a plane */
    int64_t row_parts, column_parts, parts, share;
} job;

static void copy_plane(const job *work, const plane *p, uint8_t *to, const uint8_t *from) {
    const bool turned = p->to_column == work->width && p->from_column != work->width && p->from_column != 0 &&
                        p->from_row != 0 && p->rows > 3;
    if (turned) {
        transpose(work->width, p, to, from);
        return;
    }
    for (int64_t r = 0; r < p->rows; r++) {
        stub_move(work->width, to + r * p->to_row, p->to_column, from + r * p->from_row, p->from_column, p->columns);
    }
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void copy_part(const job *work, int64_t part) {
    plane p = work->whole;
    const int64_t column = part % work->column_parts * work->column_block;
    const int64_t row = part / work->column_parts % work->row_parts * work->row_block;
    int64_t rest = part / work->column_parts / work->row_parts;
    uint8_t *to = work->to + row * p.to_row + column * p.to_column;
    const uint8_t *from = work->from + row * p.from_row + column * p.from_column;
    for (uint32_t i = work->outer; i-- > 0; rest /= work->axes[i].size) {
        const int64_t index = rest % work->axes[i].size;
        to += index * work->axes[i].to;
        from += index * work->axes[i].from;
    }
    p.rows = smaller(work->row_block, p.rows - row);
    p.columns = smaller(work->column_block, p.columns - column);
    copy_plane(work, &p, to, from);
}

static void copy_share(void *state, size_t index) {
    const job *work = state;
    const int64_t first = (int64_t)index * work->share, end = smaller(first + work->share, work->parts);
    for (int64_t part = first; part < end; part++) {
        copy_part(work, part);
    }
}

static int64_t magnitude(int64_t step) {
    return step < 0 ? -step : step;
}

static void swap(axis *a, axis *b) {
    const axis kept = *a;
    *a = *b;
    *b = kept;
}

/* The axes that have more than one index, outermost of the target first, merged where both sides continue. */
static uint32_t find_axes(const stub_box *to, const stub_box *from, axis *axes) {
    uint32_t count = 0, merged = 0;
    for (uint32_t i = 0; i < to->rank; i++) {
        if (to->shape[i] != 1) {
            axes[count++] = (axis){to->shape[i], to->steps[i], from->steps[i]};
            for (uint32_t j = count - 1; j > 0 && magnitude(axes[j].to) > magnitude(axes[j - 1].to); j--) {
                swap(&axes[j], &axes[j - 1]);
            }
        }
    }
    for (uint32_t i = 1; i < count; i++) {
        axis *outer = &axes[merged];
        if (outer->to == axes[i].to * axes[i].size && outer->from == axes[i].from * axes[i].size) {
            *outer = (axis){outer->size * axes[i].size, axes[i].to, axes[i].from};
        } else {
            axes[++merged] = axes[i];
        }
    }
    return count == 0 ? 0 : merged + 1;
}

/* The axis along which the source is densest goes beside the last one: the two are transposed tile by tile. */
static void choose_rows(axis *axes, uint32_t count) {
    const axis *last = &axes[count - 1];
    uint32_t best = count - 2;
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (axes[i].from != 0 && magnitude(axes[i].from) < magnitude(axes[best].from)) {
            best = i;
        }
    }
    if (magnitude(axes[best].from) < magnitude(last->from)) {
        const axis chosen = axes[best];
        memmove(&axes[best], &axes[best + 1], (count - 2 - best) * sizeof *axes);
        axes[count - 2] = chosen;
    }
}

static void find_parts(job *work, uint32_t count) {
    const axis row = work->axes[count - 2], column = work->axes[count - 1];
    work->outer = count - 2;
    work->whole = (plane){row.size, column.size, row.to, column.to, row.from, column.from};
    const bool along = column.from == work->width || column.from == 0;
    const int64_t columns = along ? SHARE / work->width : 4 * TILE_BYTES / work->width;
    work->column_block = smaller(column.size, columns);
    work->row_block = smaller(row.size, SHARE / work->width / work->column_block);
    work->row_parts = (row.size + work->row_block - 1) / work->row_block;
    work->column_parts = (column.size + work->column_block - 1) / work->column_block;
    work->parts = work->row_parts * work->column_parts;
    for (uint32_t i = 0; i < work->outer; i++) {
        work->parts *= work->axes[i].size;
    }
    work->share = SHARE / (work->width * work->row_block * work->column_block);
    work->share = work->share > 1 ? work->share : 1;
}

static void copy_bits(const stub_box *to, const stub_box *from) {
    job work = {.to = to->first, .from = from->first, .width = stub_box_width(to)};
    uint32_t count = find_axes(to, from, work.axes);
    while (count < 2) {
        memmove(&work.axes[1], &work.axes[0], count * sizeof *work.axes);
        work.axes[0] = (axis){1, 0, 0};
        if (count++ == 0) {
            work.axes[0] = (axis){1, work.width, work.width};
        }
    }
    choose_rows(work.axes, count);
    find_parts(&work, count);
    stub_parallel((size_t)((work.parts + work.share - 1) / work.share), copy_share, &work);
}

typedef struct {
    aclDataType to, from, as;
} conversion;

static void convert_piece(void *state, const stub_piece *piece) {
    const conversion *types = state;
    stub_stretch numbers;
    stub_load(types->from, piece->at[1], piece->step[1], piece->n, types->as, numbers.bytes);
    stub_store(types->as, numbers.bytes, piece->n, types->to, piece->at[0], piece->step[0]);
}

/* Boxes of conversions have no more axes than a tensor. */
static void convert(const stub_box *to, const stub_box *from, aclDataType as) {
    stub_walk walk;
    conversion types = {to->dtype, from->dtype, as};
    stub_walk_start(&walk, to->shape, to->rank);
    stub_walk_add_raw(&walk, to->first, 1, to->shape, to->steps, to->rank);
    stub_walk_add_raw(&walk, from->first, 1, from->shape, from->steps, from->rank);
    stub_walk_run(&walk, convert_piece, &types);
}

void stub_copy_as(const stub_box *to, const stub_box *from, aclDataType as) {
    if (stub_box_size(to) == 0) {
        return;
    }
    if (to->dtype == from->dtype && as == from->dtype) {
        copy_bits(to, from);
    } else {
        convert(to, from, as);
    }
}

void stub_copy(const stub_box *to, const stub_box *from) {
    stub_copy_as(to, from, from->dtype);
}

void stub_fill(const stub_box *to, aclDataType dtype, const void *element) {
    _Alignas(16) uint8_t numbers[16], converted[16];
    stub_box from = *to;
    if (dtype != to->dtype) {
        stub_load(dtype, element, 0, 1, dtype, numbers);
        stub_store(dtype, numbers, 1, to->dtype, converted, 16);
        element = converted;
    }
    memcpy(numbers, element, (size_t)stub_box_width(to));
    from.first = numbers;
    memset(from.steps, 0, sizeof from.steps);
    stub_copy(to, &from);
}

void stub_fill_zero(const stub_box *to) {
    static const uint8_t zero[16];
    stub_fill(to, to->dtype, zero);
}
