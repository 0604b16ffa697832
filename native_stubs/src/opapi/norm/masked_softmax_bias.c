/* aclnnMaskedSoftmaxWithRelPosBias: softmax(scaleValue * x + attenMask + relativePosBias) along the last axis, for x of
 * [B * W, N, S1, S2] or [B, W, N, S1, S2], a mask for each W and a bias for each N. fp32 arithmetic, rounded once. */
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/made_view.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/norm/softmax_lines.h"

enum { X, MASK, BIAS, SCALE, PRECISION, OUT };

/* Of the lines: x, mask, bias -> out. */
enum { LINE_X, LINE_MASK, LINE_BIAS, LINE_OUT };

enum { RANK = 5 };

/* How many windows there are: the mask says it, else x of rank 5. */
static int64_t windows_of(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X), *mask = stub_tensor_arg(call, MASK);
    return x->rank == RANK ? x->shape[1] : mask ? mask->shape[mask->rank == RANK ? 1 : 0] : 1;
}

static aclnnStatus check_parameter(const stub_call *call, uint32_t arg, const int64_t *full, uint32_t axis) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_rank(call, arg, 3, RANK));
    /* From the five axes, all but `axis` and the last two are 1; three axes leave these out, four the outermost. */
    int64_t dims[RANK] = {1, 1, 1, full[3], full[4]};
    dims[axis] = full[axis];
    const int64_t three[] = {full[axis], full[3], full[4]};
    const int64_t four[] = {axis == 1 ? full[1] : 1, axis == 1 ? 1 : full[2], full[3], full[4]};
    return stub_check_shape(call, arg,
                            tensor->rank == 3   ? three
                            : tensor->rank == 4 ? four
                                                : dims,
                            tensor->rank, "one [S1, S2] for each window (the mask) or each head (the bias)");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int required[] = {X, BIAS, OUT}, like_x[] = {MASK, BIAS, OUT};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), X));
    STUB_REQUIRE(stub_check_rank(call, X, 4, RANK));
    STUB_REQUIRE(stub_check_rank(call, MASK, 3, RANK));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, X));
    const aclTensor *x = stub_tensor_arg(call, X);
    const int64_t *last = x->shape + x->rank - 3, windows = windows_of(call);
    const int64_t full[RANK] = {1, windows, last[0], last[1], last[2]};
    STUB_REQUIRE(check_parameter(call, MASK, full, 1));
    STUB_REQUIRE(check_parameter(call, BIAS, full, 2));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    if (x->rank == 4 && !plan->nothing_to_run && (windows == 0 || x->shape[0] % windows != 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the first dimension of x is %lld, no multiple of the %lld windows", call->op->name,
                         (long long)x->shape[0], (long long)windows);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const size_t n = (size_t)length[LINE_X];
    float *x = array[LINE_X];
    stub_floats_normalise(x, 0, *(const float *)data, NULL, NULL, n, x);
    if (array[LINE_MASK]) {
        stub_floats_add(x, array[LINE_MASK], n, x);
    }
    stub_floats_add(x, array[LINE_BIAS], n, x);
    stub_softmax_f32(x, n, array[LINE_OUT]);
    return ACLNN_SUCCESS;
}

/* Argument `arg` as [W, S1, S2] or [N, S1, S2] with `inner` axes of length 1 behind the first one. */
static aclnnStatus open_parameter(const stub_call *call, uint32_t arg, uint32_t axis, stub_made_view *made) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    const aclTensor *tensor = view.tensor;
    const uint32_t first = tensor->rank == 3 ? 0 : tensor->rank == 4 ? axis - 1 : axis;
    stub_made_start(made, &view);
    stub_made_axis(made, tensor->shape[first], tensor->strides[first]);
    if (axis == 1) {
        stub_made_axis(made, 1, 0);
    }
    for (uint32_t i = tensor->rank - 2; i < tensor->rank; i++) {
        stub_made_axis(made, tensor->shape[i], tensor->strides[i]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus open_windows(const stub_call *call, uint32_t arg, stub_view *view, stub_made_view *made) {
    STUB_REQUIRE(stub_view_open(call, arg, view));
    if (view->tensor->rank == 4) {
        stub_made_split(made, view, 0, view->tensor->shape[0] / windows_of(call));
        *view = made->view;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const float scale = (float)call->args[SCALE].real;
    stub_line_set set = {.call = call};
    stub_view x, out;
    stub_made_view made[2], mask, bias;
    const bool masked = stub_tensor_arg(call, MASK) != NULL;
    STUB_REQUIRE(open_windows(call, X, &x, &made[0]));
    STUB_REQUIRE(open_windows(call, OUT, &out, &made[1]));
    STUB_REQUIRE(open_parameter(call, BIAS, 2, &bias));
    if (masked) {
        STUB_REQUIRE(open_parameter(call, MASK, 1, &mask));
    }
    stub_line_input_view(&set, &x, 1u << 4, ACL_FLOAT);
    stub_line_input_view(&set, masked ? &mask.view : NULL, 1u << 3, ACL_FLOAT);
    stub_line_input_view(&set, &bias.view, 1u << 2, ACL_FLOAT);
    stub_line_output_view(&set, &out, 1u << 4, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &scale;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnMaskedSoftmaxWithRelPosBias, check, run)
