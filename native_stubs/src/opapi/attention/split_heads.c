/* aclnnTransformBiasRescaleQkv: queries, keys and values, side by side in rows, with their biases and by head; queries
 * are divided by the square root of a head's length. fp32, rounded once. */
#include <math.h>

#include "opapi/made_view.h"
#include "opapi/map.h"

enum { QKV, BIAS, HEADS, Q, PARTS = 3 };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {QKV, BIAS, Q, Q + 1, Q + 2};
    const stub_dtype_rule rule = {QKV, STUB_ON_ALL(STUB_FLOATS)};
    const int64_t heads = call->args[HEADS].integer;
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, BIAS, QKV));
    STUB_REQUIRE(stub_check_rank(call, QKV, 3, 3));
    const int64_t *shape = stub_tensor_arg(call, QKV)->shape;
    if (heads <= 0 || shape[2] % (PARTS * heads) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: numHeads is %lld; three times that must be positive and divide the %lld columns of qkv",
                         call->op->name, (long long)heads, (long long)shape[2]);
    }
    STUB_REQUIRE(stub_check_shape(call, BIAS, &shape[2], 1, "columns of qkv"));
    const int64_t dims[] = {shape[0], heads, shape[1], shape[2] / (PARTS * heads)};
    for (uint32_t part = 0; part < PARTS; part++) {
        STUB_REQUIRE(stub_check_same_dtype(call, Q + part, QKV));
        STUB_REQUIRE(stub_check_shape(call, Q + part, dims, 4, "batch, heads, rows, columns of a head"));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, QKV)) == 0;
    return ACLNN_SUCCESS;
}

STUB_LOOP2(shift_f32, float, float, (x + y) / (float)c[0])

/* Part number `part` of rows, as [B, heads, T, D], and of the bias, as [heads, 1, D]. */
static void cut(const stub_view *qkv, const stub_view *bias, uint32_t part, int64_t heads, stub_made_view made[2]) {
    const aclTensor *from = qkv->tensor;
    const int64_t columns = from->shape[2] / PARTS, each = columns / heads, step = from->strides[2],
                  bias_step = bias->tensor->strides[0];
    stub_made_start(&made[0], qkv);
    stub_made_axis(&made[0], from->shape[0], from->strides[0]);
    stub_made_axis(&made[0], heads, each * step);
    stub_made_axis(&made[0], from->shape[1], from->strides[1]);
    stub_made_axis(&made[0], each, step);
    made[0].tensor.offset += part * columns * step;
    stub_made_start(&made[1], bias);
    stub_made_axis(&made[1], heads, each * bias_step);
    stub_made_axis(&made[1], 1, 0);
    stub_made_axis(&made[1], each, bias_step);
    made[1].tensor.offset += part * columns * bias_step;
}

static aclnnStatus run(const stub_call *call) {
    static const stub_map map = {.loops = {[STUB_F32] = &shift_f32}};
    const int64_t heads = call->args[HEADS].integer;
    stub_view qkv, bias, to;
    STUB_REQUIRE(stub_view_open(call, QKV, &qkv));
    STUB_REQUIRE(stub_view_open(call, BIAS, &bias));
    for (uint32_t part = 0; part < PARTS; part++) {
        stub_made_view made[2];
        STUB_REQUIRE(stub_view_open(call, Q + part, &to));
        cut(&qkv, &bias, part, heads, made);
        const double divisor = part == 0 ? sqrt((double)to.tensor->shape[3]) : 1;
        const stub_operand in[] = {{.view = &made[0].view}, {.view = &made[1].view}};
        const stub_view *const out = &to;
        stub_map_apply(&map, ACL_FLOAT, in, 2, &out, 1, &divisor);
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnTransformBiasRescaleQkv, check, run)
