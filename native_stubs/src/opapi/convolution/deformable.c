/* aclnnDeformableConv2d: elements sampled bilinearly where offsets move the kernel's places, times a mask; then a
 * convolution of the samples, a kernel's width apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/convolution/conv.h"

enum {
    X,
    WEIGHT,
    OFFSET,
    BIAS,
    KERNEL_SIZE,
    STRIDE,
    PADDING,
    DILATION,
    GROUPS,
    DEFORMABLE_GROUPS,
    MODULATED,
    OUT,
    DEFORM_OUT,
    MOST_PLACES = 2048,
    MOST_PRODUCTS = 65535
};

typedef struct {
    int64_t batch, channels, height, width, groups; /* of offsets */
    int64_t kernel[2], stride[2], before[2], dilation[2], out[2];
    int64_t conv_groups, out_channels;
} geometry;

static const int64_t *items(const stub_call *call, uint32_t arg) {
    uint64_t count;
    return stub_argument_items(call, arg, &count);
}

/* Arrays of four numbers count for N, C, H, W; the padding's for top, bottom, left, right. */
static geometry geometry_of(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    geometry g = {.batch = x->shape[0],
                  .channels = x->shape[1],
                  .height = x->shape[2],
                  .width = x->shape[3],
                  .groups = call->args[DEFORMABLE_GROUPS].integer,
                  .conv_groups = call->args[GROUPS].integer,
                  .out_channels = stub_tensor_arg(call, WEIGHT)->shape[0]};
    for (uint32_t i = 0; i < 2; i++) {
        g.kernel[i] = items(call, KERNEL_SIZE)[i];
        g.stride[i] = items(call, STRIDE)[i + 2];
        g.dilation[i] = items(call, DILATION)[i + 2];
        g.before[i] = items(call, PADDING)[2 * i];
        const int64_t pads = g.before[i] + items(call, PADDING)[2 * i + 1];
        const int64_t span = x->shape[i + 2] + pads - (g.dilation[i] * (g.kernel[i] - 1) + 1);
        g.out[i] = span < 0 ? 0 : span / g.stride[i] + 1;
    }
    return g;
}

static aclnnStatus check_arrays(const stub_call *call) {
    STUB_REQUIRE(stub_check_lengths(call, KERNEL_SIZE, 2, 1));
    STUB_REQUIRE(stub_check_lengths(call, STRIDE, 4, 1));
    STUB_REQUIRE(stub_check_lengths(call, PADDING, 4, 0));
    STUB_REQUIRE(stub_check_lengths(call, DILATION, 4, 1));
    for (uint32_t i = 0; i < 2; i++) {
        if (items(call, STRIDE)[i] != 1 || items(call, DILATION)[i] != 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: stride and dilation must be 1 for N and C", call->op->name);
        }
    }
    if (!call->args[MODULATED].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: modulated is false; only true is allowed", call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_groups(const stub_call *call, const geometry *g) {
    if (g->conv_groups < 1 || g->groups < 1 || g->channels % g->conv_groups != 0 || g->channels % g->groups != 0 ||
        g->out_channels % g->conv_groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: groups is %lld, deformableGroups is %lld; both must divide the %lld channels of x, and "
                         "groups the %lld of weight",
                         call->op->name, (long long)g->conv_groups, (long long)g->groups, (long long)g->channels,
                         (long long)g->out_channels);
    }
    const int64_t places = g->kernel[0] * g->kernel[1];
    if (places > MOST_PLACES || places * (g->channels / g->conv_groups) > MOST_PRODUCTS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: kernelSize has %lld places; at most %d, and %d products with channels", call->op->name,
                         (long long)places, MOST_PLACES, MOST_PRODUCTS);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const geometry *g) {
    const int64_t places = g->kernel[0] * g->kernel[1];
    const int64_t weight[] = {g->out_channels, g->channels / g->conv_groups, g->kernel[0], g->kernel[1]};
    const int64_t offset[] = {g->batch, 3 * g->groups * places, g->out[0], g->out[1]};
    const int64_t out[] = {g->batch, g->out_channels, g->out[0], g->out[1]};
    const int64_t samples[] = {g->batch, g->channels, g->out[0] * g->kernel[0], g->out[1] * g->kernel[1]};
    STUB_REQUIRE(stub_check_shape(call, WEIGHT, weight, 4, "channels out, channels of a group, kernelSize"));
    STUB_REQUIRE(stub_check_shape(call, OFFSET, offset, 4, "N, x, y and mask for each place of each group, out"));
    STUB_REQUIRE(stub_check_shape(call, BIAS, &g->out_channels, 1, "a number for each channel of the result"));
    STUB_REQUIRE(stub_check_shape(call, OUT, out, 4, "the convolution's"));
    return stub_check_shape(call, DEFORM_OUT, samples, 4, "N and C of x, lengths of out times kernelSize");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, WEIGHT, OFFSET, OUT, BIAS, DEFORM_OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    const stub_dtype_rule rule = {X, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t i = 1; i < 6; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], X));
    }
    STUB_REQUIRE(stub_check_rank(call, X, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 4, 4));
    STUB_REQUIRE(stub_check_image_formats(call, tensors, 6, false));
    STUB_REQUIRE(check_arrays(call));
    const geometry g = geometry_of(call);
    STUB_REQUIRE(check_groups(call, &g));
    STUB_REQUIRE(check_shapes(call, &g));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static float element(const geometry *g, const float *plane, float h, float w) {
    return h >= 0 && h < (float)g->height && w >= 0 && w < (float)g->width ? plane[(int64_t)h * g->width + (int64_t)w]
                                                                           : 0;
}

static float sample(const geometry *g, const float *plane, float y, float x) {
    const float top = floorf(y), left = floorf(x), down = y - top, across = x - left;
    return (1 - down) * ((1 - across) * element(g, plane, top, left) + across * element(g, plane, top, left + 1)) +
           down * ((1 - across) * element(g, plane, top + 1, left) + across * element(g, plane, top + 1, left + 1));
}

typedef struct {
    const geometry *g;
    const float *x, *offset;
    float *samples;
} job;

/* One channel of one image. */
static void do_plane(void *state, size_t index) {
    const job *work = state;
    const geometry *g = work->g;
    const int64_t image = (int64_t)index / g->channels, channel = (int64_t)index % g->channels;
    const int64_t places = g->kernel[0] * g->kernel[1], positions = g->out[0] * g->out[1];
    const int64_t group = channel / (g->channels / g->groups), all = g->groups * places;
    const float *plane = work->x + (int64_t)index * g->height * g->width;
    const float *offset = work->offset + (image * 3 * all + group * places) * positions;
    float *samples = work->samples + (int64_t)index * places * positions;
    for (int64_t i = 0; i < places * positions; i++) {
        const int64_t place = i / positions, at = i % positions, kh = place / g->kernel[1], kw = place % g->kernel[1];
        const int64_t h = at / g->out[1], w = at % g->out[1];
        const float x = (float)(w * g->stride[1] - g->before[1] + kw * g->dilation[1]) + offset[i];
        const float y = (float)(h * g->stride[0] - g->before[0] + kh * g->dilation[0]) + offset[all * positions + i];
        samples[((h * g->kernel[0] + kh) * g->out[1] + w) * g->kernel[1] + kw] =
            sample(g, plane, y, x) * offset[2 * all * positions + i];
    }
}

static stub_conv conv_of(const geometry *g) {
    const int64_t *k = g->kernel;
    return (stub_conv){.batch = g->batch,
                       .groups = g->conv_groups,
                       .large_channels = g->channels,
                       .small_channels = g->out_channels,
                       .large = {1, g->out[0] * k[0], g->out[1] * k[1]},
                       .small = {1, g->out[0], g->out[1]},
                       .kernel = {1, k[0], k[1]},
                       .stride = {1, k[0], k[1]},
                       .dilation = {1, 1, 1}};
}

enum { TENSORS = 6 };

static bool compute(const geometry *g, const stub_view *views, stub_floats *floats) {
    const int64_t count = g->batch * g->channels * g->kernel[0] * g->kernel[1] * g->out[0] * g->out[1];
    float *samples = malloc(((size_t)count + 1) * sizeof *samples);
    bool ready = samples != NULL;
    for (uint32_t i = 0; i < TENSORS && ready; i++) {
        const bool result = i > BIAS;
        ready = !views[i].tensor ||
                (result ? stub_floats_room(&floats[i], &views[i]) : stub_floats_read(&floats[i], &views[i], ACL_FLOAT));
    }
    if (ready) {
        job work = {g, floats[X].numbers, floats[OFFSET].numbers, samples};
        stub_parallel((size_t)(g->batch * g->channels), do_plane, &work);
        const stub_conv conv = conv_of(g);
        ready = stub_conv_to_small(&conv, samples, floats[WEIGHT].numbers, floats[BIAS].numbers, floats[4].numbers);
    }
    if (ready) {
        stub_floats_write(&floats[4], &views[4]);
    }
    if (ready && views[5].tensor) {
        memcpy(floats[5].numbers, samples, (size_t)count * sizeof *samples);
        stub_floats_write(&floats[5], &views[5]);
    }
    free(samples);
    return ready;
}

static aclnnStatus run(const stub_call *call) {
    static const uint32_t args[TENSORS] = {X, WEIGHT, OFFSET, BIAS, OUT, DEFORM_OUT};
    stub_view views[TENSORS] = {{0}};
    stub_floats floats[TENSORS] = {{0}};
    for (uint32_t i = 0; i < TENSORS; i++) {
        if (stub_tensor_arg(call, args[i])) {
            STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
        }
    }
    const geometry g = geometry_of(call);
    const bool done = compute(&g, views, floats);
    for (uint32_t i = 0; i < TENSORS; i++) {
        stub_floats_free(&floats[i]);
    }
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

STUB_KERNEL(aclnnDeformableConv2d, check, run)
