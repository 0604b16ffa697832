/* aclnnNpuFormatCast: matrices between ND and FRACTAL_NZ, whose tiles have 16 rows of c0 elements: the storage is
 * [.., ceil(C / c0), ceil(R / 16), 16, c0], padded with zeros. aclnnNpuFormatCastCalculateSizeAndFormat tells it. */
#include <string.h>

#include "aclnnop/aclnn_npu_format_cast.h"
#include "opapi/moves/arrange.h"

enum { SRC, DST };
enum { TILE_ROWS = 16, TILE_ROW_BYTES = 32 };

#define CASTABLE                                                                                                       \
    (STUB_FLOATS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_UINT32))

static bool is_plain(aclFormat format) {
    return format == ACL_FORMAT_ND || format == ACL_FORMAT_NCL || format == ACL_FORMAT_NCHW ||
           format == ACL_FORMAT_NCDHW;
}

static int64_t tiles(int64_t size, int64_t tile) {
    return size / tile + (size % tile != 0);
}

/* Elements of a tile's row, from the storage of the tiled tensor. */
static int64_t tile_columns(const aclTensor *tiled) {
    return tiled->storage_rank > 0 ? tiled->storage[tiled->storage_rank - 1] : 0;
}

static bool has_tiles(const aclTensor *tiled) {
    const uint32_t lead = tiled->rank - 2;
    const int64_t columns = tile_columns(tiled);
    if (tiled->storage_rank != tiled->rank + 2 || columns < 1) {
        return false;
    }
    const int64_t last[] = {tiles(tiled->shape[lead + 1], columns), tiles(tiled->shape[lead], TILE_ROWS), TILE_ROWS,
                            columns};
    return memcmp(tiled->storage, tiled->shape, lead * sizeof *last) == 0 &&
           memcmp(tiled->storage + lead, last, sizeof last) == 0;
}

static const aclTensor *tiled_of(const stub_call *call) {
    const aclTensor *src = stub_tensor_arg(call, SRC);
    return src->format == ACL_FORMAT_FRACTAL_NZ ? src : stub_tensor_arg(call, DST);
}

static aclnnStatus check_formats(const stub_call *call) {
    const aclTensor *src = stub_tensor_arg(call, SRC), *dst = stub_tensor_arg(call, DST);
    const aclTensor *tiled = tiled_of(call), *plain = tiled == src ? dst : src;
    if (tiled->format != ACL_FORMAT_FRACTAL_NZ || !is_plain(plain->format)) {
        return stub_fail(
            ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
            "%s: the stand-in has no kernel for format %d to %d; it converts ND (2) to FRACTAL_NZ (29) and "
            "back",
            call->op->name, (int)src->format, (int)dst->format);
    }
    if (!has_tiles(tiled)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the storage of %s is not that of FRACTAL_NZ; make it as "
                         "aclnnNpuFormatCastCalculateSizeAndFormat says",
                         call->op->name, call->op->params[tiled == src ? SRC : DST].name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_check_move(call, SRC, DST, CASTABLE));
    STUB_REQUIRE(stub_check_rank(call, SRC, 2, 6));
    STUB_REQUIRE(stub_check_same_shape(call, DST, SRC));
    STUB_REQUIRE(check_formats(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SRC)) == 0;
    return ACLNN_SUCCESS;
}

/* The storage of a tiled tensor as a view of its own. */
static aclnnStatus open_tiles(const stub_call *call, uint32_t arg, stub_box *box) {
    const aclTensor *given = stub_tensor_arg(call, arg);
    aclTensor whole = *given;
    int64_t strides[STUB_BOX_RANK];
    whole.rank = given->storage_rank;
    whole.shape = given->storage;
    whole.strides = strides;
    for (int64_t i = whole.rank, step = 1; i-- > 0; step *= whole.shape[i]) {
        strides[i] = step;
    }
    return stub_box_open_item(call, arg, &whole, box);
}

/* A column of tiles is one band: its rows follow each other, whatever tile they are of. */
static void copy_bands(stub_box matrix, stub_box tiled, bool to_tiles) {
    const uint32_t lead = matrix.rank - 2;
    const int64_t bands = tiled.shape[lead], columns = tiled.shape[lead + 3];
    const int64_t rows = matrix.shape[lead], width = matrix.shape[lead + 1];
    for (int64_t band = 0; band < bands; band++) {
        stub_box part = matrix, tile = tiled;
        const int64_t left = width - band * columns;
        stub_box_take(&part, lead + 1, band * columns, left < columns ? left : columns, 1);
        stub_box_pick(&tile, lead, band);
        stub_box_pick(&tile, lead, 0); /* of the axes [tiles, 16, c0] stay [rows, c0] */
        tile.shape[lead] = rows;
        tile.shape[lead + 1] = part.shape[lead + 1];
        stub_copy(to_tiles ? &tile : &part, to_tiles ? &part : &tile);
    }
}

static aclnnStatus run(const stub_call *call) {
    const uint32_t tiled_arg = tiled_of(call) == stub_tensor_arg(call, SRC) ? SRC : DST;
    stub_box matrix, tiled;
    STUB_REQUIRE(stub_box_open(call, tiled_arg == SRC ? DST : SRC, &matrix));
    STUB_REQUIRE(open_tiles(call, tiled_arg, &tiled));
    if (tiled_arg == DST) {
        stub_fill_zero(&tiled);
    }
    copy_bands(matrix, tiled, tiled_arg == DST);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnNpuFormatCast, check, run)

static const char function[] = "aclnnNpuFormatCastCalculateSizeAndFormat";

static aclnnStatus check_source(const aclTensor *src, int format) {
    char text[160];
    if (src->rank < 2 || src->rank > 6 || stub_tensor_numel(src) == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: srcTensor (%s) must have 2 to 6 axes and elements", function,
                         stub_describe(src, text, sizeof text));
    }
    const bool there = is_plain(src->format) && format == ACL_FORMAT_FRACTAL_NZ;
    const bool back = src->format == ACL_FORMAT_FRACTAL_NZ && is_plain((aclFormat)format);
    return there || back ? ACLNN_SUCCESS
                         : stub_fail(ACLNN_ERR_RUNTIME_ERROR,
                                     "%s: format %d to %d is not supported; the stand-in converts ND (2) to FRACTAL_NZ "
                                     "(29) and back",
                                     function, (int)src->format, format);
}

/* The caller delete[]s the shape. c0 elements of additionalDtype (-1: the tensor's own) have 32 bytes. */
aclnnStatus aclnnNpuFormatCastCalculateSizeAndFormat(const aclTensor *srcTensor, const int dstFormat,
                                                     const int additionalDtype, int64_t **dstShape,
                                                     uint64_t *dstShapeSize, int *actualFormat) {
    if (!srcTensor || !dstShape || !dstShapeSize || !actualFormat) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: an argument is NULL", function);
    }
    STUB_REQUIRE(check_source(srcTensor, dstFormat));
    const aclDataType base = additionalDtype == -1 ? srcTensor->dtype : (aclDataType)additionalDtype;
    const int bits = stub_dtype_bits(base);
    if (bits < 8 || bits > 32) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: additionalDtype is %d; allowed are -1 and types of 1 to 4 bytes",
                         function, additionalDtype);
    }
    const bool tiled = dstFormat == ACL_FORMAT_FRACTAL_NZ;
    const uint32_t rank = srcTensor->rank, lead = rank - 2;
    const int64_t columns = TILE_ROW_BYTES * 8 / bits;
    int64_t *shape = stub_new_array((rank + 2) * sizeof *shape);
    if (shape == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the shape", function);
    }
    memcpy(shape, srcTensor->shape, rank * sizeof *shape);
    if (tiled) {
        shape[lead] = tiles(srcTensor->shape[lead + 1], columns);
        shape[lead + 1] = tiles(srcTensor->shape[lead], TILE_ROWS);
        shape[lead + 2] = TILE_ROWS;
        shape[lead + 3] = columns;
    }
    *dstShape = shape;
    *dstShapeSize = tiled ? rank + 2 : rank;
    *actualFormat = dstFormat;
    return ACLNN_SUCCESS;
}
