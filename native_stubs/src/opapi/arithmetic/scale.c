/* aclnnScale: x * scale + bias, where scale and bias have some neighbouring axes of x. */
#include "opapi/lines.h"
#include "opapi/map.h"

enum { X, SCALE, BIAS, AXIS, NUM_AXES, FROM_BLOB, Y };

STUB_LOOP3(scale_f32, float, float, x *y + z)
STUB_LOOP2(scale_only_f32, float, float, x *y)
static const stub_map with_bias = {.loops = {&scale_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT};
static const stub_map without_bias = {.loops = {&scale_only_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT};

static bool is_one_number(const stub_call *call) {
    const aclTensor *scale = stub_tensor_arg(call, SCALE);
    const bool from_blob = call->args[FROM_BLOB].flag;
    return stub_tensor_numel(scale) == 1 && (from_blob ? call->args[NUM_AXES].integer == 0 : scale->rank <= 1);
}

static aclnnStatus check_axes(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X), *scale = stub_tensor_arg(call, SCALE);
    const int64_t count = call->args[NUM_AXES].integer, axis = stub_axis(call->args[AXIS].integer, x->rank);
    const int64_t wanted = !call->args[FROM_BLOB].flag ? scale->rank : count == -1 ? x->rank - axis : count;
    if (count < -1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: numAxes is %lld; it must be -1 or more", call->op->name,
                         (long long)count);
    }
    if (is_one_number(call)) {
        return ACLNN_SUCCESS;
    }
    if (wanted > x->rank - axis || wanted < 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: scale covers %lld axes of x from axis %lld on; x has %u",
                         call->op->name, (long long)wanted, (long long)axis, x->rank);
    }
    return stub_check_shape(call, SCALE, x->shape + axis, (uint32_t)wanted, "the axes of x that it covers");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, SCALE, Y};
    const stub_dtype_rule rule = {X, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t arg = SCALE; arg <= BIAS; arg++) {
        STUB_REQUIRE(stub_check_same_dtype(call, arg, X));
        STUB_REQUIRE(stub_check_rank(call, arg, 0, STUB_MAX_RANK));
    }
    STUB_REQUIRE(stub_check_same_dtype(call, Y, X));
    STUB_REQUIRE(stub_check_rank(call, X, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, Y, X));
    STUB_REQUIRE(stub_check_same_shape(call, BIAS, SCALE));
    STUB_REQUIRE(stub_check_axis(call, AXIS, stub_tensor_arg(call, X)->rank));
    STUB_REQUIRE(check_axes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, Y)) == 0;
    return ACLNN_SUCCESS;
}

/* A tensor with axes of size 1 behind its own, so that it stands at `axis` of x. */
typedef struct {
    stub_view view;
    aclTensor tensor;
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK];
} placed;

static aclnnStatus place(const stub_call *call, uint32_t arg, placed *to) {
    const aclTensor *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_view_open(call, arg, &to->view));
    to->tensor = *to->view.tensor;
    const uint32_t own = to->tensor.rank;
    const uint32_t rank = is_one_number(call) ? 0 : x->rank - (uint32_t)stub_axis(call->args[AXIS].integer, x->rank);
    for (uint32_t i = 0; i < rank; i++) {
        to->shape[i] = i < own ? to->tensor.shape[i] : 1;
        to->strides[i] = i < own ? to->tensor.strides[i] : 0;
    }
    to->tensor.rank = rank;
    to->tensor.shape = to->shape;
    to->tensor.strides = to->strides;
    to->view.tensor = &to->tensor;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view x, y;
    placed scale, bias;
    const bool biased = stub_tensor_arg(call, BIAS) != NULL;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, Y, &y));
    STUB_REQUIRE(place(call, SCALE, &scale));
    if (biased) {
        STUB_REQUIRE(place(call, BIAS, &bias));
    }
    const stub_operand in[] = {{.view = &x}, {.view = &scale.view}, {.view = biased ? &bias.view : NULL}};
    const stub_view *const outs[] = {&y};
    stub_map_apply(biased ? &with_bias : &without_bias, ACL_FLOAT, in, biased ? 3 : 2, outs, 1, NULL);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnScale, check, run)
