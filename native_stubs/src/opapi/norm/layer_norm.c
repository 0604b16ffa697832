/* Layer norms: y = (x - mean) * rstd * gamma + beta over the last axes of x, and their fusions with a sum before and an
 * adaptive scale and shift behind. fp32 arithmetic, rounded once; sums are normalised before they are rounded. */
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/adaptive.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/promote.h"

enum { NONE = STUB_NO_ARGUMENT };

/* What is normalised: x, x + x2 + bias, or alpha * x + x2. Arguments that an operator lacks are NONE. */
typedef struct {
    int x, x2, bias, alpha;
    int dims; /* the normalised shape, an array; without it gamma's axes, or the last one */
    int gamma, beta, scale, shift, epsilon, mode;
    int y, mean, rstd, sum, wants_sum;
    bool float_statistics; /* mean and rstd are FLOAT, else of the type of x */
    bool required;         /* gamma, beta, mean and rstd must be given */
} layer_norm;

/* Of the lines: x, what is added or the adaptive scale, the bias or the shift -> y, mean, rstd, sum. */
enum { X, SECOND, THIRD, Y, MEAN, RSTD, SUM };

typedef struct {
    const float *gamma, *beta, *bias;
    float epsilon, alpha;
    bool adds;
} constants;

static uint32_t axes_of(const stub_call *call, const layer_norm *op) {
    uint64_t count = 1;
    if (op->dims != NONE) {
        stub_argument_items(call, (uint32_t)op->dims, &count);
        return (uint32_t)count;
    }
    return op->scale != NONE ? 1 : stub_norm_axes(call, op->gamma, op->x);
}

static aclnnStatus check_normalised_shape(const stub_call *call, const layer_norm *op) {
    uint64_t count = 0;
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    const int64_t *dims = op->dims == NONE ? NULL : stub_argument_items(call, (uint32_t)op->dims, &count);
    if (op->dims == NONE) {
        return ACLNN_SUCCESS;
    }
    if (!dims) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: normalizedShape is NULL", call->op->name);
    }
    if (count < 1 || count > x->rank || memcmp(dims, x->shape + x->rank - count, count * sizeof *dims) != 0) {
        char given[160];
        const long long first = count > 0 ? (long long)dims[0] : 0;
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: normalizedShape has %llu lengths, the first %lld; it must be the last dimensions of "
                         "input (%s)",
                         call->op->name, (unsigned long long)count, first, stub_describe(x, given, sizeof given));
    }
    return ACLNN_SUCCESS;
}

static aclDataType result_type(const stub_call *call, const layer_norm *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x), *x2 = stub_tensor_or_none(call, op->x2);
    return x2 ? stub_promote(x->dtype, x2->dtype) : x->dtype;
}

static aclnnStatus check_type(const stub_call *call, int arg, aclDataType wanted, bool or_float) {
    const stub_dtypes allowed = STUB_DTYPE(wanted) | (or_float ? STUB_DTYPE(ACL_FLOAT) : 0);
    return stub_norm_dtype(call, arg, allowed);
}

static aclnnStatus check_types(const stub_call *call, const layer_norm *op) {
    const int inputs[] = {op->x, op->x2, op->bias, op->gamma, op->beta};
    STUB_REQUIRE(stub_norm_dtypes(call, inputs, STUB_COUNT(inputs), STUB_FLOATS));
    const aclDataType type = result_type(call, op);
    const int halves[] = {op->scale, op->shift, op->y, op->sum};
    for (size_t i = 0; i < STUB_COUNT(halves); i++) {
        STUB_REQUIRE(check_type(call, halves[i], type, false));
    }
    const int statistics[] = {op->mean, op->rstd};
    for (size_t i = 0; i < STUB_COUNT(statistics); i++) {
        STUB_REQUIRE(check_type(call, statistics[i], op->float_statistics ? ACL_FLOAT : type, false));
    }
    const int parameters[] = {op->gamma, op->beta};
    for (size_t i = 0; i < STUB_COUNT(parameters); i++) {
        STUB_REQUIRE(check_type(call, parameters[i], type, true));
    }
    const bool both = stub_tensor_or_none(call, op->gamma) && stub_tensor_or_none(call, op->beta);
    return both ? stub_norm_same_dtype(call, op->beta, op->gamma) : ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const layer_norm *op) {
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, op->scale == NONE ? 1 : 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_normalised_shape(call, op));
    if (op->dims == NONE && op->scale == NONE) {
        STUB_REQUIRE(stub_norm_gamma_shape(call, op->gamma, op->x));
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->beta, (uint32_t)op->gamma));
    }
    const uint32_t axes = axes_of(call, op);
    const int like_x[] = {op->x2, op->y, op->sum}, last[] = {op->gamma, op->beta};
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x, STUB_COUNT(like_x), op->x));
    for (size_t i = 0; i < STUB_COUNT(last) && (op->dims != NONE || op->scale != NONE); i++) {
        STUB_REQUIRE(stub_norm_last_dims(call, last[i], op->x, axes));
    }
    const aclTensor *bias = stub_tensor_or_none(call, op->bias);
    if (bias && bias->rank != stub_tensor_or_none(call, op->x)->rank) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->bias, (uint32_t)op->gamma));
    } else if (bias) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->bias, (uint32_t)op->x));
    }
    STUB_REQUIRE(stub_adaptive_check(call, op->scale, op->x));
    STUB_REQUIRE(stub_adaptive_check(call, op->shift, op->x));
    STUB_REQUIRE(stub_norm_statistic_shape(call, op->mean, op->x, axes));
    return stub_norm_statistic_shape(call, op->rstd, op->x, axes);
}

static aclnnStatus check_mode(const stub_call *call, const layer_norm *op) {
    if (op->mode == NONE) {
        return ACLNN_SUCCESS;
    }
    const int64_t mode = call->args[op->mode].integer;
    if (mode < 0 || mode > 2) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: implMode is %lld; allowed are 0, 1 and 2", call->op->name,
                         (long long)mode);
    }
    const int all[] = {op->x, op->gamma, op->beta};
    return mode == 2 ? stub_norm_dtypes(call, all, STUB_COUNT(all), STUB_DTYPE(ACL_FLOAT16)) : ACLNN_SUCCESS;
}

static aclnnStatus layer_norm_check(const stub_call *call, stub_plan *plan, const layer_norm *op) {
    const int required[] = {op->x, op->x2, op->scale, op->shift, op->y};
    const int parameters[] = {op->gamma, op->beta, op->mean, op->rstd};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    if (op->required) {
        STUB_REQUIRE(stub_norm_given(call, parameters, STUB_COUNT(parameters)));
    }
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    STUB_REQUIRE(check_mode(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x)) == 0;
    return ACLNN_SUCCESS;
}

static void add_up(const constants *by, void *const *array, size_t n) {
    float *x = array[X];
    if (by->alpha != 1.0f) {
        stub_floats_normalise(x, 0, by->alpha, NULL, NULL, n, x);
    }
    stub_floats_add(x, array[SECOND], n, x);
    if (by->bias || array[THIRD]) {
        stub_floats_add(x, by->bias ? by->bias : array[THIRD], n, x);
    }
    if (array[SUM]) {
        memcpy(array[SUM], x, n * sizeof *x);
    }
}

static void adapt(const float *scale, const float *shift, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) {
        y[i] = y[i] * (1.0f + scale[i]) + shift[i];
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[X];
    if (by->adds) {
        add_up(by, array, n);
    }
    const stub_moments moments = stub_floats_moments(array[X], n, by->epsilon);
    stub_floats_normalise(array[X], moments.mean, moments.rstd, by->gamma, by->beta, n, array[Y]);
    if (!by->adds && array[SECOND]) {
        adapt(array[SECOND], array[THIRD], n, array[Y]);
    }
    if (array[MEAN]) {
        *(float *)array[MEAN] = moments.mean;
    }
    if (array[RSTD]) {
        *(float *)array[RSTD] = moments.rstd;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus layer_norm_run(const stub_call *call, const layer_norm *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x), *bias = stub_tensor_or_none(call, op->bias);
    const uint32_t dims = axes_of(call, op), axes = stub_last_axes(call, op->x, dims);
    const bool wants_sum = op->wants_sum == NONE || call->args[op->wants_sum].flag;
    const bool bias_is_row = bias && bias->rank != x->rank;
    stub_line_set set = {.call = call};
    stub_adaptive adaptive[2];
    const constants by = {.gamma = stub_line_weight(&set, op->gamma),
                          .beta = stub_line_weight(&set, op->beta),
                          .bias = bias_is_row ? stub_line_weight(&set, op->bias) : NULL,
                          .epsilon = (float)call->args[op->epsilon].real,
                          .alpha = op->alpha == NONE ? 1.0f : (float)call->args[op->alpha].real,
                          .adds = op->x2 != NONE};
    stub_line_input(&set, op->x, axes, ACL_FLOAT);
    if (op->scale != NONE) {
        stub_adaptive_input(&set, op->scale, x, &adaptive[0]);
        stub_adaptive_input(&set, op->shift, x, &adaptive[1]);
    } else {
        stub_line_input(&set, op->x2, axes, ACL_FLOAT);
        stub_line_input(&set, bias_is_row ? NONE : op->bias, axes, ACL_FLOAT);
    }
    stub_line_output(&set, op->y, axes, ACL_FLOAT);
    stub_line_output(&set, op->mean, stub_norm_statistic_axes(call, op->mean, op->x, dims), ACL_FLOAT);
    stub_line_output(&set, op->rstd, stub_norm_statistic_axes(call, op->rstd, op->x, dims), ACL_FLOAT);
    stub_line_output(&set, wants_sum ? op->sum : NONE, axes, ACL_FLOAT);
    set.lines.in_place = op->x2 == NONE;
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

#define NO_SUM .x2 = NONE, .bias = NONE, .alpha = NONE, .sum = NONE, .wants_sum = NONE
#define NOT_ADAPTIVE .scale = NONE, .shift = NONE

STUB_FAMILY_KERNEL(aclnnLayerNorm, layer_norm,
                   {NO_SUM, NOT_ADAPTIVE, .x = 0, .dims = 1, .gamma = 2, .beta = 3, .epsilon = 4, .mode = NONE, .y = 5,
                    .mean = 6, .rstd = 7})
STUB_FAMILY_KERNEL(aclnnFastLayerNorm, layer_norm,
                   {NO_SUM, NOT_ADAPTIVE, .x = 0, .dims = 1, .gamma = 2, .beta = 3, .epsilon = 4, .mode = NONE, .y = 5,
                    .mean = 6, .rstd = 7})
STUB_FAMILY_KERNEL(aclnnLayerNormWithImplMode, layer_norm,
                   {NO_SUM, NOT_ADAPTIVE, .x = 0, .dims = 1, .gamma = 2, .beta = 3, .epsilon = 4, .mode = 8, .y = 5,
                    .mean = 6, .rstd = 7})
STUB_FAMILY_KERNEL(aclnnAdaLayerNorm, layer_norm,
                   {NO_SUM, .x = 0, .scale = 1, .shift = 2, .dims = NONE, .gamma = 3, .beta = 4, .epsilon = 5,
                    .mode = NONE, .y = 6, .mean = NONE, .rstd = NONE})
STUB_FAMILY_KERNEL(aclnnAdaLayerNormV2, layer_norm,
                   {NO_SUM, .x = 0, .scale = 1, .shift = 2, .dims = NONE, .gamma = 3, .beta = 4, .epsilon = 5,
                    .mode = NONE, .y = 6, .mean = 7, .rstd = 8})
STUB_FAMILY_KERNEL(aclnnAddLayerNorm, layer_norm,
                   {NOT_ADAPTIVE, .x = 0, .x2 = 1, .bias = 4, .alpha = NONE, .dims = NONE, .gamma = 2, .beta = 3,
                    .epsilon = 5, .mode = NONE, .y = 7, .mean = 8, .rstd = 9, .sum = 10, .wants_sum = 6,
                    .float_statistics = true, .required = true})
STUB_FAMILY_KERNEL(aclnnDeepNorm, layer_norm,
                   {NOT_ADAPTIVE, .x = 0, .x2 = 1, .bias = NONE, .alpha = 4, .dims = NONE, .gamma = 3, .beta = 2,
                    .epsilon = 5, .mode = NONE, .y = 8, .mean = 6, .rstd = 7, .sum = NONE, .wants_sum = NONE,
                    .float_statistics = true, .required = true})
