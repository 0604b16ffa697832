/* From tiles to rows. */
#include "opapi/matmul/nz.h"

#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/matmul/trans_matmul_weight.h"
#include "opapi/validate.h"

enum { TEXT = 160, LEAST_STORAGE_RANK = 4 };

bool stub_is_nz(const aclTensor *tensor) {
    return tensor->format == ACL_FORMAT_FRACTAL_NZ;
}

bool stub_nz_shows_tiles(const aclTensor *tensor) {
    return tensor->rank >= LEAST_STORAGE_RANK && tensor->rank == tensor->storage_rank;
}

bool stub_is_transposed(const aclTensor *tensor) {
    const uint32_t rank = tensor->rank;
    if (rank < 2 || tensor->shape[rank - 2] * tensor->shape[rank - 1] == 1) {
        return false;
    }
    return tensor->strides[rank - 2] == 1 && tensor->strides[rank - 1] == tensor->shape[rank - 2];
}

/* Elements in a row of a tile. CANN's tiles of FLOAT are as wide as those of FLOAT16 where a matrix product reads them.
 */
static bool is_width(const aclTensor *tensor, int64_t columns) {
    const int bits = stub_dtype_bits(tensor->dtype);
    return bits >= 8 && (columns * bits == STUB_NZ_ROW_BYTES * 8 || (bits == 32 && columns == STUB_NZ_ROWS));
}

static bool lies_so(const aclTensor *tensor, int64_t rows, int64_t columns) {
    const int64_t *tiles = tensor->storage + tensor->storage_rank - LEAST_STORAGE_RANK;
    return tiles[0] == stub_tiles(columns, tiles[3]) && tiles[1] == stub_tiles(rows, STUB_NZ_ROWS);
}

aclnnStatus stub_nz_find(const stub_call *call, uint32_t arg, const aclTensor *tensor, int64_t k, int64_t n,
                         int transposed, stub_nz *found) {
    const int64_t *tiles = tensor->storage + tensor->storage_rank - LEAST_STORAGE_RANK;
    char text[TEXT];
    if (tensor->storage_rank < LEAST_STORAGE_RANK || tiles[2] != STUB_NZ_ROWS || !is_width(tensor, tiles[3])) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s (%s) is FRACTAL_NZ, but its storage has no tiles of 16 rows "
                         "of 32 bytes; make it with aclnnTransMatmulWeight",
                         call->op->name, call->op->params[arg].name, stub_describe(tensor, text, sizeof text));
    }
    if (!stub_nz_shows_tiles(tensor)) {
        /* aclnnTransMatmulWeight of a transposed view stores what the view shows, and leaves the view's strides. */
        transposed = stub_is_transposed(tensor) && (lies_so(tensor, n, k) || !lies_so(tensor, k, n));
    } else if (transposed < 0) {
        transposed = !lies_so(tensor, k, n);
    }
    *found = transposed ? (stub_nz){n, k, true} : (stub_nz){k, n, false};
    if (lies_so(tensor, found->rows, found->columns)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(
        ACLNN_ERR_PARAM_INVALID,
        "%s: %s (%s) has %lld x %lld tiles of [16, %lld]; a%s matrix of k = %lld and n = %lld has %lld x %lld",
        call->op->name, call->op->params[arg].name, stub_describe(tensor, text, sizeof text), (long long)tiles[0],
        (long long)tiles[1], (long long)tiles[3], transposed ? " transposed" : "", (long long)k, (long long)n,
        (long long)stub_tiles(found->columns, tiles[3]), (long long)stub_tiles(found->rows, STUB_NZ_ROWS));
}

typedef struct {
    const uint8_t *tiles;
    uint8_t *rows;
    const stub_nz *nz;
    int64_t size, width, row_tiles,
        matrix; /* bytes of an element, elements of a tile's row, tiles in a column, bytes */
} unpacking;

/* One row of tiles of one matrix. */
static void unpack_band(void *state, size_t piece) {
    const unpacking *job = state;
    const int64_t matrix = (int64_t)piece / job->row_tiles, band = (int64_t)piece % job->row_tiles;
    const int64_t row_bytes = job->width * job->size, line = job->nz->columns * job->size;
    const uint8_t *tiles = job->tiles + matrix * job->matrix + band * STUB_NZ_ROWS * row_bytes;
    uint8_t *to = job->rows + (matrix * job->nz->rows + band * STUB_NZ_ROWS) * line;
    const int64_t left = job->nz->rows - band * STUB_NZ_ROWS, rows = left < STUB_NZ_ROWS ? left : STUB_NZ_ROWS;
    for (int64_t byte = 0; byte < line; byte += row_bytes, tiles += job->row_tiles * STUB_NZ_ROWS * row_bytes) {
        const int64_t count = line - byte < row_bytes ? line - byte : row_bytes;
        for (int64_t r = 0; r < rows; r++) {
            memcpy(to + r * line + byte, tiles + r * row_bytes, (size_t)count);
        }
    }
}

/* The storage as one vector: its extent is not that of the view, because tiles are padded. */
static aclnnStatus open_tiles(const stub_call *call, uint32_t arg, const aclTensor *tensor, void **host,
                              int64_t *count) {
    int64_t step = 1;
    aclTensor flat = *tensor;
    *count = 1;
    for (uint32_t i = 0; i < tensor->storage_rank; i++) {
        *count *= tensor->storage[i];
    }
    flat.rank = 1;
    flat.shape = count;
    flat.strides = &step;
    return stub_tensor_open(call, arg, &flat, host);
}

static void batch_steps(const aclTensor *tensor, int64_t matrix, uint32_t batch_rank, stub_part *part) {
    for (uint32_t i = tensor->storage_rank - LEAST_STORAGE_RANK, axis = batch_rank; i-- > 0;) {
        part->batch[--axis] = tensor->storage[i] == 1 ? 0 : matrix;
        matrix *= tensor->storage[i];
    }
}

aclnnStatus stub_nz_tiles(const stub_call *call, uint32_t arg, const aclTensor *tensor, uint32_t batch_rank,
                          stub_part *part) {
    const int64_t *tiles = tensor->storage + tensor->storage_rank - LEAST_STORAGE_RANK;
    void *host;
    int64_t count;
    STUB_REQUIRE(open_tiles(call, arg, tensor, &host, &count));
    *part = (stub_part){.first = (uint8_t *)host + tensor->offset * (stub_dtype_bits(tensor->dtype) / 8),
                        .dtype = tensor->dtype};
    batch_steps(tensor, tiles[0] * tiles[1] * tiles[2] * tiles[3], batch_rank, part);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_nz_open(const stub_call *call, uint32_t arg, const aclTensor *tensor, const stub_nz *nz,
                         uint32_t batch_rank, stub_part *part, void **owned) {
    const int64_t *tiles = tensor->storage + tensor->storage_rank - LEAST_STORAGE_RANK;
    unpacking job = {.nz = nz, .size = stub_dtype_bits(tensor->dtype) / 8, .width = tiles[3], .row_tiles = tiles[1]};
    void *host;
    int64_t count;
    STUB_REQUIRE(open_tiles(call, arg, tensor, &host, &count));
    job.tiles = (const uint8_t *)host + tensor->offset * job.size;
    job.matrix = tiles[0] * tiles[1] * tiles[2] * tiles[3] * job.size;
    const int64_t matrices = job.matrix > 0 ? count * job.size / job.matrix : 0, elements = nz->rows * nz->columns;
    *owned = job.rows = malloc((size_t)(matrices * elements * job.size) + 1);
    if (!job.rows) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %s", call->op->name, call->op->params[arg].name);
    }
    stub_parallel((size_t)(matrices * job.row_tiles), unpack_band, &job);
    *part = (stub_part){.first = job.rows, .dtype = tensor->dtype, .row = nz->columns, .column = 1};
    batch_steps(tensor, elements, batch_rank, part);
    if (nz->transposed) {
        stub_part_transpose(part);
    }
    return ACLNN_SUCCESS;
}
