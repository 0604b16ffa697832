/* The attributes of convolutions, and whether tensors fit together. */
#include "opapi/convolution/convolution.h"

enum { MOST_GROUPS = 65535, LONGEST = 1000000 /* of any axis */ };

static void spread(uint32_t spatial, const int64_t *numbers, int64_t filler, int64_t all[STUB_MAX_SPATIAL]) {
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        const uint32_t missing = STUB_MAX_SPATIAL - spatial;
        all[i] = i < missing ? filler : numbers[i - missing];
    }
}

static aclnnStatus read_array(const stub_call *call, uint32_t arg, uint32_t spatial, int64_t least,
                              int64_t all[STUB_MAX_SPATIAL]) {
    STUB_REQUIRE(stub_check_lengths(call, arg, spatial, least));
    uint64_t count;
    spread(spatial, stub_argument_items(call, arg, &count), least, all);
    return ACLNN_SUCCESS;
}

/* One number for each axis, or (lines and pictures, not transposed) one for each side of each axis. */
static aclnnStatus read_padding(const stub_call *call, const stub_conv_arguments *a, uint32_t spatial, stub_conv *conv,
                                int64_t after[STUB_MAX_SPATIAL]) {
    uint64_t count = 0;
    const int64_t *pads = stub_argument_items(call, a->padding, &count);
    if (pads && spatial < 3 && count == 2 * spatial && !(a->transposed && spatial == 1)) {
        int64_t first[STUB_MAX_SPATIAL] = {0}, last[STUB_MAX_SPATIAL] = {0};
        STUB_REQUIRE(stub_check_lengths(call, a->padding, 2 * spatial, 0));
        for (uint32_t i = 0; i < spatial; i++) {
            first[i] = pads[2 * i];
            last[i] = pads[2 * i + 1];
        }
        spread(spatial, first, 0, conv->before);
        spread(spatial, last, 0, after);
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(read_array(call, a->padding, spatial, 0, conv->before));
    return read_array(call, a->padding, spatial, 0, after);
}

static aclnnStatus read_channels(const stub_call *call, const stub_conv_arguments *a, stub_conv *conv) {
    const aclTensor *input = stub_tensor_arg(call, a->input), *weight = stub_tensor_arg(call, a->weight);
    conv->groups = a->groups;
    if (a->groups < 1 || a->groups > MOST_GROUPS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groups is %lld; allowed are 1 to %d", call->op->name,
                         (long long)a->groups, MOST_GROUPS);
    }
    conv->batch = input->shape[0];
    conv->small_channels = weight->shape[0];
    conv->large_channels = weight->shape[1] * a->groups;
    const int64_t wanted = a->transposed ? conv->small_channels : conv->large_channels;
    if (input->shape[1] != wanted) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %lld channels; %s and groups %lld make it %lld",
                         call->op->name, call->op->params[a->input].name, (long long)input->shape[1],
                         call->op->params[a->weight].name, (long long)a->groups, (long long)wanted);
    }
    if (conv->small_channels % a->groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis 0 of %s is %lld, which groups %lld does not divide",
                         call->op->name, call->op->params[a->weight].name, (long long)conv->small_channels,
                         (long long)a->groups);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus read_extra(const stub_call *call, const stub_conv_arguments *a, uint32_t spatial,
                              const stub_conv *conv, int64_t extra[STUB_MAX_SPATIAL]) {
    STUB_REQUIRE(read_array(call, a->extra, spatial, 0, extra));
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        if (extra[i] > 0 && extra[i] >= conv->stride[i] && extra[i] >= conv->dilation[i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: outputPadding has the number %lld; it must be smaller than "
                             "stride %lld or dilation %lld",
                             call->op->name, (long long)extra[i], (long long)conv->stride[i],
                             (long long)conv->dilation[i]);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus find_sizes(const stub_call *call, const stub_conv_arguments *a, stub_conv *conv,
                              const int64_t *after, const int64_t *extra) {
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        const int64_t window = conv->dilation[i] * (conv->kernel[i] - 1) + 1, pads = conv->before[i] + after[i];
        int64_t size;
        if (a->transposed) {
            size = (conv->small[i] - 1) * conv->stride[i] - pads + window + extra[i];
            conv->large[i] = size;
        } else {
            const int64_t span = conv->large[i] + pads - window;
            size = span < 0 ? -1 : span / conv->stride[i] + 1;
            conv->small[i] = size;
        }
        if (size < 0 || conv->kernel[i] < 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a kernel of length %lld over %s of length %lld leaves %s",
                             call->op->name, (long long)window, call->op->params[a->input].name,
                             (long long)(a->transposed ? conv->small[i] : conv->large[i]), "nothing");
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_lengths(const stub_call *call, uint32_t arg) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] > LONGEST) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis %u of %s is %lld; at most %d is allowed",
                             call->op->name, i, call->op->params[arg].name, (long long)tensor->shape[i], LONGEST);
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_conv_read(const stub_call *call, const stub_conv_arguments *a, stub_conv *conv) {
    const aclTensor *input = stub_tensor_arg(call, a->input), *weight = stub_tensor_arg(call, a->weight);
    const uint32_t images[] = {a->input, a->weight}, spatial = input->rank - 2;
    STUB_REQUIRE(stub_check_rank(call, a->input, 3, 5));
    STUB_REQUIRE(stub_check_rank(call, a->weight, input->rank, input->rank));
    STUB_REQUIRE(stub_check_image_formats(call, images, 2, false));
    STUB_REQUIRE(check_lengths(call, a->input));
    STUB_REQUIRE(check_lengths(call, a->weight));
    int64_t after[STUB_MAX_SPATIAL], extra[STUB_MAX_SPATIAL] = {0};
    *conv = (stub_conv){0};
    STUB_REQUIRE(read_array(call, a->stride, spatial, 1, conv->stride));
    STUB_REQUIRE(read_array(call, a->dilation, spatial, 1, conv->dilation));
    STUB_REQUIRE(read_padding(call, a, spatial, conv, after));
    if (a->transposed && a->extra != STUB_CONV_NONE) {
        STUB_REQUIRE(read_extra(call, a, spatial, conv, extra));
    }
    STUB_REQUIRE(read_channels(call, a, conv));
    spread(spatial, weight->shape + 2, 1, conv->kernel);
    spread(spatial, input->shape + 2, 1, a->transposed ? conv->small : conv->large);
    return find_sizes(call, a, conv, after, extra);
}

void stub_conv_result(const stub_conv *conv, bool transposed, uint32_t spatial, int64_t *shape) {
    shape[0] = conv->batch;
    shape[1] = transposed ? conv->large_channels : conv->small_channels;
    for (uint32_t i = 0; i < spatial; i++) {
        shape[2 + i] = (transposed ? conv->large : conv->small)[STUB_MAX_SPATIAL - spatial + i];
    }
}

aclnnStatus stub_conv_check_types(const stub_call *call, const uint32_t *tensors, uint32_t count, uint32_t cube) {
    const int64_t type = call->args[cube].integer;
    if (type < 0 || type > 3) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: cubeMathType is %lld; allowed are 0 to 3", call->op->name,
                         (long long)type);
    }
    for (uint32_t i = 0; i < count; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        const aclTensor *tensor = stub_tensor_arg(call, tensors[i]);
        if (tensor && tensor->dtype == ACL_BF16 && type == STUB_CUBE_FP16) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: cubeMathType 2 (FLOAT16) is not allowed for %s, which is BF16", call->op->name,
                             call->op->params[tensors[i]].name);
        }
    }
    return ACLNN_SUCCESS;
}

aclDataType stub_conv_operand_type(const stub_call *call, uint32_t cube) {
    return call->args[cube].integer == STUB_CUBE_FP16 ? ACL_FLOAT16 : ACL_FLOAT;
}
