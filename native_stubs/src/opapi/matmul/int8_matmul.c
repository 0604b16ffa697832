/* The int8 matrix product: tiles of the output, each by one thread with its own packed panels. A tile packs what it
 * needs of both operands itself, which costs a few percent where several tiles pack the same, and keeps the memory
 * small and the threads apart. */
#include "opapi/matmul/int8_matmul.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_base.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/export.h"
#include "core/parallel.h"
#include "opapi/matmul/int8_matmul_kernel.h"

#define CACHE_LINE 64u
#define FRACTAL_ROWS 16u
#define TILES_PER_THREAD 4u
#define FEW_ROWS_TILES_PER_THREAD 2u
#define NARROWEST_TILE 64u

/* The largest tiles. Packed operands and sums of a tile fit into the second-level cache together. With few rows nothing
 * is packed. Where the columns of the weight are neighbours tiles are wide, because every row of it may lie in another
 * page, and finding a page takes longer than reading some bytes of it. */
typedef struct {
    size_t rows, columns, steps;
} tile_size;
static const tile_size deep_tile = {96, 128, 512}, wide_tile = {96, 512, 128}, few_rows_tile = {8, 2048, 4096};

typedef struct {
    const stub_int8_matmul *work;
    const stub_int8_kernel *kernel;
    stub_int8_weight weight;
    bool few; /* rows: so few that packing would not pay */
    tile_size tile;
    size_t tiles, tiles_down;
    atomic_size_t next;                      /* the first tile that nobody has taken */
    size_t x_bytes, panel_bytes, sums_bytes; /* of one worker */
    uint8_t *memory;                         /* a share for each worker */
} product;

/* What one worker writes to. */
typedef struct {
    int16_t *x;      /* [tile.rows][tile.steps] */
    int16_t *panels; /* of the weight */
    int32_t *sums;   /* [tile.rows][tile.columns] */
} scratch;

typedef struct {
    size_t row, column, rows, columns;
} tile;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t pieces(size_t length, size_t piece) {
    return (length + piece - 1) / piece;
}

static const stub_int8_kernel *choose_kernel(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        return &stub_int8_avx2;
    }
#endif
    return &stub_int8_baseline;
}

static stub_int8_weight describe_weight(const stub_int8_matmul *work) {
    const size_t block = STUB_INT8_BLOCK, apart = work->weight_stride;
    switch (work->layout) {
    case STUB_WEIGHT_ROWS:
        return (stub_int8_weight){work->weight, 1, block, apart, block * apart};
    case STUB_WEIGHT_COLUMNS:
        return (stub_int8_weight){work->weight, apart, block * apart, 1, block};
    case STUB_WEIGHT_NZ:
        return (stub_int8_weight){work->weight, 1, stub_int8_round_up(work->k, FRACTAL_ROWS) * block, block,
                                  block * block};
    default: /* STUB_WEIGHT_NZ_TRANSPOSED */
        return (stub_int8_weight){work->weight, block, block * block, 1,
                                  stub_int8_round_up(work->n, FRACTAL_ROWS) * block};
    }
}

static void widen_rows(const int8_t *from, size_t stride, size_t rows, size_t steps, int16_t *to, size_t to_stride) {
    const size_t padded = stub_int8_round_up(steps, STUB_INT8_BLOCK);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < steps; i++) {
            to[i] = from[i];
        }
        memset(to + steps, 0, (padded - steps) * sizeof to[0]);
        from += stride;
        to += to_stride;
    }
}

static void multiply_panels(const product *all, const tile *here, size_t steps, const scratch *own) {
    const stub_int8_kernel *kernel = all->kernel;
    const size_t padded = stub_int8_round_up(steps, STUB_INT8_BLOCK);
    for (size_t column = 0; column < here->columns; column += kernel->columns) {
        for (size_t row = 0; row < here->rows; row += kernel->rows) {
            kernel->multiply(own->x + row * all->tile.steps, all->tile.steps, own->panels + column * padded, padded,
                             smaller(kernel->rows, here->rows - row), own->sums + row * all->tile.columns + column,
                             all->tile.columns);
        }
    }
}

static void add_steps(const product *all, const tile *here, size_t step, size_t steps, const scratch *own) {
    const stub_int8_matmul *work = all->work;
    const stub_int8_part part = {&all->weight, here->column, step, here->columns, steps};
    widen_rows(work->x + here->row * work->x_stride + step, work->x_stride, here->rows, steps, own->x, all->tile.steps);
    if (all->few) {
        all->kernel->multiply_few(own->x, all->tile.steps, &part, here->rows, own->sums, all->tile.columns);
    } else {
        all->kernel->pack(&part, own->panels);
        multiply_panels(all, here, steps, own);
    }
}

static void do_tile(const product *all, const tile *here, const scratch *own) {
    const stub_int8_matmul *work = all->work;
    memset(own->sums, 0, here->rows * all->tile.columns * sizeof own->sums[0]);
    for (size_t step = 0; step < work->k; step += all->tile.steps) {
        add_steps(all, here, step, smaller(all->tile.steps, work->k - step), own);
    }
    for (size_t row = 0; row < here->rows; row++) {
        work->finish(work->state, here->row + row, here->column, own->sums + row * all->tile.columns, here->columns);
    }
}

/* Tiles above each other come one after the other: they share the weight. */
static tile tile_at(const product *all, size_t index) {
    const size_t row = index % all->tiles_down * all->tile.rows, column = index / all->tiles_down * all->tile.columns;
    return (tile){row, column, smaller(all->tile.rows, all->work->m - row),
                  smaller(all->tile.columns, all->work->n - column)};
}

static size_t share_bytes(const product *all) {
    return all->x_bytes + all->panel_bytes + all->sums_bytes;
}

static void work_on_tiles(void *state, size_t worker) {
    product *all = state;
    uint8_t *share = all->memory + worker * share_bytes(all);
    const scratch own = {(int16_t *)(void *)share, (int16_t *)(void *)(share + all->x_bytes),
                         (int32_t *)(void *)(share + all->x_bytes + all->panel_bytes)};
    for (size_t i; (i = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed)) < all->tiles;) {
        const tile here = tile_at(all, i);
        do_tile(all, &here, &own);
    }
}

/* Narrow enough that all threads have some. */
static size_t tile_width(const product *all, size_t widest) {
    const size_t columns = stub_int8_round_up(all->work->n, STUB_INT8_BLOCK);
    const size_t each = all->few ? FEW_ROWS_TILES_PER_THREAD : TILES_PER_THREAD;
    const size_t wanted = pieces(stub_parallel_threads() * each, all->tiles_down);
    const size_t fair = stub_int8_round_up(pieces(columns, wanted), NARROWEST_TILE);
    return smaller(smaller(fair, widest), columns);
}

static const tile_size *largest_tile(const product *all) {
    if (all->few) {
        return &few_rows_tile;
    }
    return all->work->layout == STUB_WEIGHT_ROWS ? &wide_tile : &deep_tile;
}

static void cut_into_tiles(product *all) {
    const stub_int8_matmul *work = all->work;
    const tile_size *largest = largest_tile(all);
    all->tile.rows = smaller(largest->rows, work->m);
    all->tile.steps = smaller(largest->steps, stub_int8_round_up(work->k, STUB_INT8_BLOCK));
    all->tiles_down = pieces(work->m, all->tile.rows);
    all->tile.columns = tile_width(all, largest->columns);
    all->tiles = all->tiles_down * pieces(work->n, all->tile.columns);
}

static void size_scratch(product *all) {
    const tile_size *size = &all->tile;
    const size_t panels = all->few ? 0 : size->columns * size->steps;
    all->x_bytes = stub_int8_round_up(size->rows * size->steps * sizeof(int16_t), CACHE_LINE);
    all->panel_bytes = stub_int8_round_up(panels * sizeof(int16_t), CACHE_LINE);
    all->sums_bytes = stub_int8_round_up(size->rows * size->columns * sizeof(int32_t), CACHE_LINE);
}

STUB_EXPORT aclnnStatus stub_int8_matmul_run(const stub_int8_matmul *work) {
    if (work->m == 0 || work->n == 0) {
        return 0;
    }
    product all = {.work = work, .kernel = choose_kernel(), .weight = describe_weight(work)};
    all.few = work->m <= all.kernel->few;
    cut_into_tiles(&all);
    size_scratch(&all);
    const size_t workers = smaller(stub_parallel_threads(), all.tiles), bytes = workers * share_bytes(&all);
    all.memory = aligned_alloc(CACHE_LINE, bytes);
    if (all.memory == NULL) {
        return stub_fail(
            ACL_ERROR_RT_MEMORY_ALLOCATION,
            "the host has no %zu bytes for the packed operands of a matrix product [%zu, %zu] x [%zu, %zu]", bytes,
            work->m, work->k, work->k, work->n);
    }
    stub_parallel(workers, work_on_tiles, &all);
    free(all.memory);
    return 0;
}
