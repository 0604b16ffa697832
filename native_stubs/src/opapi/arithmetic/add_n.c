/* aclnnAddN: the sum of a list of tensors of one shape. Floats are summed in fp32 and rounded once. */
#include <stdlib.h>

#include "opapi/made_view.h"
#include "opapi/map.h"

enum { TENSORS, OUT };

STUB_LOOP1(copy_f32, float, float, x)
STUB_LOOP1(copy_i64, int64_t, int64_t, x)
STUB_LOOP2(add_f32, float, float, x + y)
STUB_LOOP2(add_i64, uint64_t, uint64_t, x + y)

static const stub_map copy = {.loops = {[STUB_F32] = &copy_f32, [STUB_I64] = &copy_i64}},
                      add = {.loops = {[STUB_F32] = &add_f32, [STUB_I64] = &add_i64}};

#define TYPES (STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))

static aclnnStatus check_item(const stub_call *call, const aclTensor *item, uint64_t i) {
    const aclTensor *out = stub_tensor_arg(call, OUT);
    char text[160];
    bool same = item && item->dtype == out->dtype && item->rank == out->rank;
    for (uint32_t axis = 0; same && axis < out->rank; axis++) {
        same = item->shape[axis] == out->shape[axis];
    }
    if (!item) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors[%llu] is NULL", call->op->name, (unsigned long long)i);
    }
    return same ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: tensors[%llu] (%s) has not the data type and shape of out",
                            call->op->name, (unsigned long long)i, stub_describe(item, text, sizeof text));
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t out = OUT;
    const stub_dtype_rule rule = {OUT, STUB_ON_ALL(TYPES)};
    const aclTensorList *list = call->args[TENSORS].tensors;
    if (!list) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors is NULL; this list is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, OUT, 0, STUB_MAX_RANK));
    for (uint64_t i = 0; i < list->size; i++) {
        STUB_REQUIRE(check_item(call, list->items[i], i));
    }
    plan->nothing_to_run = list->size == 0 || stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

/* A row-major view over memory of the caller's. */
static void make_sums(stub_made_view *sums, const aclTensor *like, aclDataType dtype, void *memory) {
    const aclTensor tensor = {.dtype = dtype};
    const stub_view of = {.tensor = &tensor, .base = memory, .bits = stub_dtype_bits(dtype)};
    int64_t stride = stub_tensor_numel(like);
    stub_made_start(sums, &of);
    for (uint32_t i = 0; i < like->rank; i++) {
        stride /= like->shape[i];
        stub_made_axis(sums, like->shape[i], stride);
    }
}

static aclnnStatus add_all(const stub_call *call, const stub_view *sums, aclDataType as) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    for (uint64_t i = 0; i < list->size; i++) {
        void *base;
        STUB_REQUIRE(stub_tensor_open(call, TENSORS, list->items[i], &base));
        const stub_view item = {list->items[i], base, stub_dtype_bits(list->items[i]->dtype)};
        const stub_operand in[] = {{.view = i == 0 ? &item : sums}, {.view = &item}};
        stub_map_apply(i == 0 ? &copy : &add, as, in, i == 0 ? 1 : 2, &sums, 1, NULL);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view out;
    stub_made_view sums;
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const aclDataType as = stub_class_of(out.tensor->dtype) == STUB_F32 ? ACL_FLOAT : ACL_INT64;
    void *memory = malloc((size_t)stub_tensor_numel(out.tensor) * stub_class_size(stub_class_of(as)));
    if (!memory) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the sums", call->op->name);
    }
    make_sums(&sums, out.tensor, as, memory);
    const aclnnStatus status = add_all(call, &sums.view, as);
    if (status == ACLNN_SUCCESS) {
        const stub_operand in = {.view = &sums.view};
        const stub_view *const to = &out;
        stub_map_apply(&copy, as, &in, 1, &to, 1, NULL);
    }
    free(memory);
    return status;
}

STUB_KERNEL(aclnnAddN, check, run)
