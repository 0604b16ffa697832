/* aclnnModulate: out = self * (1 + scale) + shift for x of [B, L, D], with one row of scale and shift for each of the
 * first axis; and aclnnModulateBackward. fp32, rounded once. */
#include "opapi/lines.h"
#include "opapi/made_view.h"
#include "opapi/map.h"

enum { SELF, SCALE, SHIFT, OUT };

/* in: self, scale and shift, both or one of them NULL. */
STUB_LOOP(modulate_f32, {
    const float *const xs = in[0], *const scale = in[1], *const shift = in[2];
    float *const rs = out[0];
    (void)c;
    STUB_EACH for (size_t i = 0; i < n; i++) {
        rs[i] = scale ? xs[i] * (1 + scale[i]) : xs[i];
    }
    STUB_EACH for (size_t i = 0; shift && i < n; i++) {
        rs[i] += shift[i];
    }
})

static aclnnStatus check_rows(const stub_call *call, uint32_t arg, const int64_t *self, bool two) {
    const int64_t flat[] = {self[0], self[2]}, row[] = {self[0], 1, self[2]};
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    return !tensor                    ? ACLNN_SUCCESS
           : two || tensor->rank == 2 ? stub_check_shape(call, arg, flat, 2, "first and last dimension of the input")
                                      : stub_check_shape(call, arg, row, 3, "that of the input, with 1 in the middle");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t arg = SCALE; arg <= OUT; arg++) {
        STUB_REQUIRE(stub_check_same_dtype(call, arg, SELF));
    }
    STUB_REQUIRE(stub_check_rank(call, SELF, 3, 3));
    STUB_REQUIRE(check_rows(call, SCALE, stub_tensor_arg(call, SELF)->shape, false));
    STUB_REQUIRE(check_rows(call, SHIFT, stub_tensor_arg(call, SELF)->shape, false));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

/* A tensor of [B, D] as [B, 1, D]. */
static aclnnStatus open_rows(const stub_call *call, uint32_t arg, stub_view *view, stub_made_view *made,
                             stub_operand *operand) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, view));
    operand->view = view;
    if (tensor->rank == 2) {
        stub_made_insert(made, view, 1);
        operand->view = &made->view;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    static const stub_map map = {.loops = {[STUB_F32] = &modulate_f32}};
    stub_view views[4];
    stub_made_view made[2];
    stub_operand in[3] = {{.view = &views[SELF]}};
    STUB_REQUIRE(stub_view_open(call, SELF, &views[SELF]));
    STUB_REQUIRE(stub_view_open(call, OUT, &views[OUT]));
    STUB_REQUIRE(open_rows(call, SCALE, &views[SCALE], &made[0], &in[1]));
    STUB_REQUIRE(open_rows(call, SHIFT, &views[SHIFT], &made[1], &in[2]));
    const stub_view *const out = &views[OUT];
    stub_map_apply(&map, ACL_FLOAT, in, 3, &out, 1, NULL);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnModulate, check, run)

enum { GRAD, INPUT, SCALED, SHIFTED, INPUT_GRAD, SCALE_GRAD, SHIFT_GRAD };

static aclnnStatus grad_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, INPUT, INPUT_GRAD}, scale = SCALE_GRAD, shift = SHIFT_GRAD;
    const stub_dtype_rule rule = {GRAD, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_tensor_arg(call, SCALED) ? stub_check_given(call, &scale, 1) : ACLNN_SUCCESS);
    STUB_REQUIRE(stub_tensor_arg(call, SHIFTED) ? stub_check_given(call, &shift, 1) : ACLNN_SUCCESS);
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, GRAD, 3, 3));
    for (uint32_t arg = INPUT; arg <= SHIFT_GRAD; arg++) {
        STUB_REQUIRE(stub_check_same_dtype(call, arg, GRAD));
        STUB_REQUIRE(arg == INPUT || arg == INPUT_GRAD
                         ? stub_check_same_shape(call, arg, GRAD)
                         : check_rows(call, arg, stub_tensor_arg(call, GRAD)->shape, true));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, GRAD)) == 0;
    return ACLNN_SUCCESS;
}

STUB_LOOP1(copy_f32, float, float, x)
STUB_LOOP2(product_f32, float, float, x *y)

/* Lines run along the middle axis. */
static aclnnStatus sum_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)constants, (void)position, (void)scratch;
    const float *grad = array[0], *input = array[1];
    double products = 0, sum = 0;
    for (int64_t i = 0; i < length[0]; i++) {
        products += (double)grad[i] * input[i];
        sum += (double)grad[i];
    }
    if (array[2]) {
        *(float *)array[2] = (float)products;
    }
    if (array[3]) {
        *(float *)array[3] = (float)sum;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus sum_rows(const stub_call *call, const stub_view *views) {
    const bool scales = stub_tensor_arg(call, SCALED), shifts = stub_tensor_arg(call, SHIFTED);
    const stub_lines lines = {.inputs = 2,
                              .outputs = 2,
                              .operand = {{&views[GRAD], 2, ACL_FLOAT},
                                          {&views[INPUT], 2, ACL_FLOAT},
                                          {scales ? &views[SCALE_GRAD] : NULL, 0, ACL_FLOAT},
                                          {shifts ? &views[SHIFT_GRAD] : NULL, 0, ACL_FLOAT}},
                              .line = sum_line};
    return scales || shifts ? stub_lines_run(call, &lines) : ACLNN_SUCCESS;
}

/* The gradient of the input is what comes in times scale: the document and the vendor's kernel leave out the 1 that the
 * forward operator adds. */
static aclnnStatus grad_run(const stub_call *call) {
    static const stub_map copy = {.loops = {[STUB_F32] = &copy_f32}}, product = {.loops = {[STUB_F32] = &product_f32}};
    stub_view views[SHIFT_GRAD + 1];
    stub_made_view made;
    stub_operand in[2] = {{.view = &views[GRAD]}};
    const stub_view *const out = &views[INPUT_GRAD];
    for (uint32_t arg = GRAD; arg <= SHIFT_GRAD; arg++) {
        STUB_REQUIRE(stub_tensor_arg(call, arg) ? stub_view_open(call, arg, &views[arg]) : ACLNN_SUCCESS);
    }
    STUB_REQUIRE(open_rows(call, SCALED, &views[SCALED], &made, &in[1]));
    stub_map_apply(in[1].view ? &product : &copy, ACL_FLOAT, in, in[1].view ? 2 : 1, &out, 1, NULL);
    return sum_rows(call, views);
}

STUB_KERNEL(aclnnModulateBackward, grad_check, grad_run)
