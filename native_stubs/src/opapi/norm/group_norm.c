/* Norms over groups of channels, with swish behind: y = (x - mean) * rstd * gamma + beta, then y / (1 + exp(-s * y)).
 * fp32 arithmetic, rounded once. A line is the elements of one group of one sample. */
#include "opapi/kernel.h"
#include "opapi/made_view.h"
#include "opapi/norm/channel_lines.h"
#include "opapi/norm/norm_checks.h"

enum { NONE = STUB_NO_ARGUMENT };

typedef struct {
    int x, gamma, beta, group, epsilon, y, mean, rstd;
    int sizes;              /* N, C, HxW follow each other from here */
    int swish, swish_scale; /* a flag, a number */
    bool always_swish;
    bool statistics_like_gamma; /* their type: gamma's, else that of x */
    bool float_gamma;           /* a FLOAT gamma goes with halves */
} group_norm;

typedef struct {
    const float *gamma, *beta;
    int64_t groups, channels; /* channels: of one group */
    float epsilon, swish;
    bool swishes;
} constants;

static int64_t groups_of(const stub_call *call, const group_norm *op) {
    return call->args[op->group].integer;
}

static aclnnStatus check_sizes(const stub_call *call, const group_norm *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    int64_t size[3] = {x->shape[0], x->shape[1], 1};
    for (uint32_t i = 2; i < x->rank; i++) {
        size[2] *= x->shape[i];
    }
    for (int i = 0; op->sizes != NONE && i < 3; i++) {
        if (call->args[op->sizes + i].integer != size[i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld, but that of the input is %lld", call->op->name,
                             call->op->params[op->sizes + i].name, (long long)call->args[op->sizes + i].integer,
                             (long long)size[i]);
        }
    }
    const int64_t groups = groups_of(call, op);
    if (groups <= 0 || size[1] % groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must be positive and divide the %lld channels",
                         call->op->name, call->op->params[op->group].name, (long long)groups, (long long)size[1]);
    }
    return ACLNN_SUCCESS;
}

/* The document of aclnnGroupNormSwish does not ask for it. */
static aclnnStatus check_epsilon(const stub_call *call, const group_norm *op) {
    const double epsilon = call->args[op->epsilon].real;
    return epsilon > 0 || op->swish_scale != NONE
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must be larger than 0", call->op->name,
                           call->op->params[op->epsilon].name, epsilon);
}

static aclnnStatus check_parameters(const stub_call *call, const group_norm *op) {
    const int parameters[] = {op->gamma, op->beta};
    for (size_t i = 0; i < STUB_COUNT(parameters); i++) {
        STUB_REQUIRE(op->float_gamma ? stub_norm_same_or_float(call, parameters[i], op->x)
                                     : stub_norm_same_dtype(call, parameters[i], op->x));
    }
    const int statistics[] = {op->mean, op->rstd};
    const int like = op->statistics_like_gamma && stub_tensor_or_none(call, op->gamma) ? op->gamma : op->x;
    return stub_norm_same_dtypes(call, statistics, STUB_COUNT(statistics), like);
}

static aclnnStatus group_norm_check(const stub_call *call, stub_plan *plan, const group_norm *op) {
    const int required[] = {op->x, op->y, op->mean, op->rstd};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, op->x, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtype(call, op->y, op->x));
    STUB_REQUIRE(check_parameters(call, op));
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_sizes(call, op));
    STUB_REQUIRE(check_epsilon(call, op));
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    const int64_t statistic[] = {x->shape[0], groups_of(call, op)};
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->gamma, &x->shape[1], 1, "one for each channel"));
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->beta, &x->shape[1], 1, "one for each channel"));
    STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->y, (uint32_t)op->x));
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->mean, statistic, 2, "[samples, groups]"));
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->rstd, statistic, 2, "[samples, groups]"));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0], run = n / (size_t)by->channels;
    const int64_t first = position % by->groups * by->channels;
    const stub_moments moments = stub_floats_moments(array[0], n, by->epsilon);
    for (size_t c = 0; c < (size_t)by->channels; c++) {
        const stub_channel channel = {moments.mean, moments.rstd, by->gamma ? by->gamma[first + (int64_t)c] : 1.0f,
                                      by->beta ? by->beta[first + (int64_t)c] : 0.0f};
        stub_channel_normalise((const float *)array[0] + c * run, &channel, run, (float *)array[1] + c * run);
    }
    if (by->swishes) {
        stub_channel_swish(array[1], by->swish, n);
    }
    *(float *)array[2] = moments.mean;
    *(float *)array[3] = moments.rstd;
    return ACLNN_SUCCESS;
}

static aclnnStatus split_channels(const stub_call *call, int arg, int64_t groups, stub_made_view *made) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
    if (!stub_made_split(made, &view, 1, groups)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for 8 dimensions in %s with gaps between the last two",
                         call->op->name, call->op->params[arg].name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus group_norm_run(const stub_call *call, const group_norm *op) {
    const aclTensor *tensor = stub_tensor_or_none(call, op->x);
    stub_line_set set = {.call = call};
    stub_made_view x, y;
    STUB_REQUIRE(split_channels(call, op->x, groups_of(call, op), &x));
    STUB_REQUIRE(split_channels(call, op->y, groups_of(call, op), &y));
    const constants by = {.gamma = stub_line_weight(&set, op->gamma),
                          .beta = stub_line_weight(&set, op->beta),
                          .groups = groups_of(call, op),
                          .channels = tensor->shape[1] / groups_of(call, op),
                          .epsilon = (float)call->args[op->epsilon].real,
                          .swish = op->swish_scale == NONE ? 1.0f : (float)call->args[op->swish_scale].real,
                          .swishes = op->swish == NONE ? op->always_swish : call->args[op->swish].flag};
    stub_line_input_view(&set, &x.view, stub_axes_from(2, x.tensor.rank), ACL_FLOAT);
    stub_line_output_view(&set, &y.view, stub_axes_from(2, y.tensor.rank), ACL_FLOAT);
    stub_line_output(&set, op->mean, 0, ACL_FLOAT);
    stub_line_output(&set, op->rstd, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnGroupNorm, group_norm,
                   {.x = 0,
                    .gamma = 1,
                    .beta = 2,
                    .sizes = 3,
                    .group = 6,
                    .epsilon = 7,
                    .y = 8,
                    .mean = 9,
                    .rstd = 10,
                    .swish = NONE,
                    .swish_scale = NONE})
STUB_FAMILY_KERNEL(aclnnGroupNormSilu, group_norm,
                   {.x = 0,
                    .gamma = 1,
                    .beta = 2,
                    .sizes = NONE,
                    .group = 3,
                    .epsilon = 4,
                    .y = 5,
                    .mean = 6,
                    .rstd = 7,
                    .swish = NONE,
                    .swish_scale = NONE,
                    .always_swish = true,
                    .float_gamma = true})
STUB_FAMILY_KERNEL(aclnnGroupNormSiluV2, group_norm,
                   {.x = 0,
                    .gamma = 1,
                    .beta = 2,
                    .sizes = NONE,
                    .group = 3,
                    .epsilon = 4,
                    .y = 6,
                    .mean = 7,
                    .rstd = 8,
                    .swish = 5,
                    .swish_scale = NONE,
                    .float_gamma = true})
STUB_FAMILY_KERNEL(aclnnGroupNormSwish, group_norm,
                   {.x = 0,
                    .gamma = 1,
                    .beta = 2,
                    .sizes = NONE,
                    .group = 3,
                    .epsilon = 5,
                    .y = 8,
                    .mean = 9,
                    .rstd = 10,
                    .swish = 6,
                    .swish_scale = 7,
                    .float_gamma = true,
                    .statistics_like_gamma = true})
