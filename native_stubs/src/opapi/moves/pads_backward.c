/* Gradients of pads: each element of gradOutput is added to the one of gradInput that it was read from. FLOAT16 and
 * BF16 are summed in fp32. */
#include <string.h>

#include "opapi/map.h"
#include "opapi/moves/patches.h"

enum { GRAD_OUTPUT, SELF, PADDING, GRAD_INPUT };
enum { MOST = 3 }; /* padded axes */

typedef struct {
    stub_dtypes allowed;
    stub_pad rule;
    uint32_t axes;
} stub_pad_gradients;

typedef struct {
    stub_pad rule;
    stub_patch_axis axes[MOST]; /* missing ones in front are of one element */
} geometry;

/* In two axes BF16 has kernels for pads of up to 7, or of the columns alone. */
static aclnnStatus check_bf16(const stub_call *call, const int64_t *padding) {
    bool fits = true;
    for (int i = 0; i < 4; i++) {
        fits = fits && padding[i] >= 0 && (padding[i] <= 7 || (padding[2] == 0 && padding[3] == 0));
    }
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: padding has numbers beyond 0 to 7, which BF16 cannot have",
                            call->op->name);
}

static aclnnStatus stub_pad_gradients_check(const stub_call *call, stub_plan *plan, const stub_pad_gradients *data) {
    const uint32_t tensors[] = {GRAD_OUTPUT, SELF, GRAD_INPUT};
    const int64_t *padding;
    uint32_t count;
    stub_patch_axis axes[STUB_MAX_RANK];
    int64_t shape[STUB_MAX_RANK];
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_read_ints(call, PADDING, 2 * data->axes, 2 * data->axes, &padding, &count));
    STUB_REQUIRE(stub_check_move(call, SELF, GRAD_INPUT, data->allowed));
    STUB_REQUIRE(stub_check_same_dtype(call, GRAD_OUTPUT, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, data->axes + 1, data->axes + 2));
    STUB_REQUIRE(stub_check_same_shape(call, GRAD_INPUT, SELF));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    STUB_REQUIRE(stub_read_padding(call, PADDING, data->rule, self, axes));
    for (uint32_t i = 0; i < self->rank; i++) {
        shape[i] = axes[i].length;
    }
    STUB_REQUIRE(stub_check_shape(call, GRAD_OUTPUT, shape, self->rank, "that of self with its padding"));
    if (data->axes == 2 && self->dtype == ACL_BF16) {
        STUB_REQUIRE(check_bf16(call, padding));
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    return ACLNN_SUCCESS;
}

/* Where in the input's line the output's row begins. */
static int64_t source_row(const geometry *of, int64_t plane, int64_t row) {
    const int64_t depth = stub_patch_source(of->rule, &of->axes[0], plane);
    const int64_t height = stub_patch_source(of->rule, &of->axes[1], row);
    return (depth * of->axes[1].size + height) * of->axes[2].size;
}

#define BACKWARD(name, type)                                                                                           \
    static aclnnStatus name(const void *constants, void *const *array, const int64_t *length, int64_t position,        \
                            void *scratch) {                                                                           \
        const geometry *of = constants;                                                                                \
        const type *grad = array[0];                                                                                   \
        type *sum = array[1];                                                                                          \
        (void)position, (void)scratch;                                                                                 \
        memset(sum, 0, (size_t)length[1] * sizeof *sum);                                                               \
        for (int64_t plane = 0; plane < of->axes[0].length; plane++) {                                                 \
            for (int64_t row = 0; row < of->axes[1].length; row++) {                                                   \
                type *to = sum + source_row(of, plane, row);                                                           \
                for (int64_t i = 0; i < of->axes[2].length; i++) {                                                     \
                    to[stub_patch_source(of->rule, &of->axes[2], i)] += *grad++;                                       \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }
BACKWARD(backward_f32, float)
BACKWARD(backward_f64, double)
BACKWARD(backward_c128, double complex)

static aclnnStatus stub_pad_gradients_run(const stub_call *call, const stub_pad_gradients *data) {
    stub_view grad, input;
    geometry of = {.rule = data->rule, .axes = {{1, 0, 1}, {1, 0, 1}, {1, 0, 1}}};
    stub_patch_axis axes[STUB_MAX_RANK];
    STUB_REQUIRE(stub_view_open(call, GRAD_OUTPUT, &grad));
    STUB_REQUIRE(stub_view_open(call, GRAD_INPUT, &input));
    STUB_REQUIRE(stub_read_padding(call, PADDING, data->rule, input.tensor, axes));
    const uint32_t rank = input.tensor->rank, line = stub_axes_from(rank - data->axes, rank);
    memcpy(&of.axes[MOST - data->axes], &axes[rank - data->axes], data->axes * sizeof *axes);
    const stub_class class_ = stub_class_of(input.tensor->dtype);
    const aclDataType as = class_ == STUB_F32 ? ACL_FLOAT : class_ == STUB_F64 ? ACL_DOUBLE : ACL_COMPLEX128;
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&grad, line, as}, {&input, line, as}},
                              .line = class_ == STUB_F32   ? backward_f32
                                      : class_ == STUB_F64 ? backward_f64
                                                           : backward_c128,
                              .constants = &of};
    return stub_lines_run(call, &lines);
}

#define DIFFERENTIABLE (STUB_REALS | STUB_COMPLEXES)

STUB_FAMILY_KERNEL(aclnnReflectionPad1dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REFLECT, 1})
STUB_FAMILY_KERNEL(aclnnReflectionPad2dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REFLECT, 2})
STUB_FAMILY_KERNEL(aclnnReflectionPad3dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REFLECT, 3})
STUB_FAMILY_KERNEL(aclnnReplicationPad1dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REPLICATE, 1})
STUB_FAMILY_KERNEL(aclnnReplicationPad2dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REPLICATE, 2})
STUB_FAMILY_KERNEL(aclnnReplicationPad3dBackward, stub_pad_gradients, {DIFFERENTIABLE, STUB_PAD_REPLICATE, 3})
STUB_FAMILY_KERNEL(aclnnCircularPad2dBackward, stub_pad_gradients, {STUB_FLOATS, STUB_PAD_CIRCULAR, 2})
STUB_FAMILY_KERNEL(aclnnCircularPad3dBackward, stub_pad_gradients, {STUB_FLOATS, STUB_PAD_CIRCULAR, 3})
