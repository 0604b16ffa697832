/* aclnnGroupNormBackward and aclnnGroupNormSwishGrad: with h = (x - mean) * rstd and g = dy * gamma in a group of m
 * elements, dx = (g - sum(g) / m - h * sum(g * h) / m) * rstd, dgamma = sum(dy * h), dbeta = sum(dy). Behind a swish,
 * dy is the gradient before it. fp32 arithmetic, rounded once. */
#include <stdlib.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/made_view.h"
#include "opapi/math.h"
#include "opapi/norm/norm_checks.h"

enum { NONE = STUB_NO_ARGUMENT };

typedef struct {
    int dy, x, mean, rstd, gamma, beta, group, swish, mask, wants_dgamma, wants_dbeta, dx, dgamma, dbeta;
    int sizes; /* N, C, HxW follow each other from here; else they are those of x */
} group_norm_grad;

typedef struct {
    int64_t samples, channels, area, groups;
} sizes;

/* Of the lines, one for each group of each sample: these -> dx. */
enum { DY, X, MEAN, RSTD, DX };

typedef struct {
    const float *gamma, *beta;
    sizes size;
    float swish;
    bool swishes;
    float *dy_h, *dy; /* sums of each channel of each sample */
} constants;

static sizes sizes_of(const stub_call *call, const group_norm_grad *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    const int64_t groups = call->args[op->group].integer;
    if (op->sizes != NONE) {
        const stub_value *given = call->args + op->sizes;
        return (sizes){given[0].integer, given[1].integer, given[2].integer, groups};
    }
    sizes size = {x->shape[0], x->shape[1], 1, groups};
    for (uint32_t i = 2; i < x->rank; i++) {
        size.area *= x->shape[i];
    }
    return size;
}

static bool wants(const stub_call *call, const group_norm_grad *op, uint32_t output) {
    uint64_t count = 0;
    const int flag = output == 1 ? op->wants_dgamma : output == 2 ? op->wants_dbeta : NONE;
    const bool *mask = op->mask == NONE ? NULL : stub_argument_items(call, (uint32_t)op->mask, &count);
    return flag != NONE ? call->args[flag].flag : !mask || output >= count || mask[output];
}

static aclnnStatus check_count(const stub_call *call, int arg, int64_t wanted, const char *what) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg);
    if (!tensor || stub_tensor_numel(tensor) == wanted) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %lld elements; it must have %lld, %s", call->op->name,
                     call->op->params[arg].name, (long long)stub_tensor_numel(tensor), (long long)wanted, what);
}

static aclnnStatus check_outputs(const stub_call *call, const group_norm_grad *op) {
    const int outputs[] = {op->dx, op->dgamma, op->dbeta}, like[] = {op->x, op->gamma, op->gamma};
    for (uint32_t i = 0; i < STUB_COUNT(outputs); i++) {
        if (wants(call, op, i)) {
            STUB_REQUIRE(stub_norm_given(call, &outputs[i], 1));
            STUB_REQUIRE(stub_norm_same_dtype(call, outputs[i], i == 0 ? op->x : op->mean));
        }
        if (wants(call, op, i) && stub_tensor_or_none(call, like[i])) {
            STUB_REQUIRE(stub_norm_same_shapes(call, &outputs[i], 1, like[i]));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus group_norm_grad_check(const stub_call *call, stub_plan *plan, const group_norm_grad *op) {
    const int required[] = {op->dy, op->x, op->mean, op->rstd, op->beta}, like_x[] = {op->dy, op->mean, op->rstd};
    const int parameters[] = {op->gamma, op->beta};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, op->x, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x));
    STUB_REQUIRE(stub_norm_same_dtypes(call, parameters, STUB_COUNT(parameters), op->x));
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, op->sizes == NONE ? 2 : 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_same_shapes(call, &op->dy, 1, op->x));
    const sizes size = sizes_of(call, op);
    if (size.groups <= 0 || size.channels % size.groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must be positive and divide the %lld channels",
                         call->op->name, call->op->params[op->group].name, (long long)size.groups,
                         (long long)size.channels);
    }
    STUB_REQUIRE(check_count(call, op->x, size.samples * size.channels * size.area, "N * C * HxW"));
    STUB_REQUIRE(check_count(call, op->mean, size.samples * size.groups, "one for each group of a sample"));
    STUB_REQUIRE(check_count(call, op->rstd, size.samples * size.groups, "one for each group of a sample"));
    STUB_REQUIRE(check_count(call, op->gamma, size.channels, "one for each channel"));
    STUB_REQUIRE(check_count(call, op->beta, size.channels, "one for each channel"));
    STUB_REQUIRE(check_outputs(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x)) == 0;
    return ACLNN_SUCCESS;
}

/* dy before the swish of y = h * gamma + beta. */
static void before_swish(float *dy, const float *h, float gamma, float beta, float scale, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float y = scale * (h[i] * gamma + beta), s = stub_sigmoidf(y);
        dy[i] *= s * (y - y * s + 1.0f);
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[X], area = (size_t)by->size.area;
    const int64_t channels = by->size.channels / by->size.groups, first = position % by->size.groups * channels;
    const int64_t sums = position * channels;
    const float rstd = *(const float *)array[RSTD];
    float *h = array[X], *dy = array[DY], total = 0, moment = 0;
    stub_floats_normalise(h, *(const float *)array[MEAN], rstd, NULL, NULL, n, h);
    for (int64_t c = 0; c < channels; c++) {
        const float gamma = by->gamma ? by->gamma[first + c] : 1.0f;
        float *d = dy + (size_t)c * area, *x = h + (size_t)c * area;
        if (by->swishes) {
            before_swish(d, x, gamma, by->beta[first + c], by->swish, area);
        }
        by->dy[sums + c] = stub_floats_sum(d, area);
        by->dy_h[sums + c] = stub_floats_dot(d, x, area);
        total += gamma * by->dy[sums + c];
        moment += gamma * by->dy_h[sums + c];
    }
    float *dx = array[DX];
    for (size_t i = 0; dx && i < n; i++) {
        const float gamma = by->gamma ? by->gamma[first + (int64_t)(i / area)] : 1.0f;
        dx[i] = (dy[i] * gamma - total / (float)n - h[i] * (moment / (float)n)) * rstd;
    }
    return ACLNN_SUCCESS;
}

/* The tensor as [samples, groups, channels of a group, area]; its last axes may be more. */
static aclnnStatus open_groups(const stub_call *call, int arg, const sizes *size, stub_made_view *made) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
    const aclTensor *tensor = view.tensor;
    const int64_t inner = size->channels / size->groups, counts[] = {size->samples, size->groups, inner, size->area};
    if (stub_tensor_is_contiguous(tensor)) {
        stub_made_start(made, &view);
        int64_t stride = stub_tensor_numel(tensor);
        for (int i = 0; i < 4; i++) {
            stride /= counts[i];
            stub_made_axis(made, counts[i], stride);
        }
        return ACLNN_SUCCESS;
    }
    const bool fits = tensor->rank >= 2 && tensor->shape[0] == size->samples && tensor->shape[1] == size->channels;
    if (fits && stub_made_split(made, &view, 1, size->groups)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s: the stand-in has no kernel for %s with gaps that is not [N, C, ...] of up to 7 axes",
                     call->op->name, call->op->params[arg].name);
}

/* The sum over all samples of each channel, into an output. */
static aclnnStatus add_samples(const stub_call *call, int arg, const float *sums, const sizes *size) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
    const uint32_t rank = view.tensor->rank;
    for (int64_t c = 0; c < size->channels; c++) {
        float sum = 0;
        for (int64_t sample = 0; sample < size->samples; sample++) {
            sum += sums[sample * size->channels + c];
        }
        stub_row place;
        stub_row_start(&place, &view, rank, c);
        stub_store(ACL_FLOAT, &sum, 1, view.tensor->dtype, view.base + place.offset * (view.bits / 8), 0);
    }
    return ACLNN_SUCCESS;
}

/* A statistic as [samples, groups]. */
static aclnnStatus open_statistic(const stub_call *call, int arg, const sizes *size, stub_made_view *made) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
    const aclTensor *tensor = view.tensor;
    const bool pairs = tensor->rank == 2 && tensor->shape[0] == size->samples;
    if (!pairs && !stub_tensor_is_contiguous(tensor)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for %s with gaps that is not [N, group]", call->op->name,
                         call->op->params[arg].name);
    }
    stub_made_start(made, &view);
    stub_made_axis(made, size->samples, pairs ? tensor->strides[0] : size->groups);
    stub_made_axis(made, size->groups, pairs ? tensor->strides[1] : 1);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_groups(const stub_call *call, const group_norm_grad *op, constants *by) {
    stub_line_set set = {.call = call};
    stub_made_view dy, x, dx, mean, rstd;
    STUB_REQUIRE(open_groups(call, op->dy, &by->size, &dy));
    STUB_REQUIRE(open_groups(call, op->x, &by->size, &x));
    STUB_REQUIRE(open_statistic(call, op->mean, &by->size, &mean));
    STUB_REQUIRE(open_statistic(call, op->rstd, &by->size, &rstd));
    if (wants(call, op, 0)) {
        STUB_REQUIRE(open_groups(call, op->dx, &by->size, &dx));
    }
    by->gamma = stub_line_weight(&set, op->gamma);
    by->beta = stub_line_weight(&set, op->beta);
    stub_line_input_view(&set, &dy.view, stub_axes_from(2, dy.tensor.rank), ACL_FLOAT);
    stub_line_input_view(&set, &x.view, stub_axes_from(2, x.tensor.rank), ACL_FLOAT);
    stub_line_input_view(&set, &mean.view, 0, ACL_FLOAT);
    stub_line_input_view(&set, &rstd.view, 0, ACL_FLOAT);
    const bool wants_dx = wants(call, op, 0);
    stub_line_output_view(&set, wants_dx ? &dx.view : NULL, wants_dx ? stub_axes_from(2, dx.tensor.rank) : 0,
                          ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = by;
    return stub_line_set_run(&set);
}

static aclnnStatus group_norm_grad_run(const stub_call *call, const group_norm_grad *op) {
    constants by = {.size = sizes_of(call, op),
                    .swish = op->swish == NONE ? 1.0f : (float)call->args[op->swish].real,
                    .swishes = op->swish != NONE};
    const size_t count = (size_t)(by.size.samples * by.size.channels);
    by.dy = calloc(2 * count, sizeof *by.dy);
    if (!by.dy) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the sums of its channels", call->op->name);
    }
    by.dy_h = by.dy + count;
    aclnnStatus status = run_groups(call, op, &by);
    if (status == ACLNN_SUCCESS && wants(call, op, 1)) {
        status = add_samples(call, op->dgamma, by.dy_h, &by.size);
    }
    if (status == ACLNN_SUCCESS && wants(call, op, 2)) {
        status = add_samples(call, op->dbeta, by.dy, &by.size);
    }
    free(by.dy);
    return status;
}

STUB_FAMILY_KERNEL(aclnnGroupNormBackward, group_norm_grad,
                   {.dy = 0,
                    .x = 1,
                    .mean = 2,
                    .rstd = 3,
                    .gamma = 4,
                    .beta = NONE,
                    .sizes = 5,
                    .group = 8,
                    .swish = NONE,
                    .mask = 9,
                    .wants_dgamma = NONE,
                    .wants_dbeta = NONE,
                    .dx = 10,
                    .dgamma = 11,
                    .dbeta = 12})
STUB_FAMILY_KERNEL(aclnnGroupNormSwishGrad, group_norm_grad,
                   {.dy = 0,
                    .mean = 1,
                    .rstd = 2,
                    .x = 3,
                    .gamma = 4,
                    .beta = 5,
                    .sizes = NONE,
                    .group = 6,
                    .swish = 8,
                    .mask = NONE,
                    .wants_dgamma = 9,
                    .wants_dbeta = 10,
                    .dx = 11,
                    .dgamma = 12,
                    .dbeta = 13})
