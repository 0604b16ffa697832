/* aclnnGer and aclnnAddr: vec1[i] * vec2[j], elementwise over a vector that was made a column. */
#include "opapi/map.h"
#include "opapi/promote.h"

#define PRODUCT(name, T, ...) STUB_LOOP2(name, T, T, __VA_ARGS__)
PRODUCT(product_f32, float, x *y)
PRODUCT(product_f64, double, x *y)
PRODUCT(product_i64, int64_t, (int64_t)((uint64_t)x * (uint64_t)y))
PRODUCT(product_b8, uint8_t, x &y)
PRODUCT(product_c128, double complex, x *y)

/* beta, alpha and self come last; where beta is 0, self is not looked at. */
#define ADDITION(name, T_, U, ...)                                                                                     \
    STUB_LOOP(name, {                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const ys = in[1], *const ss = in[2], *const bs = in[3], *const as = in[4];         \
        T *const rs = out[0];                                                                                          \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const U x = (U)xs[i], y = (U)ys[i], s = (U)ss[i], beta = (U)bs[i], alpha = (U)as[i];                       \
            rs[i] = (T)(__VA_ARGS__);                                                                                  \
        }                                                                                                              \
    })
ADDITION(addition_f32, float, float, (beta == 0 ? 0 : beta * s) + alpha * x * y)
ADDITION(addition_f64, double, double, (beta == 0 ? 0 : beta * s) + alpha * x * y)
ADDITION(addition_i64, int64_t, uint64_t, beta *s + alpha * x * y)
ADDITION(addition_b8, uint8_t, uint8_t, (beta & s) | (alpha & x & y))

static const stub_map products = {
    .loops = {&product_f32, &product_f64, &product_i64, &product_b8, &product_c128},
    .allowed = STUB_NUMBERS | STUB_COMPLEXES,
};
static const stub_map additions = {.loops = {&addition_f32, &addition_f64, &addition_i64, &addition_b8},
                                   .allowed = STUB_NUMBERS};

/* Two vectors and what is added to their product; numbers of arguments from 1, 0: none. */
typedef struct {
    uint32_t vec1, vec2, self, beta, alpha, out;
} outer;

static aclDataType promoted(const stub_call *call, const outer *op) {
    const aclDataType vectors =
        stub_promote(stub_tensor_arg(call, op->vec1 - 1)->dtype, stub_tensor_arg(call, op->vec2 - 1)->dtype);
    return op->self == 0 ? vectors : stub_promote(vectors, stub_tensor_arg(call, op->self - 1)->dtype);
}

/* Halves meet in fp32, so that a result is rounded once. */
static aclDataType computed_in(aclDataType type) {
    return stub_class_of(type) == STUB_F32 ? ACL_FLOAT : type;
}

static aclnnStatus check_scalar(const stub_call *call, uint32_t number, aclDataType type) {
    const aclScalar *scalar = number == 0 ? NULL : call->args[number - 1].scalar;
    const bool floats = scalar && stub_dtype_is_floating(scalar->dtype) && stub_dtype_is_integral(type);
    const bool flag = scalar && scalar->dtype == ACL_BOOL && type != ACL_BOOL;
    if (!floats && !flag) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s, which does not go with tensors of type %s", call->op->name,
                     call->op->params[number - 1].name, stub_dtype_name(scalar->dtype), stub_dtype_name(type));
}

static aclnnStatus check_self(const stub_call *call, const outer *op, const int64_t dims[2]) {
    const aclTensor *self = stub_tensor_arg(call, op->self - 1);
    STUB_REQUIRE(stub_check_rank(call, op->self - 1, 0, 2));
    for (uint32_t i = 0; i < self->rank; i++) {
        if (self->shape[i] != 1 && self->shape[i] != dims[2 - self->rank + i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s cannot be broadcast to [%lld, %lld]", call->op->name,
                             call->op->params[op->self - 1].name, (long long)dims[0], (long long)dims[1]);
        }
    }
    STUB_REQUIRE(check_scalar(call, op->beta, promoted(call, op)));
    return check_scalar(call, op->alpha, promoted(call, op));
}

static aclnnStatus outer_check(const stub_call *call, stub_plan *plan, const outer *op) {
    const uint32_t tensors[] = {op->vec1 - 1, op->vec2 - 1, op->out - 1, (op->self ? op->self : op->vec1) - 1};
    const stub_map *map = op->self ? &additions : &products;
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    for (int i = 0; i < 4; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(map->allowed)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    }
    STUB_REQUIRE(stub_check_rank(call, op->vec1 - 1, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, op->vec2 - 1, 1, 1));
    const int64_t dims[] = {stub_tensor_arg(call, op->vec1 - 1)->shape[0],
                            stub_tensor_arg(call, op->vec2 - 1)->shape[0]};
    STUB_REQUIRE(stub_check_shape(call, op->out - 1, dims, 2, "the lengths of the two vectors"));
    const aclDataType type = promoted(call, op), out = stub_tensor_arg(call, op->out - 1)->dtype;
    if (!stub_can_cast(type, out)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in %s, which is %s",
                         call->op->name, stub_dtype_name(type), call->op->params[op->out - 1].name,
                         stub_dtype_name(out));
    }
    plan->nothing_to_run = dims[0] * dims[1] == 0;
    return op->self ? check_self(call, op, dims) : ACLNN_SUCCESS;
}

static aclnnStatus outer_run(const stub_call *call, const outer *op) {
    static const aclScalar one = {.dtype = ACL_INT64, .value = {.i64 = 1}};
    stub_view column, row, self, out;
    STUB_REQUIRE(stub_view_open(call, op->vec1 - 1, &column));
    STUB_REQUIRE(stub_view_open(call, op->vec2 - 1, &row));
    STUB_REQUIRE(stub_view_open(call, op->out - 1, &out));
    int64_t shape[] = {column.tensor->shape[0], 1}, strides[] = {column.tensor->strides[0], 1};
    aclTensor tensor = *column.tensor;
    tensor.rank = 2;
    tensor.shape = shape;
    tensor.strides = strides;
    column.tensor = &tensor;
    const stub_view *outs[] = {&out};
    stub_operand in[5] = {{.view = &column}, {.view = &row}};
    if (op->self == 0) {
        stub_map_apply(&products, computed_in(promoted(call, op)), in, 2, outs, 1, NULL);
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, op->self - 1, &self));
    const aclScalar *beta = call->args[op->beta - 1].scalar, *alpha = call->args[op->alpha - 1].scalar;
    in[2] = (stub_operand){.view = &self};
    in[3] = (stub_operand){.scalar = beta ? beta : &one};
    in[4] = (stub_operand){.scalar = alpha ? alpha : &one};
    stub_map_apply(&additions, computed_in(promoted(call, op)), in, 5, outs, 1, NULL);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnGer, outer, {.vec1 = 1, .vec2 = 2, .out = 3})
STUB_FAMILY_KERNEL(aclnnAddr, outer, {.self = 1, .vec1 = 2, .vec2 = 3, .beta = 4, .alpha = 5, .out = 6})
STUB_FAMILY_KERNEL(aclnnInplaceAddr, outer, {.self = 1, .vec1 = 2, .vec2 = 3, .beta = 4, .alpha = 5, .out = 1})
