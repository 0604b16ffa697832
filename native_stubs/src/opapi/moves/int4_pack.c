/* aclnnConvertWeightToINT4Pack: INT32 numbers from -8 to 7 as four bits each, the first one in the lowest bits, in
 * row-major order or in FRACTAL_NZ's tiles of 16 rows of 64 numbers. */
#include <stdlib.h>
#include <string.h>

#include "opapi/moves/arrange.h"

enum { WEIGHT, PACKED };
enum { TILE_ROWS = 16, TILE_ROW_BYTES = 32 };

static int64_t tiles(int64_t size, int64_t tile) {
    return size / tile + (size % tile != 0);
}

/* Numbers in one element of the packed tensor. */
static int64_t numbers_in(const aclTensor *packed) {
    return packed->dtype == ACL_INT4 ? 1 : 8;
}

static aclnnStatus check_shape(const stub_call *call) {
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT), *packed = stub_tensor_arg(call, PACKED);
    const uint32_t last = weight->rank - 1;
    const int64_t multiple = packed->dtype == ACL_INT4 ? 2 : 8;
    int64_t shape[3];
    if (weight->shape[last] % multiple != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the last axis of weight has %lld; it must be a multiple of %lld",
                         call->op->name, (long long)weight->shape[last], (long long)multiple);
    }
    memcpy(shape, weight->shape, weight->rank * sizeof *shape);
    shape[last] /= numbers_in(packed);
    return stub_check_shape(call, PACKED, shape, weight->rank, "that of weight, packed");
}

static aclnnStatus check_storage(const stub_call *call) {
    const aclTensor *packed = stub_tensor_arg(call, PACKED);
    const uint32_t lead = packed->rank - 2;
    const int64_t columns = 2 * TILE_ROW_BYTES / numbers_in(packed);
    const int64_t last[] = {tiles(packed->shape[lead + 1], columns), tiles(packed->shape[lead], TILE_ROWS), TILE_ROWS,
                            columns};
    const bool tiled = packed->format == ACL_FORMAT_FRACTAL_NZ;
    const bool fits = tiled ? packed->storage_rank == packed->rank + 2 &&
                                  memcmp(packed->storage, packed->shape, lead * sizeof *last) == 0 &&
                                  memcmp(packed->storage + lead, last, sizeof last) == 0
                            : stub_tensor_is_contiguous(packed);
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: weightInt4Pack must be %s", call->op->name,
                            tiled ? "stored as FRACTAL_NZ, in tiles of 16 rows of 64 numbers" : "contiguous");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {WEIGHT, PACKED};
    const stub_dtype_rule rules[] = {{WEIGHT, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {PACKED, STUB_ON_ALL(STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 2, 3));
    STUB_REQUIRE(check_shape(call));
    STUB_REQUIRE(check_storage(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, WEIGHT)) == 0;
    return ACLNN_SUCCESS;
}

/* The storage as bytes: [.., R, C / 2], or [.., tiles, rows of tiles, 32]. */
static aclnnStatus open_bytes(const stub_call *call, stub_box *box) {
    const aclTensor *packed = stub_tensor_arg(call, PACKED);
    const bool tiled = packed->format == ACL_FORMAT_FRACTAL_NZ;
    aclTensor whole = *packed;
    int64_t strides[STUB_BOX_RANK];
    whole.rank = tiled ? packed->storage_rank : packed->rank;
    whole.shape = tiled ? packed->storage : packed->shape;
    whole.strides = strides;
    for (int64_t i = whole.rank, step = 1; i-- > 0; step *= whole.shape[i]) {
        strides[i] = step;
    }
    void *base;
    STUB_REQUIRE(stub_tensor_open(call, PACKED, &whole, &base));
    int64_t shape[STUB_BOX_RANK];
    memcpy(shape, whole.shape, whole.rank * sizeof *shape);
    shape[whole.rank - 1] = tiled ? TILE_ROW_BYTES : shape[whole.rank - 1] * numbers_in(packed) / 2;
    *box = stub_box_over((uint8_t *)base + packed->offset * stub_dtype_bits(packed->dtype) / 8, ACL_UINT8, shape,
                         whole.rank);
    return ACLNN_SUCCESS;
}

/* Pairs of numbers as bytes. */
static void pack(const int32_t *numbers, uint8_t *bytes, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(((uint32_t)numbers[2 * i] & 15u) | ((uint32_t)numbers[2 * i + 1] & 15u) << 4);
    }
}

static void copy_tiles(const stub_box *bytes, const stub_box *out) {
    const uint32_t lead = bytes->rank - 2;
    stub_fill_zero(out);
    for (int64_t band = 0; band < out->shape[lead]; band++) {
        stub_box part = *bytes, tile = *out;
        const int64_t left = bytes->shape[lead + 1] - band * TILE_ROW_BYTES;
        stub_box_take(&part, lead + 1, band * TILE_ROW_BYTES, left < TILE_ROW_BYTES ? left : TILE_ROW_BYTES, 1);
        stub_box_pick(&tile, lead, band);
        stub_box_pick(&tile, lead, 0);
        tile.shape[lead] = part.shape[lead]; /* tiles of one column follow each other */
        tile.shape[lead + 1] = part.shape[lead + 1];
        stub_copy(&tile, &part);
    }
}

static aclnnStatus run(const stub_call *call) {
    stub_box weight, out;
    STUB_REQUIRE(stub_box_open(call, WEIGHT, &weight));
    STUB_REQUIRE(open_bytes(call, &out));
    const int64_t size = stub_box_size(&weight);
    int32_t *numbers = malloc((size_t)size * sizeof *numbers);
    uint8_t *packed = malloc((size_t)size / 2);
    const bool ready = numbers != NULL && packed != NULL;
    if (ready) {
        const stub_box dense = stub_box_over(numbers, ACL_INT32, weight.shape, weight.rank);
        stub_copy(&dense, &weight);
        pack(numbers, packed, size / 2);
        int64_t shape[3];
        memcpy(shape, weight.shape, weight.rank * sizeof *shape);
        shape[weight.rank - 1] /= 2;
        const stub_box bytes = stub_box_over(packed, ACL_UINT8, shape, weight.rank);
        if (out.rank == bytes.rank) {
            stub_copy(&out, &bytes);
        } else {
            copy_tiles(&bytes, &out);
        }
    }
    free(numbers), free(packed);
    return ready ? ACLNN_SUCCESS
                 : stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the weight", call->op->name);
}

STUB_KERNEL(aclnnConvertWeightToINT4Pack, check, run)
