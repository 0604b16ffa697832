/* Phase one of pooling: attributes, shapes, types. */
#include <string.h>

#include "opapi/pooling/pool.h"

static const char *name_of(const stub_call *call, int arg) {
    return call->op->params[arg].name;
}

/* Puts an operator's numbers at the last of three axes. */
static void spread(uint32_t spatial, const int64_t *numbers, int64_t filler, int64_t all[STUB_MAX_SPATIAL]) {
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        const uint32_t missing = STUB_MAX_SPATIAL - spatial;
        all[i] = i < missing ? filler : numbers[i - missing];
    }
}

static aclnnStatus read_array(const stub_call *call, const stub_pool *data, int arg, const int64_t *standard,
                              int64_t least, int64_t filler, int64_t all[STUB_MAX_SPATIAL]) {
    int64_t numbers[STUB_MAX_SPATIAL];
    STUB_REQUIRE(stub_read_windows(call, (uint32_t)arg, data->spatial, standard, least, numbers));
    spread(data->spatial, numbers, filler, all);
    return ACLNN_SUCCESS;
}

/* Padding of each axis, or of each side: (top, left, bottom, right). */
static aclnnStatus read_padding(const stub_call *call, const stub_pool *data, stub_pool_shape *shape) {
    static const int64_t none[STUB_MAX_SPATIAL] = {0};
    uint64_t count;
    const int64_t *pads = stub_argument_items(call, (uint32_t)data->padding, &count);
    if (pads && data->stride_is_one && count == 4) {
        for (uint32_t i = 0; i < 2; i++) {
            shape->before[i + 1] = pads[i];
            shape->after[i + 1] = pads[i + 2];
        }
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(read_array(call, data, data->padding, data->stride_is_one ? none : NULL, 0, 0, shape->before));
    memcpy(shape->after, shape->before, sizeof shape->after);
    return ACLNN_SUCCESS;
}

static aclnnStatus check_padding(const stub_call *call, const stub_pool *data, const stub_pool_shape *shape) {
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        if (shape->before[i] < 0 || shape->after[i] < 0 || shape->before[i] + shape->after[i] > shape->kernel[i]) {
            return stub_fail(
                ACLNN_ERR_PARAM_INVALID,
                "%s: %s is %lld and %lld on the sides of an axis whose %s is %lld; the padding must not be "
                "negative, and half of the window at most",
                call->op->name, name_of(call, data->padding), (long long)shape->before[i], (long long)shape->after[i],
                name_of(call, data->kernel), (long long)shape->kernel[i]);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_dilation(const stub_call *call, const stub_pool *data) {
    uint64_t count = 0;
    const int64_t *dilation = stub_argument_items(call, (uint32_t)data->dilation, &count);
    const bool fits = count == 1 || count == data->spatial || (data->stride_is_one && (count == 0 || count == 4));
    if (!fits) {
        return stub_fail(dilation ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: %s has %llu numbers; give one, or one for each of %u axes", call->op->name,
                         name_of(call, data->dilation), (unsigned long long)count, data->spatial);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (dilation[i] != 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has the number %lld; only 1 is allowed", call->op->name,
                             name_of(call, data->dilation), (long long)dilation[i]);
        }
    }
    return ACLNN_SUCCESS;
}

/* Positions of a window; with ceil also a last one that starts inside the image or the padding before it. */
static int64_t positions(const stub_pool_shape *shape, uint32_t axis) {
    const int64_t in = shape->in[axis], stride = shape->stride[axis];
    const int64_t span = in + shape->before[axis] + shape->after[axis] - shape->kernel[axis];
    if (span < 0) {
        return 0;
    }
    const int64_t count = (span + (shape->ceil ? stride - 1 : 0)) / stride + 1;
    return shape->ceil && (count - 1) * stride >= in + shape->before[axis] ? count - 1 : count;
}

static aclnnStatus read_windows(const stub_call *call, const stub_pool *data, stub_pool_shape *shape) {
    static const int64_t ones[STUB_MAX_SPATIAL] = {1, 1, 1};
    STUB_REQUIRE(read_array(call, data, data->kernel, NULL, 1, 1, shape->kernel));
    const int64_t *standard = data->stride_is_one ? ones : shape->kernel + STUB_MAX_SPATIAL - data->spatial;
    STUB_REQUIRE(read_array(call, data, data->stride, standard, 1, 1, shape->stride));
    STUB_REQUIRE(read_padding(call, data, shape));
    STUB_REQUIRE(check_padding(call, data, shape));
    if (data->dilation != STUB_POOL_NONE) {
        STUB_REQUIRE(check_dilation(call, data));
    }
    for (uint32_t i = 0; i < STUB_MAX_SPATIAL; i++) {
        shape->out[i] = positions(shape, i);
        if (shape->out[i] < 1 || (data->kernel_fits && shape->kernel[i] > shape->in[i])) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the window of %lld does not fit into an axis of length %lld",
                             call->op->name, (long long)shape->kernel[i], (long long)shape->in[i]);
        }
    }
    return ACLNN_SUCCESS;
}

static bool is_set(const stub_call *call, int arg) {
    return call->op->params[arg].kind == STUB_FLAG ? call->args[arg].flag : call->args[arg].integer != 0;
}

aclnnStatus stub_pool_read(const stub_call *call, const stub_pool *data, stub_pool_shape *shape) {
    *shape = (stub_pool_shape){.adaptive = data->kernel == STUB_POOL_NONE};
    const aclTensor *self = stub_tensor_arg(call, (uint32_t)data->self);
    spread(data->spatial, stub_spatial_shape(self, data->spatial), 1, shape->in);
    shape->ceil = data->ceil != STUB_POOL_NONE && is_set(call, data->ceil);
    shape->include = data->include != STUB_POOL_NONE && is_set(call, data->include);
    shape->divisor = data->divisor != STUB_POOL_NONE ? call->args[data->divisor].integer : 0;
    if (!shape->adaptive) {
        return read_windows(call, data, shape);
    }
    if (data->size == STUB_POOL_NONE) { /* a gradient: of the size that it has */
        spread(data->spatial, stub_spatial_shape(stub_tensor_arg(call, (uint32_t)data->grad), data->spatial), 1,
               shape->out);
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_lengths(call, (uint32_t)data->size, data->spatial, 1));
    uint64_t count;
    spread(data->spatial, stub_argument_items(call, (uint32_t)data->size, &count), 1, shape->out);
    return ACLNN_SUCCESS;
}

/* FLOAT has no HFLOAT32 here, and BF16 no FLOAT16: averages on Atlas A2 and A3, by their document. */
static aclnnStatus check_numbers(const stub_call *call, const stub_pool *data) {
    const aclDataType type = stub_tensor_arg(call, (uint32_t)data->self)->dtype;
    if (data->auto_pad && call->args[data->auto_pad].integer != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; only 0 is allowed", call->op->name,
                         name_of(call, data->auto_pad), (long long)call->args[data->auto_pad].integer);
    }
    const int64_t cube = data->cube ? call->args[data->cube].integer : 0;
    const bool fits = type == ACL_FLOAT  ? cube == 0 || cube == STUB_POOL_FP16
                      : type == ACL_BF16 ? cube >= 0 && cube <= 3 && cube != STUB_POOL_FP16
                                         : cube >= 0 && cube <= 3;
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld, which is not for %s", call->op->name,
                            name_of(call, data->cube), (long long)cube, stub_dtype_name(type));
}

static aclnnStatus check_types(const stub_call *call, const stub_pool *data) {
    const stub_dtype_rule self = {(uint32_t)data->self, STUB_ON_ALL(data->allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &self, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)data->out, (uint32_t)data->self));
    if (data->grad != STUB_POOL_NONE) {
        STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)data->grad, (uint32_t)data->self));
    }
    if (data->indices != STUB_POOL_NONE) {
        const stub_dtype_rule indices = {(uint32_t)data->indices, STUB_ON_ALL(data->index_types)};
        STUB_REQUIRE(stub_check_dtypes(call, &indices, 1));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_mask_shape(const stub_call *call, const stub_pool *data, const stub_pool_shape *shape) {
    const int64_t lengths[] = {shape->kernel[1] * shape->kernel[2],
                               ((shape->out[1] * shape->out[2] + 15) / 16 + 1) * 32};
    return stub_check_image(call, (uint32_t)data->indices, stub_tensor_arg(call, (uint32_t)data->self), lengths, 2,
                            "places in the window, (blocks of 16 positions + 1) * 32");
}

static aclnnStatus check_shapes(const stub_call *call, const stub_pool *data, const stub_pool_shape *shape) {
    const aclTensor *self = stub_tensor_arg(call, (uint32_t)data->self);
    const int64_t *out = shape->out + STUB_MAX_SPATIAL - data->spatial;
    const bool backward = data->grad != STUB_POOL_NONE;
    const uint32_t pooled = (uint32_t)(backward ? data->grad : data->out);
    STUB_REQUIRE(stub_check_image(call, pooled, self, out, data->spatial, "that of self, pooled"));
    if (backward) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)data->out, (uint32_t)data->self));
    }
    if (data->indices == STUB_POOL_NONE) {
        return ACLNN_SUCCESS;
    }
    return data->kind == STUB_POOL_MASK ? check_mask_shape(call, data, shape)
                                        : stub_check_same_shape(call, (uint32_t)data->indices, pooled);
}

static aclnnStatus check_lengths(const stub_call *call, const aclTensor *self) {
    for (uint32_t i = 1; i < self->rank; i++) {
        if (self->shape[i] < 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: self has no elements along axis %u; only axis 0 may be empty", call->op->name, i);
        }
    }
    return ACLNN_SUCCESS;
}

static uint32_t tensors_of(const stub_pool *data, uint32_t tensors[4]) {
    const int8_t all[] = {data->self, data->grad, data->indices, data->out};
    uint32_t count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (all[i] != STUB_POOL_NONE) {
            tensors[count++] = (uint32_t)all[i];
        }
    }
    return count;
}

aclnnStatus stub_pool_check(const stub_call *call, stub_plan *plan, const stub_pool *data) {
    uint32_t tensors[4];
    const uint32_t count = tensors_of(data, tensors), self = (uint32_t)data->self;
    STUB_REQUIRE(stub_check_given(call, tensors, count));
    STUB_REQUIRE(check_types(call, data));
    STUB_REQUIRE(check_numbers(call, data));
    STUB_REQUIRE(stub_check_rank(call, self, data->spatial + 1, data->spatial + 2));
    if (data->grad != STUB_POOL_NONE) {
        const uint32_t rank = stub_tensor_arg(call, self)->rank;
        STUB_REQUIRE(stub_check_rank(call, (uint32_t)data->grad, rank, rank));
    }
    STUB_REQUIRE(stub_check_image_formats(call, tensors, count, data->takes_last));
    STUB_REQUIRE(check_lengths(call, stub_tensor_arg(call, self)));
    stub_pool_shape shape;
    STUB_REQUIRE(stub_pool_read(call, data, &shape));
    STUB_REQUIRE(check_shapes(call, data, &shape));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, self)) == 0;
    return ACLNN_SUCCESS;
}
