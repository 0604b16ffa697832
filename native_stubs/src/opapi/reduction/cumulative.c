/* Running sums and products along one axis: sums of floats are kept in fp64, of integers in 64 bits. The input is cast
 * to the type of the result first. */
#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"

enum { SELF, DIM };

/* Arguments by number; 0, which is self's, where the operator has none. */
typedef struct {
    stub_dtypes allowed, more; /* of all tensors; of self besides */
    uint32_t dtype, exclusive, reverse, out;
    aclnnStatus (*line[STUB_CLASS_COUNT])(const void *ways, void *const *array, const int64_t *length, int64_t position,
                                          void *scratch);
} cumulative;

typedef struct {
    bool exclusive, reverse;
} ways;

#define RUNNING(name, T, A, start, step)                                                                               \
    static aclnnStatus name(const void *constants, void *const *array, const int64_t *length, int64_t position,        \
                            void *scratch) {                                                                           \
        const ways *way = constants;                                                                                   \
        const T *const xs = array[0];                                                                                  \
        T *const to = array[1];                                                                                        \
        A a = start;                                                                                                   \
        (void)position, (void)scratch;                                                                                 \
        for (int64_t j = 0; j < length[0]; j++) {                                                                      \
            const int64_t i = way->reverse ? length[0] - 1 - j : j;                                                    \
            const A before = a;                                                                                        \
            const T x = xs[i];                                                                                         \
            a = (A)(step);                                                                                             \
            to[i] = (T)(way->exclusive ? before : a);                                                                  \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }

RUNNING(sum_f32, float, double, 0, a + x)
RUNNING(sum_f64, double, double, 0, a + x)
RUNNING(sum_i64, uint64_t, uint64_t, 0, a + x)
RUNNING(sum_c128, double complex, double complex, 0, a + x)
RUNNING(prod_f32, float, double, 1, a *x)
RUNNING(prod_f64, double, double, 1, a *x)
RUNNING(prod_i64, uint64_t, uint64_t, 1, a *x)

static int64_t dim_of(const stub_call *call) {
    return (int64_t)stub_number(call, DIM);
}

static aclDataType result_type(const stub_call *call, const cumulative *op) {
    const aclDataType dtype = op->dtype != 0 ? (aclDataType)call->args[op->dtype].integer : ACL_DT_UNDEFINED;
    return dtype == ACL_DT_UNDEFINED ? stub_tensor_arg(call, SELF)->dtype : dtype;
}

static aclnnStatus check_dim(const stub_call *call) {
    if (call->op->params[DIM].kind == STUB_SCALAR && !call->args[DIM].scalar) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: dim is NULL; this scalar is required", call->op->name);
    }
    const uint32_t rank = stub_tensor_arg(call, SELF)->rank;
    if (stub_axis(dim_of(call), rank) < 0) {
        const int bound = rank > 0 ? (int)rank : 1;
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dim is %lld; allowed are %d to %d", call->op->name,
                         (long long)dim_of(call), -bound, bound - 1);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus cumulative_check(const stub_call *call, stub_plan *plan, const cumulative *op) {
    const uint32_t tensors[] = {SELF, op->out};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(op->allowed | op->more)}, {op->out, STUB_ON_ALL(op->allowed)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    if (stub_tensor_arg(call, op->out)->dtype != result_type(call, op)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has data type %s; it must be %s", call->op->name,
                         call->op->params[op->out].name, stub_dtype_name(stub_tensor_arg(call, op->out)->dtype),
                         stub_dtype_name(result_type(call, op)));
    }
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(check_dim(call));
    STUB_REQUIRE(stub_check_same_shape(call, op->out, SELF));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus cumulative_run(const stub_call *call, const cumulative *op) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, op->out, &out));
    const ways way = {op->exclusive != 0 && call->args[op->exclusive].flag,
                      op->reverse != 0 && call->args[op->reverse].flag};
    const uint32_t axes = 1u << stub_axis(dim_of(call), self.tensor->rank);
    const aclDataType as = out.tensor->dtype;
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&self, axes, as}, {&out, axes, as}},
                              .line = op->line[stub_class_of(as)],
                              .constants = &way};
    return stub_lines_run(call, &lines);
}

#define SUMS {sum_f32, sum_f64, sum_i64, NULL, sum_c128}
#define PRODUCTS {prod_f32, prod_f64, prod_i64}
#define SUM_TYPES (STUB_REALS | STUB_INTEGERS | STUB_COMPLEXES)
#define PRODUCT_TYPES                                                                                                  \
    (STUB_REALS | STUB_INTEGERS | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))

STUB_FAMILY_KERNEL(aclnnCumsum, cumulative,
                   {.allowed = SUM_TYPES, .more = STUB_BOOLS, .dtype = 2, .out = 3, .line = SUMS})
STUB_FAMILY_KERNEL(aclnnCumsumV2, cumulative,
                   {.allowed = SUM_TYPES, .exclusive = 2, .reverse = 3, .out = 4, .line = SUMS})
STUB_FAMILY_KERNEL(aclnnCumprod, cumulative, {.allowed = PRODUCT_TYPES, .dtype = 2, .out = 3, .line = PRODUCTS})
STUB_FAMILY_KERNEL(aclnnInplaceCumprod, cumulative, {.allowed = PRODUCT_TYPES, .line = PRODUCTS})
