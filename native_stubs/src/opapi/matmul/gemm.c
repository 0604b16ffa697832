/* Products of float matrices: tiles of the output, each by one thread with its own packed panels. A tile packs what it
 * needs of both operands itself, which costs some percent where several tiles pack the same, and keeps the memory small
 * and the threads apart. */
#include "opapi/matmul/gemm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/cpu.h"
#include "core/parallel.h"
#include "opapi/elements.h"
#include "opapi/matmul/gemm_few.h"
#include "opapi/matmul/gemm_kernel.h"

/* The largest tile; its packed operands stay in the second and third level of the caches. With few rows nothing is
 * packed. A thread is worth waking for PARALLEL multiplications. */
enum {
    TILE_ROWS = 192,
    TILE_COLUMNS = 512,
    TILE_STEPS = 256,
    NARROWEST = 64,
    CACHE_LINE = 64,
    TILES_PER_THREAD = 3,
    PARALLEL = 1 << 16
};

typedef struct {
    stub_gemm_job job;
    const stub_gemm_kernel *kernel;
    bool few;
    int64_t rows, columns; /* of a tile */
    int64_t tiles, tiles_down;
    atomic_llong next; /* the first tile that nobody has taken */
    size_t a_numbers, b_numbers;
    float *memory; /* a share for each worker */
} product;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t pieces(int64_t length, int64_t piece) {
    return (length + piece - 1) / piece;
}

static int64_t round_up(int64_t length, int64_t piece) {
    return pieces(length, piece) * piece;
}

static const stub_gemm_kernel *choose_kernel(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2 && __builtin_cpu_supports("fma")) {
        return &stub_gemm_avx2;
    }
#endif
    return &stub_gemm_baseline;
}

/* ---- packing ---- */

/* An operand as `count` lines of `steps` elements each, to be packed as panels of `width` lines. */
typedef struct {
    const uint8_t *first;
    aclDataType dtype;
    int64_t across, along; /* bytes between lines, and between the elements of one */
    size_t count, steps, width;
} lines;

static const float *load(const lines *from, const uint8_t *at, int64_t step, size_t n, float *room) {
    if (stub_lies_ready(from->dtype, at, step, ACL_FLOAT)) {
        return (const float *)(const void *)at;
    }
    stub_load(from->dtype, at, step, n, ACL_FLOAT, room);
    return room;
}

/* The same step of all lines at once. */
static void pack_across(const lines *from, float *to) {
    _Alignas(CACHE_LINE) float room[TILE_COLUMNS];
    const size_t width = from->width, panel = width * from->steps;
    for (size_t p = 0; p < from->steps; p++, to += width) {
        const float *numbers = load(from, from->first + (int64_t)p * from->along, from->across, from->count, room);
        float *at = to;
        for (size_t i = 0; i < from->count; i += width, at += panel) {
            const size_t n = from->count - i < width ? from->count - i : width;
            memcpy(at, numbers + i, n * sizeof *at);
            memset(at + n, 0, (width - n) * sizeof *at);
        }
    }
}

/* Line by line. */
static void pack_along(const lines *from, float *to) {
    _Alignas(CACHE_LINE) float room[TILE_STEPS];
    const size_t width = from->width, panel = width * from->steps,
                 padded = pieces((int64_t)from->count, (int64_t)width) * width;
    for (size_t i = 0; i < padded; i++) {
        float *at = to + i / width * panel + i % width;
        if (i >= from->count) {
            for (size_t p = 0; p < from->steps; p++) {
                at[p * width] = 0;
            }
            continue;
        }
        const float *numbers = load(from, from->first + (int64_t)i * from->across, from->along, from->steps, room);
        for (size_t p = 0; p < from->steps; p++) {
            at[p * width] = numbers[p];
        }
    }
}

static void pack(const lines *from, float *to) {
    const int64_t size = stub_dtype_bits(from->dtype) / 8;
    if (from->across == size || from->along != size) {
        pack_across(from, to);
    } else {
        pack_along(from, to);
    }
}

static lines lines_of(const stub_matrix *matrix, bool by_rows, int64_t line, int64_t step) {
    const int64_t size = stub_dtype_bits(matrix->dtype) / 8;
    const int64_t across = (by_rows ? matrix->row : matrix->column) * size;
    const int64_t along = (by_rows ? matrix->column : matrix->row) * size;
    return (lines){.first = (const uint8_t *)matrix->first + line * across + step * along,
                   .dtype = matrix->dtype,
                   .across = across,
                   .along = along};
}

/* ---- tiles ---- */

typedef struct {
    int64_t row, column, rows, columns;
} tile;

static void keep(const product *all, const float *sums, float *to, size_t rows, size_t columns, bool adds) {
    for (size_t i = 0; i < rows; i++, sums += all->kernel->columns, to += all->job.gemm.c_row) {
        for (size_t j = 0; j < columns; j++) {
            to[j] = adds ? to[j] + sums[j] : sums[j];
        }
    }
}

static void multiply_panels(const product *all, const tile *here, size_t steps, const float *a, const float *b,
                            bool adds) {
    const stub_gemm_kernel *kernel = all->kernel;
    _Alignas(CACHE_LINE) float sums[STUB_GEMM_TILE];
    float *c = (float *)all->job.gemm.c + here->row * all->job.gemm.c_row + here->column;
    const size_t rows = (size_t)here->rows, columns = (size_t)here->columns;
    for (size_t j = 0; j < columns; j += kernel->columns) {
        for (size_t i = 0; i < rows; i += kernel->rows) {
            kernel->multiply(a + i * steps, b + j * steps, steps, sums);
            keep(all, sums, c + (int64_t)i * all->job.gemm.c_row + (int64_t)j,
                 rows - i < kernel->rows ? rows - i : kernel->rows,
                 columns - j < kernel->columns ? columns - j : kernel->columns, adds);
        }
    }
}

static void do_tile(const product *all, const tile *here, float *own) {
    const stub_gemm *gemm = &all->job.gemm;
    float *panels = own + all->a_numbers;
    for (int64_t step = 0; step < gemm->k; step += TILE_STEPS) {
        const size_t steps = (size_t)smaller(TILE_STEPS, gemm->k - step);
        lines a = lines_of(&gemm->a, true, here->row, step), b = lines_of(&gemm->b, false, here->column, step);
        a.count = (size_t)here->rows;
        b.count = (size_t)here->columns;
        a.steps = b.steps = steps;
        a.width = all->kernel->rows;
        b.width = all->kernel->columns;
        pack(&a, own);
        pack(&b, panels);
        multiply_panels(all, here, steps, own, panels, gemm->adds || step > 0);
    }
}

/* Tiles above each other come one after the other: they share B. */
static tile tile_at(const product *all, int64_t index) {
    const int64_t row = index % all->tiles_down * all->rows, column = index / all->tiles_down * all->columns;
    return (tile){row, column, smaller(all->rows, all->job.gemm.m - row),
                  smaller(all->columns, all->job.gemm.n - column)};
}

static void work_on_tiles(void *state, size_t worker) {
    product *all = state;
    float *own = all->few ? NULL : all->memory + worker * (all->a_numbers + all->b_numbers);
    for (int64_t i; (i = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed)) < all->tiles;) {
        const tile here = tile_at(all, i);
        if (all->few) {
            stub_gemm_few(&all->job, here.row, (size_t)here.rows, here.column, (size_t)here.columns);
        } else {
            do_tile(all, &here, own);
        }
    }
}

/* ---- the whole ---- */

/* Few columns: the transpose has few rows. */
static stub_gemm_job plan_job(const stub_gemm *gemm) {
    stub_gemm_job job = {*gemm, 1};
    if (gemm->n <= STUB_GEMM_FEW && gemm->m > gemm->n) {
        job.gemm.m = gemm->n;
        job.gemm.n = gemm->m;
        job.gemm.a = (stub_matrix){gemm->b.first, gemm->b.dtype, gemm->b.column, gemm->b.row};
        job.gemm.b = (stub_matrix){gemm->a.first, gemm->a.dtype, gemm->a.column, gemm->a.row};
        job.gemm.c_row = 1;
        job.c_column = gemm->c_row;
    }
    return job;
}

/* Narrow enough that all threads have some. */
static void cut_into_tiles(product *all, int64_t threads) {
    const stub_gemm *gemm = &all->job.gemm;
    all->rows = smaller(all->few ? STUB_GEMM_FEW : TILE_ROWS, gemm->m);
    all->tiles_down = pieces(gemm->m, all->rows);
    const int64_t wanted = threads > 1 ? pieces(threads * TILES_PER_THREAD, all->tiles_down) : 1;
    const int64_t fair = round_up(pieces(gemm->n, wanted), NARROWEST);
    all->columns = smaller(fair, all->few ? (int64_t)STUB_GEMM_FEW_COLUMNS : TILE_COLUMNS);
    all->tiles = all->tiles_down * pieces(gemm->n, all->columns);
}

static bool allocate(product *all, int64_t workers) {
    const int64_t steps = smaller(TILE_STEPS, all->job.gemm.k), line = CACHE_LINE / (int64_t)sizeof(float);
    all->a_numbers = (size_t)round_up(round_up(all->rows, (int64_t)all->kernel->rows) * steps, line);
    all->b_numbers = (size_t)round_up(round_up(all->columns, (int64_t)all->kernel->columns) * steps, line);
    all->memory = aligned_alloc(CACHE_LINE, (size_t)workers * (all->a_numbers + all->b_numbers) * sizeof *all->memory);
    return all->memory != NULL;
}

static bool run(const stub_gemm *gemm, unsigned threads) {
    if (gemm->m == 0 || gemm->n == 0) {
        return true;
    }
    product all = {.job = plan_job(gemm), .kernel = choose_kernel()};
    all.few = all.job.gemm.m <= STUB_GEMM_FEW || gemm->k == 0 || gemm->a.dtype == ACL_DOUBLE;
    const double work = (double)gemm->m * (double)gemm->n * (double)gemm->k;
    cut_into_tiles(&all, work < 2.0 * PARALLEL ? 1 : threads);
    const int64_t workers = smaller(threads, smaller(all.tiles, 1 + (int64_t)(work / PARALLEL)));
    if (!all.few && !allocate(&all, workers)) {
        return false;
    }
    if (workers > 1) {
        stub_parallel((size_t)workers, work_on_tiles, &all);
    } else {
        work_on_tiles(&all, 0);
    }
    free(all.memory);
    return true;
}

bool stub_gemm_run_here(const stub_gemm *gemm) {
    return run(gemm, 1);
}

bool stub_gemm_run(const stub_gemm *gemm) {
    return run(gemm, stub_parallel_threads());
}
