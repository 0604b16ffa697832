/* aclnnGridSampler2D, aclnnGridSampler3D and their gradients. */
#include "opapi/images/grid_sampler.h"

#include "opapi/lines.h"

/* Numbers of arguments; `grad` and `mask` are -1 in the forward operators, whose result is `out`. */
typedef struct {
    uint32_t spatial;
    int grad, input, grid, mode, mask, out;
} stub_grid;

static const char *name_of(const stub_call *call, int arg) {
    return call->op->params[arg].name;
}

static const aclTensor *tensor_of(const stub_call *call, int arg) {
    return stub_tensor_arg(call, (uint32_t)arg);
}

static bool is_asked(const stub_call *call, const stub_grid *data, uint32_t result) {
    uint64_t count = 0;
    return data->mask < 0 || ((const bool *)stub_argument_items(call, (uint32_t)data->mask, &count))[result];
}

static aclnnStatus check_mask(const stub_call *call, const stub_grid *data) {
    uint64_t count = 0;
    const bool *mask = data->mask < 0 ? NULL : stub_argument_items(call, (uint32_t)data->mask, &count);
    if (data->mask < 0 || (mask && count == 2)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(mask ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                     "%s: outputMask has %llu flags; it must have 2, for inputGrad and gridGrad", call->op->name,
                     (unsigned long long)count);
}

static aclnnStatus check_modes(const stub_call *call, const stub_grid *data) {
    const int64_t mode = call->args[data->mode].integer, padding = call->args[data->mode + 1].integer;
    const bool no_cubic = data->spatial == 3 || tensor_of(call, data->input)->dtype == ACL_DOUBLE;
    const int64_t most = no_cubic ? STUB_GRID_NEAREST : STUB_GRID_BICUBIC;
    if (mode < 0 || mode > most) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: interpolationMode is %lld; allowed are 0 (bilinear), 1 (nearest)%s", call->op->name,
                         (long long)mode, no_cubic ? "" : ", 2 (bicubic)");
    }
    if (padding < 0 || padding > STUB_GRID_REFLECTION) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: paddingMode is %lld; allowed are 0 (zeros), 1 (border), 2 (reflection)", call->op->name,
                         (long long)padding);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const stub_grid *data) {
    const stub_dtype_rule rule = {(uint32_t)data->input, STUB_ON_ALL(STUB_REALS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (int arg = 0; arg < (int)call->op->count; arg++) {
        if (call->op->params[arg].kind == STUB_TENSOR) {
            STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)arg, (uint32_t)data->input));
        }
    }
    return ACLNN_SUCCESS;
}

/* [N, out lengths, coordinates] */
static aclnnStatus check_grid(const stub_call *call, const stub_grid *data, int64_t *lengths) {
    const aclTensor *grid = tensor_of(call, data->grid), *input = tensor_of(call, data->input);
    const uint32_t rank = data->spatial + 2;
    int64_t shape[STUB_MAX_RANK] = {input->shape[0]};
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)data->grid, rank, rank));
    for (uint32_t i = 0; i < data->spatial; i++) {
        lengths[i] = shape[i + 1] = grid->shape[i + 1];
    }
    shape[rank - 1] = data->spatial;
    return stub_check_shape(call, (uint32_t)data->grid, shape, rank,
                            "N of input, lengths of the result, one number an "
                            "axis");
}

static aclnnStatus check_shapes(const stub_call *call, const stub_grid *data) {
    const aclTensor *input = tensor_of(call, data->input);
    const uint32_t rank = data->spatial + 2;
    int64_t lengths[STUB_MAX_SPATIAL];
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)data->input, rank, rank));
    STUB_REQUIRE(check_grid(call, data, lengths));
    const uint32_t sampled = (uint32_t)(data->grad < 0 ? data->out : data->grad);
    const uint32_t images[] = {(uint32_t)data->input, sampled, (uint32_t)data->out};
    STUB_REQUIRE(stub_check_image_formats(call, images, is_asked(call, data, 0) ? 3 : 2, data->spatial == 3));
    for (uint32_t i = 0; i < data->spatial; i++) {
        if (stub_spatial_shape(input, data->spatial)[i] < 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has no elements along a spatial axis", call->op->name,
                             name_of(call, data->input));
        }
    }
    return stub_check_image(call, sampled, input, lengths, data->spatial, "N and channels of input, lengths of grid");
}

static aclnnStatus check_gradients(const stub_call *call, const stub_grid *data) {
    const int like[] = {data->input, data->grid};
    for (uint32_t i = 0; data->mask >= 0 && i < 2; i++) {
        const uint32_t arg = (uint32_t)data->out + i;
        if (is_asked(call, data, i)) {
            STUB_REQUIRE(stub_check_given(call, &arg, 1));
            STUB_REQUIRE(stub_check_same_shape(call, arg, (uint32_t)like[i]));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_grid_check(const stub_call *call, stub_plan *plan, const stub_grid *data) {
    const uint32_t tensors[] = {(uint32_t)data->input, (uint32_t)data->grid,
                                (uint32_t)(data->grad < 0 ? data->out : data->grad)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(check_mask(call, data));
    STUB_REQUIRE(check_types(call, data));
    STUB_REQUIRE(check_modes(call, data));
    STUB_REQUIRE(check_gradients(call, data));
    STUB_REQUIRE(check_shapes(call, data));
    const bool none = data->mask >= 0 && !is_asked(call, data, 0) && !is_asked(call, data, 1);
    plan->nothing_to_run = none || (data->mask < 0 && stub_tensor_numel(tensor_of(call, data->out)) == 0);
    return ACLNN_SUCCESS;
}

static stub_grid_job job_of(const stub_call *call, const stub_grid *data, const aclTensor *sampled) {
    const aclTensor *input = tensor_of(call, data->input), *grid = tensor_of(call, data->grid);
    const int64_t channels = input->shape[stub_channel_axis(input, data->spatial)];
    int64_t in = 1, points = 1;
    stub_grid_job job = {.rule = {.mode = (stub_grid_mode)call->args[data->mode].integer,
                                  .padding = (stub_grid_padding)call->args[data->mode + 1].integer,
                                  .corners = call->args[data->mode + 2].flag},
                         .spatial = data->spatial,
                         .in = {1, 1, 1},
                         .channels = channels};
    for (uint32_t i = 0; i < data->spatial; i++) {
        job.in[STUB_MAX_SPATIAL - data->spatial + i] = stub_spatial_shape(input, data->spatial)[i];
        in *= stub_spatial_shape(input, data->spatial)[i];
        points *= grid->shape[i + 1];
    }
    const bool last = stub_is_channels_last(input), out_last = stub_is_channels_last(sampled);
    job.points = points;
    job.in_channel = last ? 1 : in;
    job.in_position = last ? channels : 1;
    job.out_channel = out_last ? 1 : points;
    job.out_position = out_last ? channels : 1;
    return job;
}

/* Opens a tensor as the next operand: all but its first axis is one line. */
static aclnnStatus add(const stub_call *call, int arg, bool given, stub_view *views, stub_lines *lines,
                       uint32_t *number) {
    const uint32_t k = lines->inputs + lines->outputs;
    (*number)++;
    if (!given) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &views[k]));
    const aclTensor *tensor = views[k].tensor;
    lines->operand[k] = (stub_line_operand){&views[k], stub_axes_from(1, tensor->rank),
                                            tensor->dtype == ACL_DOUBLE ? ACL_DOUBLE : ACL_FLOAT};
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_grid_run(const stub_call *call, const stub_grid *data) {
    const bool backward = data->grad >= 0, wide = tensor_of(call, data->input)->dtype == ACL_DOUBLE;
    const stub_grid_job job = job_of(call, data, tensor_of(call, backward ? data->grad : data->out));
    stub_view views[5];
    stub_lines lines = {.constants = &job, .line = (backward ? stub_grid_backward : stub_grid_forward)[wide]};
    if (backward) {
        STUB_REQUIRE(add(call, data->grad, true, views, &lines, &lines.inputs));
    }
    STUB_REQUIRE(add(call, data->input, true, views, &lines, &lines.inputs));
    STUB_REQUIRE(add(call, data->grid, true, views, &lines, &lines.inputs));
    STUB_REQUIRE(add(call, data->out, is_asked(call, data, 0), views, &lines, &lines.outputs));
    if (backward) {
        STUB_REQUIRE(add(call, data->out + 1, is_asked(call, data, 1), views, &lines, &lines.outputs));
    }
    return stub_lines_run(call, &lines);
}

#define FORWARD(spatial_) {.spatial = spatial_, .grad = -1, .input = 0, .grid = 1, .mode = 2, .mask = -1, .out = 5}
#define BACKWARD(spatial_) {.spatial = spatial_, .grad = 0, .input = 1, .grid = 2, .mode = 3, .mask = 6, .out = 7}

STUB_FAMILY_KERNEL(aclnnGridSampler2D, stub_grid, FORWARD(2))
STUB_FAMILY_KERNEL(aclnnGridSampler2DBackward, stub_grid, BACKWARD(2))
STUB_FAMILY_KERNEL(aclnnGridSampler3D, stub_grid, FORWARD(3))
STUB_FAMILY_KERNEL(aclnnGridSampler3DBackward, stub_grid, BACKWARD(3))
