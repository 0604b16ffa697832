/* Sums into rows that are named, or that windows overlap in, in fp32: aclnnEmbeddingDenseBackward,
 * aclnnUnfoldGrad. */
#include <stdlib.h>
#include <string.h>

#include "opapi/indexing/places.h"

/* A box's elements in a dense array of the class of `as`; NULL without memory. */
static void *read_dense(const stub_box *box, aclDataType as) {
    const stub_box one = {.dtype = as};
    const int64_t size = stub_box_size(box);
    void *numbers = malloc((size_t)((size > 0 ? size : 1) * stub_box_width(&one)));
    if (numbers != NULL) {
        const stub_box dense = stub_box_over(numbers, as, box->shape, box->rank);
        stub_copy(&dense, box);
    }
    return numbers;
}

static aclnnStatus no_memory(const stub_call *call) {
    return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the sums", call->op->name);
}

static void write_sums(const stub_box *out, float *sums) {
    const stub_box dense = stub_box_over(sums, ACL_FLOAT, out->shape, out->rank);
    stub_copy(out, &dense);
}

enum { GRAD, INDICES, WEIGHTS, PADDING, BY_FREQUENCY, EMBEDDING_OUT };

static aclnnStatus check_embedding(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, INDICES, EMBEDDING_OUT};
    const stub_dtype_rule rules[] = {{GRAD, STUB_ON_ALL(STUB_FLOATS)}, {INDICES, STUB_ON_ALL(STUB_NUMBERS)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, EMBEDDING_OUT, GRAD));
    STUB_REQUIRE(stub_check_rank(call, GRAD, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, INDICES, 0, STUB_MAX_RANK));
    const aclTensor *grad = stub_tensor_arg(call, GRAD), *indices = stub_tensor_arg(call, INDICES);
    const int64_t width = stub_last_dim(grad), shape[] = {call->args[WEIGHTS].integer, width};
    STUB_REQUIRE(stub_check_shape(call, EMBEDDING_OUT, shape, 2, "numWeights, and the last axis of grad"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EMBEDDING_OUT)) == 0;
    if (stub_tensor_numel(indices) * width == stub_tensor_numel(grad)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: grad must have one row for each of the %lld indices", call->op->name,
                     (long long)stub_tensor_numel(indices));
}

static aclnnStatus sum_rows(const stub_call *call, const float *grad, const int64_t *rows, int64_t count,
                            const stub_box *out, float *sums, int64_t *hits) {
    const int64_t width = out->shape[1], padding = call->args[PADDING].integer;
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = rows[i];
        if (row < 0 || row >= out->shape[0]) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: indices has %lld; allowed are 0 to %lld",
                             call->op->name, (long long)row, (long long)out->shape[0] - 1);
        }
        hits[row]++;
        for (int64_t k = 0; row != padding && k < width; k++) {
            sums[row * width + k] += grad[i * width + k];
        }
    }
    for (int64_t row = 0; call->args[BY_FREQUENCY].flag && row < out->shape[0]; row++) {
        for (int64_t k = 0; hits[row] > 1 && k < width; k++) {
            sums[row * width + k] /= (float)hits[row];
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_embedding(const stub_call *call) {
    stub_box grad, indices, out;
    STUB_REQUIRE(stub_box_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_box_open(call, INDICES, &indices));
    STUB_REQUIRE(stub_box_open(call, EMBEDDING_OUT, &out));
    float *values = read_dense(&grad, ACL_FLOAT), *sums = calloc((size_t)stub_box_size(&out), sizeof *sums);
    int64_t *rows = read_dense(&indices, ACL_INT64), *hits = calloc((size_t)out.shape[0], sizeof *hits);
    aclnnStatus status = values && rows && sums && hits ? ACLNN_SUCCESS : no_memory(call);
    if (status == ACLNN_SUCCESS) {
        status = sum_rows(call, values, rows, stub_box_size(&indices), &out, sums, hits);
    }
    if (status == ACLNN_SUCCESS) {
        write_sums(&out, sums);
    }
    free(values), free(rows), free(sums), free(hits);
    return status;
}

enum { UNFOLD_SIZES = 1, UNFOLD_DIM, UNFOLD_SIZE, UNFOLD_STEP, UNFOLD_OUT };

static aclnnStatus check_unfold(const stub_call *call, stub_plan *plan) {
    const int64_t *sizes, size = call->args[UNFOLD_SIZE].integer, step = call->args[UNFOLD_STEP].integer;
    uint32_t count;
    int64_t shape[STUB_MAX_RANK];
    STUB_REQUIRE(stub_check_move(call, GRAD, UNFOLD_OUT, STUB_FLOATS));
    STUB_REQUIRE(stub_read_ints(call, UNFOLD_SIZES, 1, STUB_MAX_RANK - 1, &sizes, &count));
    STUB_REQUIRE(stub_check_shape(call, UNFOLD_OUT, sizes, count, "inputSizes"));
    STUB_REQUIRE(stub_check_axis(call, UNFOLD_DIM, count));
    const int axis = stub_axis(call->args[UNFOLD_DIM].integer, count);
    if (axis + 2 < (int)count || size < 1 || size > sizes[axis] || step < 1) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: dim is %d, size %lld and step %lld; allowed are the last two axes of inputSizes, sizes 1 to "
            "%lld and positive steps",
            call->op->name, axis, (long long)size, (long long)step, (long long)sizes[axis]);
    }
    memcpy(shape, sizes, count * sizeof *shape);
    shape[axis] = (sizes[axis] - size) / step + 1;
    shape[count] = size;
    STUB_REQUIRE(stub_check_shape(call, GRAD, shape, count + 1, "that of the unfolded input"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, UNFOLD_OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_unfold(const stub_call *call) {
    stub_box grad, out;
    STUB_REQUIRE(stub_box_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_box_open(call, UNFOLD_OUT, &out));
    const uint32_t axis = (uint32_t)stub_axis(call->args[UNFOLD_DIM].integer, out.rank);
    const int64_t size = call->args[UNFOLD_SIZE].integer, step = call->args[UNFOLD_STEP].integer;
    const int64_t length = out.shape[axis], windows = grad.shape[axis];
    const int64_t inner = axis + 1 == out.rank ? 1 : out.shape[axis + 1];
    const int64_t outer = stub_box_size(&out) / length / inner;
    float *values = read_dense(&grad, ACL_FLOAT), *sums = calloc((size_t)stub_box_size(&out), sizeof *sums);
    if (values == NULL || sums == NULL) {
        free(values), free(sums);
        return no_memory(call);
    }
    const float *next = values;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t w = 0; w < windows; w++) {
            for (int64_t i = 0; i < inner; i++) {
                for (int64_t k = 0; k < size; k++) {
                    sums[(o * length + w * step + k) * inner + i] += *next++;
                }
            }
        }
    }
    write_sums(&out, sums);
    free(values), free(sums);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnEmbeddingDenseBackward, check_embedding, run_embedding)
STUB_KERNEL(aclnnUnfoldGrad, check_unfold, run_unfold)
