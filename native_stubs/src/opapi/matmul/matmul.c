/* Matrix products of floats. Sums are taken in fp32 and rounded once, to the type of the result.
 *
 * cubeMathType allows an NPU to be less precise (HFLOAT32, types 1 and 3) or asks it for longer sums (4): fp32 sums
 * satisfy all of these. USE_FP16 (2) rounds FLOAT inputs to FLOAT16. */
#include "opapi/matmul/matmul.h"

#include <stdlib.h>
#include <string.h>

#include "opapi/map.h"
#include "opapi/promote.h"

enum { KEEP_DTYPE, USE_HF32 = 3, USE_FP32_ADD = 4, TEXT = 160 };

aclnnStatus stub_check_cube_math_type(const stub_call *call, uint32_t arg, aclDataType type) {
    const int64_t given = call->args[arg].integer;
    if (given < KEEP_DTYPE || given > USE_FP32_ADD) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: cubeMathType is %lld; allowed are 0 to 4", call->op->name,
                         (long long)given);
    }
    if ((given == STUB_USE_FP16 && type == ACL_BF16) || (given == USE_HF32 && type != ACL_FLOAT)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: cubeMathType is %lld, which is not for inputs of type %s",
                         call->op->name, (long long)given, stub_dtype_name(type));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_matmul_promote(const stub_call *call, uint32_t a, uint32_t b, aclDataType *type) {
    const aclDataType left = stub_tensor_arg(call, a)->dtype, right = stub_tensor_arg(call, b)->dtype;
    *type = stub_promote(left, right);
    if (left != right && (left == ACL_BF16 || right == ACL_BF16)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s has data type %s, %s has %s; ACL_BF16 goes with ACL_BF16 only", call->op->name,
                         call->op->params[a].name, stub_dtype_name(left), call->op->params[b].name,
                         stub_dtype_name(right));
    }
    return ACLNN_SUCCESS;
}

/* ---- shapes ---- */

static uint32_t batch_axes(const aclTensor *tensor, uint32_t behind) {
    return tensor->rank > behind ? tensor->rank - behind : 0;
}

/* Axes of a matrix in tiles: two, or four when the view shows them. */
static uint32_t matrix_axes(const stub_matmul *op, const aclTensor *b) {
    return op->nz && stub_nz_shows_tiles(b) ? 4 : 2;
}

static bool broadcast_batch(const aclTensor *a, uint32_t a_axes, const aclTensor *b, uint32_t b_axes,
                            stub_batch_product *to) {
    to->rank = a_axes > b_axes ? a_axes : b_axes;
    for (uint32_t i = 0; i < to->rank; i++) {
        const int64_t left = i + a_axes >= to->rank ? a->shape[i + a_axes - to->rank] : 1;
        const int64_t right = i + b_axes >= to->rank ? b->shape[i + b_axes - to->rank] : 1;
        if (left != right && left != 1 && right != 1) {
            return false;
        }
        to->batch[i] = left == 1 ? right : left;
    }
    return true;
}

static bool flag(const stub_call *call, uint32_t arg) {
    return arg != STUB_NONE && call->args[arg - 1].integer != 0;
}

/* Sizes of the product; b's rows in `inner`, which must be k. */
static bool measure(const stub_call *call, const stub_matmul *op, stub_batch_product *to, int64_t *inner) {
    const aclTensor *a = stub_tensor_arg(call, op->a - 1), *b = stub_tensor_arg(call, op->b - 1);
    const uint32_t behind = matrix_axes(op, b);
    to->m = a->rank > 1 ? a->shape[a->rank - 2] : 1;
    to->k = a->shape[a->rank - 1];
    if (flag(call, op->trans_a)) {
        const int64_t m = to->m;
        to->m = to->k;
        to->k = m;
    }
    if (behind == 4) {
        to->n = stub_last_dim(stub_tensor_arg(call, op->out - 1));
        *inner = to->k;
    } else if (b->rank == 1) {
        to->n = 1;
        *inner = b->shape[0];
    } else {
        const bool transposed = flag(call, op->trans_b);
        to->n = b->shape[b->rank - (transposed ? 2 : 1)];
        *inner = b->shape[b->rank - (transposed ? 1 : 2)];
    }
    to->sums_batch = op->sums_batch;
    return broadcast_batch(a, batch_axes(a, 2), b, batch_axes(b, behind), to);
}

/* The shape of out: axes that a vector lacks are missing. */
static uint32_t result_shape(const stub_call *call, const stub_matmul *op, const stub_batch_product *of,
                             int64_t shape[STUB_MAX_RANK]) {
    uint32_t rank = op->sums_batch ? 0 : of->rank;
    memcpy(shape, of->batch, rank * sizeof *shape);
    if (stub_tensor_arg(call, op->a - 1)->rank > 1) {
        shape[rank++] = of->m;
    }
    if (stub_tensor_arg(call, op->b - 1)->rank > 1) {
        shape[rank++] = of->n;
    }
    return rank;
}

static aclnnStatus check_self(const stub_call *call, const stub_matmul *op) {
    if (op->self == STUB_NONE || op->self == op->out) {
        return ACLNN_SUCCESS;
    }
    const aclTensor *self = stub_tensor_arg(call, op->self - 1), *out = stub_tensor_arg(call, op->out - 1);
    bool fits = self->rank <= out->rank;
    for (uint32_t i = 0; fits && i < self->rank; i++) {
        fits = self->shape[i] == 1 || self->shape[i] == out->shape[out->rank - self->rank + i];
    }
    char given[TEXT], result[TEXT];
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s (%s) cannot be broadcast to the product, which is %s",
                            call->op->name, call->op->params[op->self - 1].name,
                            stub_describe(self, given, sizeof given), stub_describe(out, result, sizeof result));
}

static aclnnStatus check_shapes(const stub_call *call, const stub_matmul *op, stub_batch_product *product) {
    const aclTensor *a = stub_tensor_arg(call, op->a - 1), *b = stub_tensor_arg(call, op->b - 1);
    int64_t inner, shape[STUB_MAX_RANK];
    char left[TEXT], right[TEXT];
    const bool broadcasts = measure(call, op, product, &inner);
    const bool same = !op->same_batch || (a->shape[0] == b->shape[0]);
    if (!broadcasts || !same || inner != product->k) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s (%s) and %s (%s) cannot be multiplied: %s", call->op->name,
                         call->op->params[op->a - 1].name, stub_describe(a, left, sizeof left),
                         call->op->params[op->b - 1].name, stub_describe(b, right, sizeof right),
                         inner != product->k ? "the inner dimensions differ" : "the batches do not fit");
    }
    const uint32_t rank = result_shape(call, op, product, shape);
    STUB_REQUIRE(stub_check_shape(call, op->out - 1, shape, rank, "that of the product"));
    return check_self(call, op);
}

/* ---- phase one ---- */

static uint32_t tensors_of(const stub_matmul *op, uint32_t list[4]) {
    uint32_t count = 0;
    list[count++] = op->a - 1;
    list[count++] = op->b - 1;
    list[count++] = op->out - 1;
    if (op->self != STUB_NONE) {
        list[count++] = op->self - 1;
    }
    return count;
}

static aclnnStatus check_types(const stub_call *call, const stub_matmul *op) {
    uint32_t list[4];
    const uint32_t count = tensors_of(op, list);
    for (uint32_t i = 0; i < count; i++) {
        const stub_dtype_rule rule = {list[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    }
    aclDataType type;
    STUB_REQUIRE(stub_matmul_promote(call, op->a - 1, op->b - 1, &type));
    if (op->halves) {
        const stub_dtype_rule a = {op->a - 1, STUB_ON_ALL(STUB_HALVES)};
        const stub_dtype_rule out = {op->out - 1, STUB_ON_ALL(STUB_DTYPE(type) | STUB_DTYPE(ACL_FLOAT))};
        STUB_REQUIRE(stub_check_dtypes(call, &a, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, op->b - 1, op->a - 1));
        STUB_REQUIRE(stub_check_dtypes(call, &out, 1));
    }
    return op->cube == STUB_NONE ? ACLNN_SUCCESS : stub_check_cube_math_type(call, op->cube - 1, type);
}

static aclnnStatus check_nz(const stub_call *call, const stub_matmul *op, const stub_batch_product *product) {
    const aclTensor *b = stub_tensor_arg(call, op->b - 1);
    stub_nz nz;
    if (!op->nz) {
        return ACLNN_SUCCESS;
    }
    if (!stub_is_nz(b)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has format %d; it must be FRACTAL_NZ (29)", call->op->name,
                         call->op->params[op->b - 1].name, (int)b->format);
    }
    if (product->k == 1 || product->n == 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %s is a matrix of %lld rows and %lld columns; FRACTAL_NZ needs two", call->op->name,
                         call->op->params[op->b - 1].name, (long long)product->k, (long long)product->n);
    }
    return stub_nz_find(call, op->b - 1, b, product->k, product->n, -1, &nz);
}

/* aclnnGemm passes its factors by value, the others as scalars. */
static aclnnStatus check_factor(const stub_call *call, uint32_t number) {
    const uint32_t arg = number - 1;
    const bool is_scalar = number != STUB_NONE && call->op->params[arg].kind == STUB_SCALAR;
    return is_scalar ? stub_check_given(call, &arg, 1) : ACLNN_SUCCESS;
}

static aclnnStatus check_given(const stub_call *call, const stub_matmul *op) {
    uint32_t list[4];
    STUB_REQUIRE(stub_check_given(call, list, tensors_of(op, list)));
    STUB_REQUIRE(check_factor(call, op->alpha));
    return check_factor(call, op->beta);
}

aclnnStatus stub_matmul_check(const stub_call *call, stub_plan *plan, const stub_matmul *op) {
    STUB_REQUIRE(check_given(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(stub_check_rank(call, op->a - 1, op->a_low, op->a_high));
    STUB_REQUIRE(stub_check_rank(call, op->b - 1, op->b_low, op->b_high + (op->nz ? 2 : 0)));
    stub_batch_product product = {0};
    STUB_REQUIRE(check_shapes(call, op, &product));
    STUB_REQUIRE(check_nz(call, op, &product));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, op->out - 1)) == 0;
    return ACLNN_SUCCESS;
}

/* ---- phase two ---- */

static aclnnStatus open_right(const stub_call *call, const stub_matmul *op, stub_batch_product *product, void **owned) {
    const aclTensor *b = stub_tensor_arg(call, op->b - 1);
    stub_view view;
    stub_nz nz;
    if (op->nz) {
        STUB_REQUIRE(stub_nz_find(call, op->b - 1, b, product->k, product->n, -1, &nz));
        return stub_nz_open(call, op->b - 1, b, &nz, product->rank, &product->b, owned);
    }
    STUB_REQUIRE(stub_view_open(call, op->b - 1, &view));
    product->b = stub_part_last(&view, product->rank);
    if (b->rank == 1 || flag(call, op->trans_b)) {
        stub_part_transpose(&product->b);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus open_left(const stub_call *call, const stub_matmul *op, stub_batch_product *product) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, op->a - 1, &view));
    product->a = stub_part_last(&view, product->rank);
    if (flag(call, op->trans_a)) {
        stub_part_transpose(&product->a);
    }
    return ACLNN_SUCCESS;
}

/* The result; m or n is missing where an operand is a vector. */
static aclnnStatus open_out(const stub_call *call, const stub_matmul *op, stub_batch_product *product) {
    stub_view view;
    const uint32_t batch = product->sums_batch ? 0 : product->rank;
    const bool column = stub_tensor_arg(call, op->a - 1)->rank > 1, row = stub_tensor_arg(call, op->b - 1)->rank > 1;
    STUB_REQUIRE(stub_view_open(call, op->out - 1, &view));
    const int last = (int)view.tensor->rank - 1;
    product->out = stub_part_of(&view, column ? last - row : STUB_NO_AXIS, row ? last : STUB_NO_AXIS, batch);
    return ACLNN_SUCCESS;
}

/* beta self, from what self holds before the call. Where beta is 0, self is not read. */
static aclnnStatus open_self(const stub_call *call, const stub_matmul *op, stub_batch_product *product) {
    product->alpha = op->alpha == STUB_NONE ? 1 : stub_number(call, op->alpha - 1);
    const double beta = op->beta == STUB_NONE ? 0 : stub_number(call, op->beta - 1);
    stub_view view;
    if (op->self == STUB_NONE || beta == 0) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, op->self - 1, &view));
    stub_term *term = &product->term[product->terms++];
    const int last = (int)view.tensor->rank - 1, rows = stub_tensor_arg(call, op->b - 1)->rank > 1;
    term->part = stub_part_of(&view, rows ? last - 1 : last, rows ? last : STUB_NO_AXIS,
                              product->sums_batch ? 0 : product->rank);
    term->factor = beta;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_matmul_run(const stub_call *call, const stub_matmul *op) {
    stub_batch_product product = {0};
    int64_t inner;
    void *owned = NULL;
    if (!measure(call, op, &product, &inner)) {
        return ACLNN_ERR_INNER;
    }
    STUB_REQUIRE(open_left(call, op, &product));
    STUB_REQUIRE(open_out(call, op, &product));
    STUB_REQUIRE(open_self(call, op, &product));
    if (product.alpha == 0) { /* then the product is not computed, whatever it is */
        product.k = 0;
    }
    aclnnStatus status = open_right(call, op, &product, &owned);
    if (status == ACLNN_SUCCESS) {
        product.as_half = op->cube != STUB_NONE && call->args[op->cube - 1].integer == STUB_USE_FP16;
        status = stub_batch_product_run(call, &product);
    }
    free(owned);
    return status;
}
