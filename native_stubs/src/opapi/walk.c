/* Walking several views: order and merging of the axes, shares for the threads, pieces. */
#include "opapi/walk.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/walk_pack.h"

/* Elements for which another thread is worth waking. */
enum { SHARE = 32 * STUB_STRETCH };

/* Where an operand lies across the others, pieces are short and neighbouring rows follow each other, so that its cache
 * lines are used up before they are lost. */
enum { TILE_ROWS = 64, CACHE_LINE = 64, MAX_PACKED = 2 };

/* Tiles are visited block by block: the pages of one block's operands are few enough for the processor to remember. */
enum { BLOCK = 512 };

void stub_walk_start(stub_walk *walk, const int64_t *shape, uint32_t rank) {
    walk->rank = rank;
    walk->count = 0;
    walk->reads = 0;
    for (uint32_t i = 0; i < rank; i++) {
        walk->shape[i] = shape[i];
    }
}

void stub_walk_add_raw(stub_walk *walk, void *first, int64_t size, const int64_t *shape, const int64_t *strides,
                       uint32_t rank) {
    const uint32_t operand = walk->count++, missing = walk->rank - rank;
    walk->first[operand] = first;
    walk->width[operand] = 0;
    for (uint32_t i = 0; i < walk->rank; i++) {
        const bool moves = i >= missing && shape[i - missing] != 1;
        walk->steps[operand][i] = moves ? strides[i - missing] * size : 0;
    }
}

void stub_walk_add(stub_walk *walk, const stub_view *view) {
    const aclTensor *tensor = view->tensor;
    const int64_t size = view->bits / 8;
    uint8_t *first = view->base == NULL ? NULL : view->base + tensor->offset * size;
    stub_walk_add_raw(walk, first, size, tensor->shape, tensor->strides, tensor->rank);
    walk->width[walk->count - 1] = size;
}

void stub_walk_only_reads(stub_walk *walk) {
    walk->reads |= 1u << (walk->count - 1);
}

static void swap_axes(stub_walk *walk, uint32_t a, uint32_t b) {
    const int64_t size = walk->shape[a];
    walk->shape[a] = walk->shape[b];
    walk->shape[b] = size;
    for (uint32_t k = 0; k < walk->count; k++) {
        const int64_t step = walk->steps[k][a];
        walk->steps[k][a] = walk->steps[k][b];
        walk->steps[k][b] = step;
    }
}

static int64_t magnitude(int64_t step) {
    return step < 0 ? -step : step;
}

/* Whether axis a belongs outside of axis b: decided by the first operand that moves along both. */
static bool is_outer(const stub_walk *walk, uint32_t a, uint32_t b) {
    for (uint32_t k = 0; k < walk->count; k++) {
        const int64_t first = magnitude(walk->steps[k][a]), second = magnitude(walk->steps[k][b]);
        if (first != 0 && second != 0 && first != second) {
            return first > second;
        }
    }
    return a < b;
}

static void drop_axis(stub_walk *walk, uint32_t axis) {
    walk->rank--;
    for (uint32_t i = axis; i < walk->rank; i++) {
        swap_axes(walk, i, i + 1);
    }
}

static void drop_single_axes(stub_walk *walk) {
    for (uint32_t i = walk->rank; i-- > 0;) {
        if (walk->shape[i] == 1) {
            drop_axis(walk, i);
        }
    }
}

static void sort_axes(stub_walk *walk) {
    for (uint32_t i = 1; i < walk->rank; i++) {
        for (uint32_t j = i; j > 0 && !is_outer(walk, j - 1, j); j--) {
            swap_axes(walk, j - 1, j);
        }
    }
}

/* Whether a step along `outer` is as far as the whole of `inner`, for every operand. */
static bool continues(const stub_walk *walk, uint32_t outer, uint32_t inner) {
    for (uint32_t k = 0; k < walk->count; k++) {
        if (walk->steps[k][outer] != walk->steps[k][inner] * walk->shape[inner]) {
            return false;
        }
    }
    return true;
}

static void merge_axes(stub_walk *walk) {
    for (uint32_t i = walk->rank; i-- > 1;) {
        if (continues(walk, i - 1, i)) {
            walk->shape[i - 1] *= walk->shape[i];
            for (uint32_t k = 0; k < walk->count; k++) {
                walk->steps[k][i - 1] = walk->steps[k][i];
            }
            drop_axis(walk, i);
        }
    }
}

typedef struct {
    const stub_walk *walk;
    void (*visit)(void *state, const stub_piece *piece);
    void *state;
    int64_t rows, columns; /* columns: of the last axis */
    int64_t row_share;     /* rows of one part, or 0: a part is a range of columns of the only row */
    int64_t column_share;
} job;

/* A piece and the index of its row. */
typedef struct {
    stub_piece piece;
    int64_t index[STUB_MAX_RANK];
} cursor;

static void start_row(const stub_walk *walk, cursor *at, int64_t row) {
    at->piece.n = 0;
    for (uint32_t k = 0; k < walk->count; k++) {
        at->piece.at[k] = walk->first[k];
        at->piece.step[k] = walk->rank == 0 ? 0 : walk->steps[k][walk->rank - 1];
    }
    for (uint32_t i = walk->rank; i-- > 0;) {
        const bool last = i + 1 == walk->rank;
        at->index[i] = last ? 0 : row % walk->shape[i];
        row = last ? row : row / walk->shape[i];
        for (uint32_t k = 0; k < walk->count; k++) {
            at->piece.at[k] += at->index[i] * walk->steps[k][i];
        }
    }
}

static void next_row(const stub_walk *walk, cursor *at) {
    for (uint32_t i = walk->rank - 1; i-- > 0;) {
        const bool carries = ++at->index[i] == walk->shape[i];
        for (uint32_t k = 0; k < walk->count; k++) {
            at->piece.at[k] += carries ? -(walk->shape[i] - 1) * walk->steps[k][i] : walk->steps[k][i];
        }
        if (!carries) {
            return;
        }
        at->index[i] = 0;
    }
}

static void visit_columns(const job *work, const stub_piece *row, int64_t from, int64_t to) {
    for (int64_t column = from; column < to; column += STUB_STRETCH) {
        stub_piece piece = *row;
        for (uint32_t k = 0; k < work->walk->count; k++) {
            piece.at[k] += column * piece.step[k];
        }
        piece.n = (size_t)(to - column < STUB_STRETCH ? to - column : STUB_STRETCH);
        work->visit(work->state, &piece);
    }
}

static void visit_rows(const job *work, int64_t from, int64_t to) {
    cursor at;
    start_row(work->walk, &at, from);
    for (int64_t row = from; row < to; row++) {
        if (work->columns > STUB_STRETCH) {
            visit_columns(work, &at.piece, 0, work->columns);
        } else {
            at.piece.n = (size_t)work->columns;
            work->visit(work->state, &at.piece);
        }
        if (row + 1 < to) {
            next_row(work->walk, &at);
        }
    }
}

static void do_part(void *state, size_t index) {
    const job *work = state;
    if (work->row_share == 0) {
        const int64_t from = (int64_t)index * work->column_share, left = work->columns - from;
        cursor at;
        start_row(work->walk, &at, 0);
        visit_columns(work, &at.piece, from, from + (left < work->column_share ? left : work->column_share));
        return;
    }
    const int64_t from = (int64_t)index * work->row_share, left = work->rows - from;
    visit_rows(work, from, from + (left < work->row_share ? left : work->row_share));
}

static void share(job *work) {
    if (work->rows == 1) {
        work->column_share = SHARE;
        stub_parallel((size_t)((work->columns + SHARE - 1) / SHARE), do_part, work);
        return;
    }
    work->row_share = work->columns >= SHARE ? 1 : SHARE / work->columns;
    stub_parallel((size_t)((work->rows + work->row_share - 1) / work->row_share), do_part, work);
}

/* The axis along which an operand that is spread out over the last axis is dense; the last axis: there is none. */
static uint32_t find_dense_axis(const stub_walk *walk) {
    const uint32_t last = walk->rank - 1;
    for (uint32_t k = 0; k < walk->count; k++) {
        for (uint32_t i = 0; i < last && magnitude(walk->steps[k][last]) >= CACHE_LINE; i++) {
            const int64_t step = magnitude(walk->steps[k][i]);
            if (step != 0 && step < CACHE_LINE / 2 && walk->shape[i] > 1) {
                return i;
            }
        }
    }
    return last;
}

/* The last two axes in blocks of tiles. */
typedef struct {
    const job *work;
    int64_t row_blocks, column_blocks, blocks, share; /* of a plane, of a plane, of all planes, of a part */
    int64_t tile_columns;
} tiling;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool is_packed(const stub_walk *walk, uint32_t operand) {
    const int64_t *steps = walk->steps[operand], down = magnitude(steps[walk->rank - 2]);
    return operand > 0 && walk->width[operand] > 0 && magnitude(steps[walk->rank - 1]) >= CACHE_LINE && down != 0 &&
           down < CACHE_LINE / 2;
}

static void visit_rows_of_tile(const tiling *tiles, const stub_piece *first, int64_t rows, stub_packed_tile *packed,
                               uint32_t count) {
    const stub_walk *walk = tiles->work->walk;
    for (int64_t r = 0; r < rows; r++) {
        stub_piece piece = *first;
        for (uint32_t k = 0; k < walk->count; k++) {
            piece.at[k] += r * walk->steps[k][walk->rank - 2];
        }
        for (uint32_t i = 0; i < count; i++) {
            const int64_t width = walk->width[packed[i].operand];
            piece.at[packed[i].operand] = packed[i].now + r * packed[i].pitch * width;
            piece.step[packed[i].operand] = width;
        }
        tiles->work->visit(tiles->work->state, &piece);
    }
}

/* `packed`: room for as many operands as are packed; NULL: for none. */
static void visit_tile(const tiling *tiles, stub_packed_tile *packed, int64_t plane, int64_t row, int64_t column) {
    const stub_walk *walk = tiles->work->walk;
    const uint32_t down = walk->rank - 2, along = walk->rank - 1;
    const int64_t rows = smaller(TILE_ROWS, walk->shape[down] - row);
    const int64_t columns = smaller(tiles->tile_columns, walk->shape[along] - column);
    uint32_t count = 0;
    cursor at;
    start_row(walk, &at, plane * walk->shape[down] + row);
    at.piece.n = (size_t)columns;
    for (uint32_t k = 0; k < walk->count && k < STUB_MAX_OPERANDS; k++) {
        at.piece.at[k] += column * walk->steps[k][along];
        if (packed != NULL && count < MAX_PACKED && is_packed(walk, k)) {
            stub_packed_tile *one = &packed[count++];
            one->operand = k, one->rows = rows, one->columns = columns,
            one->pitch = columns + CACHE_LINE / walk->width[k]; /* rows in different sets of the cache */
            one->reads = (walk->reads >> k & 1) != 0;
            stub_pack_tile(one, walk->width[k], at.piece.at[k], walk->steps[k][down], walk->steps[k][along]);
        }
    }
    visit_rows_of_tile(tiles, &at.piece, rows, packed, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t k = packed[i].operand;
        if (stub_tile_has_changed(&packed[i], walk->width[k])) {
            stub_unpack_tile(&packed[i], walk->width[k], at.piece.at[k], walk->steps[k][down], walk->steps[k][along]);
        }
    }
}

static void visit_block(const tiling *tiles, stub_packed_tile *packed, int64_t block) {
    const stub_walk *walk = tiles->work->walk;
    const int64_t left = block % tiles->column_blocks * BLOCK, plane = block / tiles->column_blocks / tiles->row_blocks;
    const int64_t top = block / tiles->column_blocks % tiles->row_blocks * BLOCK;
    const int64_t bottom = smaller(top + BLOCK, walk->shape[walk->rank - 2]);
    const int64_t right = smaller(left + BLOCK, walk->shape[walk->rank - 1]);
    for (int64_t row = top; row < bottom; row += TILE_ROWS) {
        for (int64_t column = left; column < right; column += tiles->tile_columns) {
            visit_tile(tiles, packed, plane, row, column);
        }
    }
}

static void visit_blocks(void *state, size_t part) {
    const tiling *tiles = state;
    const int64_t first = (int64_t)part * tiles->share, end = smaller(first + tiles->share, tiles->blocks);
    /* Without memory the walk is slower, not wrong. */
    stub_packed_tile *packed = malloc(MAX_PACKED * sizeof *packed);
    for (int64_t block = first; block < end; block++) {
        visit_block(tiles, packed, block);
    }
    free(packed);
}

static void run_tiles(stub_walk *walk, const job *work, uint32_t dense) {
    for (uint32_t i = dense; i + 2 < walk->rank; i++) {
        swap_axes(walk, i, i + 1);
    }
    const int64_t rows = walk->shape[walk->rank - 2], columns = walk->shape[walk->rank - 1];
    tiling tiles = {
        .work = work, .row_blocks = (rows + BLOCK - 1) / BLOCK, .column_blocks = (columns + BLOCK - 1) / BLOCK};
    tiles.tile_columns = BLOCK;
    for (uint32_t k = 0; k < walk->count; k++) {
        if (is_packed(walk, k)) {
            tiles.tile_columns = smaller(tiles.tile_columns, STUB_PACKED_BYTES / TILE_ROWS / walk->width[k]);
        }
    }
    tiles.blocks = tiles.row_blocks * tiles.column_blocks * (work->rows / rows);
    tiles.share = SHARE / (smaller(rows, BLOCK) * smaller(columns, BLOCK));
    tiles.share = tiles.share > 1 ? tiles.share : 1;
    stub_parallel((size_t)((tiles.blocks + tiles.share - 1) / tiles.share), visit_blocks, &tiles);
}

/* Rows and columns of the axes as they are now; false: there are no elements. */
static bool measure(job *work) {
    const stub_walk *walk = work->walk;
    work->rows = work->columns = 1;
    for (uint32_t i = 0; i < walk->rank; i++) {
        if (walk->shape[i] <= 0) {
            return false;
        }
        *(i + 1 < walk->rank ? &work->rows : &work->columns) *= walk->shape[i];
    }
    return true;
}

void stub_walk_run(stub_walk *walk, void (*visit)(void *state, const stub_piece *piece), void *state) {
    drop_single_axes(walk);
    sort_axes(walk);
    merge_axes(walk);
    job work = {.walk = walk, .visit = visit, .state = state};
    if (!measure(&work)) {
        return;
    }
    const uint32_t dense = walk->rank < 2 ? 0 : find_dense_axis(walk);
    if (walk->rank >= 2 && dense + 1 < walk->rank) {
        run_tiles(walk, &work, dense);
    } else {
        share(&work);
    }
}

void stub_walk_in_order(stub_walk *walk, void (*visit)(void *state, const stub_piece *piece), void *state) {
    drop_single_axes(walk);
    merge_axes(walk);
    job work = {.walk = walk, .visit = visit, .state = state};
    if (measure(&work)) {
        visit_rows(&work, 0, work.rows);
    }
}

int stub_broadcast(const aclTensor *const *tensors, size_t count, int64_t shape[STUB_MAX_RANK]) {
    uint32_t rank = 0;
    for (size_t t = 0; t < count; t++) {
        rank = tensors[t] != NULL && tensors[t]->rank > rank ? tensors[t]->rank : rank;
    }
    if (rank > STUB_MAX_RANK) {
        return -1;
    }
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = 1;
    }
    for (size_t t = 0; t < count; t++) {
        for (uint32_t i = 0; tensors[t] != NULL && i < tensors[t]->rank; i++) {
            int64_t *dim = &shape[rank - tensors[t]->rank + i];
            const int64_t given = tensors[t]->shape[i];
            if (*dim != given && *dim != 1 && given != 1) {
                return -1;
            }
            *dim = given == 1 ? *dim : given;
        }
    }
    return (int)rank;
}
