/* aclnnChunkCat: every tensor cut along its first axis into numChunks pieces of the same size, zeros behind the last
 * rows; pieces of the same number, flattened and one behind the other, are a row of the output. */
#include "opapi/kernel.h"
#include "opapi/moves/box.h"

enum { TENSORS, DIM, CHUNKS, OUT };

static aclnnStatus check_item(const stub_call *call, const aclTensor *tensor, uint64_t i, aclDataType type) {
    char text[128];
    if (tensor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors[%llu] is NULL; it is required", call->op->name,
                         (unsigned long long)i);
    }
    const bool fits = (int)tensor->dtype >= 0 && (int)tensor->dtype < 64 && (STUB_FLOATS >> tensor->dtype & 1);
    if (!fits || tensor->dtype != type || tensor->rank < 1 || tensor->rank > STUB_MAX_RANK) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: tensors[%llu] is %s; tensors must be FLOAT, FLOAT16 or BF16, all of one type, of 1 to 8 "
                         "dimensions",
                         call->op->name, (unsigned long long)i, stub_describe(tensor, text, sizeof text));
    }
    return ACLNN_SUCCESS;
}

/* Rows of a chunk, and elements of a row. */
static int64_t rows_of(const stub_call *call, const aclTensor *tensor) {
    const int64_t chunks = call->args[CHUNKS].integer;
    return tensor->shape[0] / chunks + (tensor->shape[0] % chunks != 0);
}

static int64_t row_size(const aclTensor *tensor) {
    int64_t size = 1;
    for (uint32_t i = 1; i < tensor->rank; i++) {
        size *= tensor->shape[i];
    }
    return size;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t out = OUT;
    const aclTensorList *list = call->args[TENSORS].tensors;
    const stub_dtype_rule rule = {OUT, STUB_ON_ALL(STUB_FLOATS)};
    if (list == NULL || list->size == 0) {
        return stub_fail(list ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: tensors is %s; give one tensor at least", call->op->name, list ? "empty" : "NULL");
    }
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    for (uint64_t i = 0; i < list->size; i++) {
        STUB_REQUIRE(check_item(call, list->items[i], i, list->items[0] ? list->items[0]->dtype : ACL_FLOAT));
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const aclDataType type = stub_tensor_arg(call, OUT)->dtype;
    if (list->items[0]->dtype == ACL_FLOAT && type != ACL_FLOAT) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out is %s; of FLOAT tensors it must be FLOAT", call->op->name,
                         stub_dtype_name(type));
    }
    if (call->args[DIM].integer != 0 || call->args[CHUNKS].integer < 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: dim is %lld and numChunks %lld; dim must be 0, numChunks positive", call->op->name,
                         (long long)call->args[DIM].integer, (long long)call->args[CHUNKS].integer);
    }
    int64_t dims[] = {call->args[CHUNKS].integer, 0};
    for (uint64_t i = 0; i < list->size; i++) {
        dims[1] += rows_of(call, list->items[i]) * row_size(list->items[i]);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return stub_check_shape(call, OUT, dims, 2, "numChunks, the sizes of the tensors' chunks");
}

/* Columns [at, at + one chunk) of the output's row `chunk`, in the shape of `rows` rows of the tensor. */
static stub_box place_of(const stub_box *out, const aclTensor *tensor, int64_t chunk, int64_t at, int64_t rows) {
    stub_box to = *out;
    stub_box_pick(&to, 0, chunk);
    stub_box_take(&to, 0, at, rows * row_size(tensor), 1);
    for (uint32_t axis = 0; axis + 1 < tensor->rank; axis++) {
        stub_box_split(&to, axis, axis == 0 ? rows : tensor->shape[axis]);
    }
    return to;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    stub_box out, from;
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    stub_fill_zero(&out);
    int64_t at = 0;
    for (uint64_t i = 0; i < list->size; i++) {
        const aclTensor *tensor = list->items[i];
        const int64_t rows = rows_of(call, tensor), size = row_size(tensor);
        STUB_REQUIRE(stub_box_open_item(call, TENSORS, tensor, &from));
        for (int64_t first = 0; first < tensor->shape[0] && size > 0; first += rows) {
            const int64_t left = tensor->shape[0] - first, count = left < rows ? left : rows;
            const stub_box to = place_of(&out, tensor, first / rows, at, count);
            stub_box piece = from;
            stub_box_take(&piece, 0, first, count, 1);
            stub_copy(&to, &piece);
        }
        at += rows * size;
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnChunkCat, check, run)
