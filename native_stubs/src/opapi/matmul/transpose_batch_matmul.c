/* aclnnTransposeBatchMatMul and its weight in FRACTAL_NZ: out[m, b, n] = x1[b, m, :] @ x2[b, :, n] for operands whose
 * axes are named by permutations; or [s, m, (b n) / s], the batch cut into s pieces. */
#include <stdlib.h>

#include "opapi/matmul/matmul.h"

enum { X1, X2, BIAS, SCALE, PERM_1, PERM_2, PERM_OUT, CUBE, SPLIT, OUT, AXES = 3, TEXT = 160 };

typedef struct {
    bool nz;
} transposing;

static bool is_permutation(const aclIntArray *array, int64_t a, int64_t b, int64_t c) {
    return array && array->size == AXES && array->values[0] == a && array->values[1] == b && array->values[2] == c;
}

static aclnnStatus check_permutations(const stub_call *call) {
    const aclIntArray *left = call->args[PERM_1].ints, *right = call->args[PERM_2].ints;
    const char *wrong =
        !is_permutation(left, 0, 1, 2) && !is_permutation(left, 1, 0, 2)     ? "permX1 must be [0, 1, 2] or [1, 0, 2]"
        : !is_permutation(right, 0, 1, 2) && !is_permutation(right, 0, 2, 1) ? "permX2 must be [0, 1, 2] or [0, 2, 1]"
        : !is_permutation(call->args[PERM_OUT].ints, 1, 0, 2)                ? "permY must be [1, 0, 2]"
                                                                             : NULL;
    return wrong ? stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s", call->op->name, wrong) : ACLNN_SUCCESS;
}

/* Axes of x1 and x2 by their part. */
typedef struct {
    int left_batch, left_row, right_row, right_column;
} axes;

static axes axes_of(const stub_call *call) {
    const bool swapped = call->args[PERM_1].ints->values[0] == 1, flipped = call->args[PERM_2].ints->values[1] == 2;
    return (axes){swapped, !swapped, flipped ? 2 : 1, flipped ? 1 : 2};
}

static stub_batch_product measure(const stub_call *call) {
    const axes by = axes_of(call);
    const aclTensor *x1 = stub_tensor_arg(call, X1), *x2 = stub_tensor_arg(call, X2);
    const int64_t batch = x1->shape[by.left_batch], split = call->args[SPLIT].integer;
    return (stub_batch_product){.m = x1->shape[by.left_row],
                                .k = x1->shape[2],
                                .n = x2->shape[by.right_column],
                                .rank = 2,
                                .batch = {split, split > 0 ? batch / split : 0},
                                .alpha = 1};
}

static aclnnStatus check_shapes(const stub_call *call, const transposing *op) {
    const axes by = axes_of(call);
    const aclTensor *x1 = stub_tensor_arg(call, X1), *x2 = stub_tensor_arg(call, X2);
    const int64_t batch = x1->shape[by.left_batch], split = call->args[SPLIT].integer;
    char left[TEXT], right[TEXT];
    if (split < 1 || (split > 1 && (split > batch || batch % split != 0))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: batchSplitFactor is %lld; it must divide the batch of %lld",
                         call->op->name, (long long)split, (long long)batch);
    }
    if (x2->shape[0] != batch || x2->shape[by.right_row] != x1->shape[2]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 (%s) and x2 (%s), permuted, cannot be multiplied",
                         call->op->name, stub_describe(x1, left, sizeof left), stub_describe(x2, right, sizeof right));
    }
    const stub_batch_product sizes = measure(call);
    const int64_t whole[] = {sizes.m, batch, sizes.n}, pieces[] = {split, sizes.m, batch / split * sizes.n};
    STUB_REQUIRE(stub_check_shape(call, OUT, split > 1 ? pieces : whole, AXES, "[m, b, n], or [s, m, b n / s]"));
    stub_nz nz;
    if (!op->nz) {
        return ACLNN_SUCCESS;
    }
    if (!stub_is_nz(x2) || stub_nz_shows_tiles(x2)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x2 must be a matrix view of FRACTAL_NZ (29)", call->op->name);
    }
    return stub_nz_find(call, X2, x2, x2->shape[1], x2->shape[2], -1, &nz);
}

static aclnnStatus transposing_check(const stub_call *call, stub_plan *plan, const transposing *op) {
    const uint32_t tensors[] = {X1, X2, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    if (stub_tensor_arg(call, BIAS) || stub_tensor_arg(call, SCALE)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for bias and scale; both must be NULL", call->op->name);
    }
    for (int i = 0; i < 3; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, tensors[i], AXES, AXES));
    }
    aclDataType type;
    STUB_REQUIRE(stub_matmul_promote(call, X1, X2, &type));
    STUB_REQUIRE(stub_check_cube_math_type(call, CUBE, type));
    STUB_REQUIRE(check_permutations(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return check_shapes(call, op);
}

/* One batch axis as two: pieces, and matrices in a piece. */
static void split_batch(stub_part *part, int64_t step, int64_t in_piece) {
    part->batch[0] = in_piece * step;
    part->batch[1] = step;
}

static aclnnStatus open_right(const stub_call *call, const transposing *op, stub_part *part, void **owned) {
    const aclTensor *x2 = stub_tensor_arg(call, X2);
    const axes by = axes_of(call);
    stub_view view;
    stub_nz nz;
    if (!op->nz) {
        STUB_REQUIRE(stub_view_open(call, X2, &view));
        *part = stub_part_of(&view, by.right_row, by.right_column, 1);
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_nz_find(call, X2, x2, x2->shape[1], x2->shape[2], -1, &nz));
    STUB_REQUIRE(stub_nz_open(call, X2, x2, &nz, 1, part, owned));
    if (by.right_row == 2) {
        stub_part_transpose(part);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus transposing_run(const stub_call *call, const transposing *op) {
    const axes by = axes_of(call);
    stub_batch_product product = measure(call);
    const int64_t in_piece = product.batch[1];
    void *owned = NULL;
    stub_view left, out;
    STUB_REQUIRE(stub_view_open(call, X1, &left));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    product.a = stub_part_of(&left, by.left_row, 2, 1);
    split_batch(&product.a, product.a.batch[0], in_piece);
    if (product.batch[0] > 1) {
        product.out = stub_part_of(&out, 1, 2, 1);
        product.out.batch[1] = product.n * product.out.column;
    } else {
        product.out = stub_part_of(&out, 0, 2, 1);
        split_batch(&product.out, product.out.batch[0], in_piece);
    }
    product.as_half = call->args[CUBE].integer == STUB_USE_FP16;
    STUB_REQUIRE(open_right(call, op, &product.b, &owned));
    split_batch(&product.b, product.b.batch[0], in_piece);
    const aclnnStatus status = stub_batch_product_run(call, &product);
    free(owned);
    return status;
}

STUB_FAMILY_KERNEL(aclnnTransposeBatchMatMul, transposing, {.nz = false})
STUB_FAMILY_KERNEL(aclnnTransposeBatchMatMulWeightNz, transposing, {.nz = true})
