/* aclnnSum, aclnnMaxN and aclnnMinN: one elementwise result of a list of tensors, taken in turn; each step is rounded
 * to the tensors' type. */
#include "opapi/map.h"

enum { TENSORS, OUT };

#define LARGER(x, y) ((y) > (x) || (y) != (y) ? (y) : (x))
#define SMALLER(x, y) ((y) < (x) || (y) != (y) ? (y) : (x))

STUB_LOOP1(copy_f32, float, float, x)
STUB_LOOP1(copy_i64, int64_t, int64_t, x)
STUB_LOOP2(add_f32, float, float, x + y)
STUB_LOOP2(add_i64, uint64_t, uint64_t, x + y)
STUB_LOOP2(max_f32, float, float, LARGER(x, y))
STUB_LOOP2(max_i64, int64_t, int64_t, y > x ? y : x)
STUB_LOOP2(min_f32, float, float, SMALLER(x, y))
STUB_LOOP2(min_i64, int64_t, int64_t, y < x ? y : x)

static const stub_map copy = {.loops = {[STUB_F32] = &copy_f32, [STUB_I64] = &copy_i64}};

typedef struct {
    stub_dtypes allowed;
    stub_map step;
} list_map;

static aclnnStatus check_item(const stub_call *call, const list_map *op, const aclTensor *item, uint64_t i) {
    const aclTensor *out = stub_tensor_arg(call, OUT);
    char text[160];
    if (!item) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors[%llu] is NULL", call->op->name, (unsigned long long)i);
    }
    if ((int)item->dtype < 0 || (int)item->dtype > 63 || !(op->allowed >> item->dtype & 1) ||
        item->dtype != out->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the data type of tensors[%llu] (%s) is not supported, or not that of out", call->op->name,
                         (unsigned long long)i, stub_describe(item, text, sizeof text));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus list_map_check(const stub_call *call, stub_plan *plan, const list_map *op) {
    const uint32_t out = OUT;
    const aclTensorList *list = call->args[TENSORS].tensors;
    if (!list) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors is NULL; this list is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    for (uint64_t i = 0; i < list->size; i++) {
        STUB_REQUIRE(check_item(call, op, list->items[i], i));
    }
    int64_t shape[STUB_MAX_RANK];
    const int rank = list->size > 0 ? stub_broadcast((const aclTensor *const *)list->items, list->size, shape) : -1;
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: tensors holds %llu tensors, which %s", call->op->name,
                         (unsigned long long)list->size,
                         list->size > 0 ? "do not broadcast together" : "are not enough: give one at least");
    }
    STUB_REQUIRE(stub_check_shape(call, OUT, shape, (uint32_t)rank, "that of the tensors, broadcast"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus list_map_run(const stub_call *call, const list_map *op) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    stub_view out;
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const stub_view *const outs[] = {&out};
    for (uint64_t i = 0; i < list->size; i++) {
        void *base;
        STUB_REQUIRE(stub_tensor_open(call, TENSORS, list->items[i], &base));
        const stub_view item = {list->items[i], base, out.bits};
        const stub_operand in[] = {{.view = i == 0 ? &item : &out}, {.view = &item}};
        stub_map_apply(i == 0 ? &copy : &op->step, out.tensor->dtype, in, i == 0 ? 1 : 2, outs, 1, NULL);
    }
    return ACLNN_SUCCESS;
}

#define SUM_TYPES                                                                                                      \
    (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) |                  \
     STUB_DTYPE(ACL_UINT8))
#define EXTREME_TYPES (STUB_FLOATS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define STEPS(f32, i64)                                                                                                \
    {                                                                                                                  \
        .loops = {[STUB_F32] = &(f32), [STUB_I64] = &(i64)}                                                            \
    }

STUB_FAMILY_KERNEL(aclnnSum, list_map, {SUM_TYPES, STEPS(add_f32, add_i64)})
STUB_FAMILY_KERNEL(aclnnMaxN, list_map, {EXTREME_TYPES, STEPS(max_f32, max_i64)})
STUB_FAMILY_KERNEL(aclnnMinN, list_map, {EXTREME_TYPES, STEPS(min_f32, min_i64)})
