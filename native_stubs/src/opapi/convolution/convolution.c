/* aclnnConvolution (and transposed), aclnnConvDepthwise2d, aclnnConvTbc. */
#include "opapi/convolution/convolution.h"

#include "opapi/promote.h"

aclnnStatus stub_conv_run(const stub_call *call, const stub_conv *conv, bool transposed, const stub_view *input,
                          const stub_view *weight, const stub_view *bias, const stub_view *output, aclDataType as) {
    stub_floats x = {0}, w = {0}, b = {0}, y = {0};
    const bool ready = stub_floats_read(&x, input, as) && stub_floats_read(&w, weight, as) &&
                       (!bias || stub_floats_read(&b, bias, ACL_FLOAT)) && stub_floats_room(&y, output);
    const bool done = ready && (transposed ? stub_conv_to_large : stub_conv_to_small)(conv, x.numbers, w.numbers,
                                                                                      b.numbers, y.numbers);
    if (done) {
        stub_floats_write(&y, output);
    }
    stub_floats_free(&x);
    stub_floats_free(&w);
    stub_floats_free(&b);
    stub_floats_free(&y);
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

void stub_permute(stub_permuted *permuted, const stub_view *view, const uint32_t *order) {
    permuted->tensor = *view->tensor;
    for (uint32_t i = 0; i < view->tensor->rank; i++) {
        permuted->shape[i] = view->tensor->shape[order[i]];
        permuted->strides[i] = view->tensor->strides[order[i]];
    }
    permuted->tensor.shape = permuted->shape;
    permuted->tensor.strides = permuted->strides;
    permuted->view = *view;
    permuted->view.tensor = &permuted->tensor;
}

static aclnnStatus check_bias(const stub_call *call, uint32_t bias, int64_t channels) {
    return stub_check_shape(call, bias, &channels, 1, "a number for each channel of the result");
}

/* Numbers of an operator's arguments beside the convolution's. */
typedef struct {
    uint32_t bias, output, cube;
} others;

static aclnnStatus check_all(const stub_call *call, stub_plan *plan, const stub_conv_arguments *a,
                             const others *other) {
    stub_conv conv;
    const uint32_t tensors[] = {a->input, a->weight, other->output, other->bias};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_conv_check_types(call, tensors, 4, other->cube));
    STUB_REQUIRE(stub_conv_read(call, a, &conv));
    const aclTensor *input = stub_tensor_arg(call, a->input), *output = stub_tensor_arg(call, other->output);
    const aclDataType promoted = stub_promote(input->dtype, stub_tensor_arg(call, a->weight)->dtype);
    if (a->transposed && output->dtype != promoted) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: output is %s; input and weight promote to %s", call->op->name,
                         stub_dtype_name(output->dtype), stub_dtype_name(promoted));
    }
    int64_t shape[STUB_MAX_RANK];
    stub_conv_result(&conv, a->transposed, input->rank - 2, shape);
    STUB_REQUIRE(check_bias(call, other->bias, shape[1]));
    STUB_REQUIRE(stub_check_shape(call, other->output, shape, input->rank, "the convolution's"));
    plan->nothing_to_run = stub_tensor_numel(output) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_all(const stub_call *call, const stub_conv_arguments *a, const others *other) {
    stub_conv conv;
    stub_view input, weight, bias, output;
    const bool has_bias = stub_tensor_arg(call, other->bias) != NULL;
    STUB_REQUIRE(stub_conv_read(call, a, &conv));
    STUB_REQUIRE(stub_view_open(call, a->input, &input));
    STUB_REQUIRE(stub_view_open(call, a->weight, &weight));
    STUB_REQUIRE(stub_view_open(call, other->output, &output));
    if (has_bias) {
        STUB_REQUIRE(stub_view_open(call, other->bias, &bias));
    }
    return stub_conv_run(call, &conv, a->transposed, &input, &weight, has_bias ? &bias : NULL, &output,
                         stub_conv_operand_type(call, other->cube));
}

enum { TRANSPOSED = 6, GROUPS = 8 };
static const others convolution = {.bias = 2, .output = 9, .cube = 10};

static stub_conv_arguments convolution_arguments(const stub_call *call) {
    return (stub_conv_arguments){.input = 0,
                                 .weight = 1,
                                 .stride = 3,
                                 .padding = 4,
                                 .dilation = 5,
                                 .extra = 7,
                                 .transposed = call->args[TRANSPOSED].flag,
                                 .groups = call->args[GROUPS].integer};
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const stub_conv_arguments arguments = convolution_arguments(call);
    return check_all(call, plan, &arguments, &convolution);
}

static aclnnStatus run(const stub_call *call) {
    const stub_conv_arguments arguments = convolution_arguments(call);
    return run_all(call, &arguments, &convolution);
}

STUB_KERNEL(aclnnConvolution, check, run)

/* Each channel is a group of its own. */
enum { SELF, WEIGHT, KERNEL_SIZE };
static const others depthwise = {.bias = 3, .output = 7, .cube = 8};

static stub_conv_arguments depthwise_arguments(const stub_call *call) {
    return (stub_conv_arguments){.input = SELF,
                                 .weight = WEIGHT,
                                 .stride = 4,
                                 .padding = 5,
                                 .dilation = 6,
                                 .extra = STUB_CONV_NONE,
                                 .groups = stub_tensor_arg(call, SELF)->shape[1]};
}

static aclnnStatus check_depthwise(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, WEIGHT};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 4, 4));
    STUB_REQUIRE(stub_check_lengths(call, KERNEL_SIZE, 2, 1));
    uint64_t count;
    const int64_t *size = stub_argument_items(call, KERNEL_SIZE, &count);
    const int64_t shape[] = {stub_tensor_arg(call, WEIGHT)->shape[0], 1, size[0], size[1]};
    STUB_REQUIRE(stub_check_shape(call, WEIGHT, shape, 4, "a multiple of the channels, 1, and kernelSize"));
    const stub_conv_arguments arguments = depthwise_arguments(call);
    return check_all(call, plan, &arguments, &depthwise);
}

static aclnnStatus run_depthwise(const stub_call *call) {
    const stub_conv_arguments arguments = depthwise_arguments(call);
    return run_all(call, &arguments, &depthwise);
}

STUB_KERNEL(aclnnConvDepthwise2d, check_depthwise, run_depthwise)
