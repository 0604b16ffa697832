/* aclnnTransMatmulWeight: ND to FRACTAL_NZ in the weight's own memory. The tiles grow in the workspace and are copied
 * back once the last element has been read. */
#include "opapi/matmul/trans_matmul_weight.h"
#include "opapi/kernel.h"

#include <string.h>

#include "core/memory.h"
#include "core/parallel.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum { TILE_BYTES = STUB_NZ_ROWS * STUB_NZ_ROW_BYTES };
enum { BANDS = 16 }; /* that one piece of the work has */

typedef struct {
    stub_view from;
    uint8_t *tiles;                    /* in the workspace */
    int64_t rows, columns;             /* of a matrix */
    int64_t row_stride, column_stride; /* bytes */
    size_t width;                      /* of an element, bytes: 1 or 2 */
    size_t row_tiles, column_tiles, bands;
} conversion;

/* A constant width lets the compiler turn each memcpy into one load and one store. */
#define COPY_COLUMNS(bytes)                                                                                            \
    for (int64_t c = 0; c < columns; c++) {                                                                            \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
            memcpy(to + r * STUB_NZ_ROW_BYTES + c * (bytes), from + r * row_stride + c * column_stride, bytes);        \
        }                                                                                                              \
    }

static void copy_tile(const conversion *job, const uint8_t *from, int64_t rows, int64_t columns, uint8_t *to) {
    const int64_t row_stride = job->row_stride, column_stride = job->column_stride, width = (int64_t)job->width;
    if (rows < STUB_NZ_ROWS || columns * width < STUB_NZ_ROW_BYTES) {
        memset(to, 0, TILE_BYTES);
    }
    if (column_stride == width && columns * width == STUB_NZ_ROW_BYTES) {
        for (int64_t r = 0; r < rows; r++) {
            memcpy(to + r * STUB_NZ_ROW_BYTES, from + r * row_stride, STUB_NZ_ROW_BYTES);
        }
    } else if (width == 1) {
        COPY_COLUMNS(1)
    } else {
        COPY_COLUMNS(2)
    }
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* A row of tiles: 16 rows of a matrix. */
typedef struct {
    const uint8_t *from;
    uint8_t *to;
    int64_t rows;
} tile_band;

static tile_band find_band(const conversion *job, size_t band) {
    const size_t matrix = band / job->row_tiles, tile_row = band % job->row_tiles;
    const int64_t first_row = (int64_t)tile_row * STUB_NZ_ROWS;
    stub_row start; /* of the matrix */
    stub_row_start(&start, &job->from, job->from.tensor->rank - 2, (int64_t)matrix);
    return (tile_band){
        .from = job->from.base + start.offset * (int64_t)job->width + first_row * job->row_stride,
        .to = job->tiles + (matrix * job->column_tiles * job->row_tiles + tile_row) * TILE_BYTES,
        .rows = smaller(STUB_NZ_ROWS, job->rows - first_row),
    };
}

/* Tiles of one column lie side by side, and so do the elements of a transposed view: several bands at once. */
static void convert_bands(void *state, size_t piece) {
    const conversion *job = state;
    const size_t first = piece * BANDS, count = job->bands - first < BANDS ? job->bands - first : BANDS;
    const int64_t step = STUB_NZ_ROW_BYTES / (int64_t)job->width;
    tile_band bands[BANDS];
    for (size_t i = 0; i < count; i++) {
        bands[i] = find_band(job, first + i);
    }
    for (int64_t column = 0; column < job->columns; column += step) {
        const int64_t columns = smaller(step, job->columns - column);
        const size_t tiles_before = (size_t)(column / step) * job->row_tiles;
        for (size_t i = 0; i < count; i++) {
            copy_tile(job, bands[i].from + column * job->column_stride, bands[i].rows, columns,
                      bands[i].to + tiles_before * TILE_BYTES);
        }
    }
}

/* Bytes between neighbours of a dimension; the stride of a single element may be anything. */
static int64_t byte_stride(const aclTensor *weight, uint32_t dimension, size_t width) {
    return weight->shape[dimension] > 1 ? weight->strides[dimension] * (int64_t)width : 0;
}

static void measure(conversion *job) {
    const aclTensor *weight = job->from.tensor;
    job->rows = weight->shape[weight->rank - 2];
    job->columns = weight->shape[weight->rank - 1];
    job->width = (size_t)job->from.bits / 8;
    job->row_stride = byte_stride(weight, weight->rank - 2, job->width);
    job->column_stride = byte_stride(weight, weight->rank - 1, job->width);
    job->row_tiles = (size_t)stub_tiles(job->rows, STUB_NZ_ROWS);
    job->column_tiles = (size_t)stub_tiles(job->columns, STUB_NZ_ROW_BYTES / (int64_t)job->width);
    const size_t matrices = (size_t)(stub_tensor_numel(weight) / (job->rows * job->columns));
    job->bands = matrices * job->row_tiles;
}

/* The tiles in the weight's memory, which need more room than the view: padding. */
static aclnnStatus open_target(const stub_call *call, uint64_t bytes, stub_view *to) {
    aclTensor tiles = *stub_tensor_arg(call, 0);
    int64_t count = (int64_t)bytes / (stub_dtype_bits(tiles.dtype) / 8), step = 1;
    tiles.rank = 1;
    tiles.shape = &count;
    tiles.strides = &step;
    const stub_value arg = {.tensor = &tiles};
    stub_call target = *call;
    target.args = &arg;
    const aclnnStatus status = stub_view_open(&target, 0, to);
    to->tensor = NULL; /* it ends here */
    return status;
}

static aclnnStatus run(const stub_call *call) {
    conversion job = {0};
    stub_view to;
    STUB_REQUIRE(stub_view_open(call, 0, &job.from));
    measure(&job);
    const size_t bytes = job.bands * job.column_tiles * TILE_BYTES;
    STUB_REQUIRE(open_target(call, bytes, &to));
    job.tiles = stub_block_bytes_from(call->workspace) >= bytes ? stub_shadow(call->workspace) : NULL;
    if (!job.tiles) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                         "%s: the workspace at %p has no room for %zu bytes; allocate what phase one asks for with "
                         "aclrtMalloc",
                         call->op->name, call->workspace, bytes);
    }
    stub_parallel((job.bands + BANDS - 1) / BANDS, convert_bands, &job);
    memcpy(to.base + stub_tensor_arg(call, 0)->offset * (int64_t)job.width, job.tiles, bytes);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnTransMatmulWeight, stub_trans_matmul_weight_check, run)
