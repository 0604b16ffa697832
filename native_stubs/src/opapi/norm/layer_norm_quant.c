/* Layer norms of a sum (aclnnAddLayerNormQuant) or with an adaptive scale and shift (aclnnAdaLayerNormQuant), and one
 * or two quantisations behind: by given scales, q = round(y / scale + zero point) or y * scale, or dynamically, v = y *
 * smooth, scale = max |v| / 127, q = round(v / scale). fp32 arithmetic; sums are normalised before they are rounded. */
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/adaptive.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { NONE = STUB_NO_ARGUMENT, STREAMS = 2 };

typedef struct {
    int x, x2, bias, gamma, beta, adaptive_scale, adaptive_shift, scale[STREAMS], offset[STREAMS];
    int mode, epsilon, wants_sum, divide, y[STREAMS], sum, scale_out[STREAMS], reserved;
} layer_norm_quant;

/* Of the lines: x, x2 or the adaptive scale, the bias or the shift -> y1, y2, sum, scale1, scale2. */
enum { X, SECOND, THIRD, Y1, Y2, SUM, SCALE1, SCALE2 };

typedef struct {
    stub_quantised y[STREAMS];
    const float *gamma, *beta, *bias, *scale[STREAMS], *offset[STREAMS];
    float epsilon;
    bool adaptive, dynamic, divide;
} constants;

static bool is_dynamic(const stub_call *call, const layer_norm_quant *op) {
    return strcmp(call->args[op->mode].text, "dynamic") == 0;
}

static aclnnStatus check_mode(const stub_call *call, const layer_norm_quant *op) {
    const char *mode = call->args[op->mode].text;
    const bool adaptive = op->adaptive_scale != NONE;
    if (!mode || (strcmp(mode, "dynamic") != 0 && (adaptive || strcmp(mode, "static") != 0))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMode is %s; allowed are dynamic%s", call->op->name,
                         mode ? mode : "NULL", adaptive ? "" : " and static");
    }
    if (stub_tensor_or_none(call, op->reserved)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is reserved; it must be NULL", call->op->name,
                         call->op->params[op->reserved].name);
    }
    bool given[2 * STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        given[i] = stub_tensor_or_none(call, op->scale[i]);
        given[STREAMS + i] = stub_tensor_or_none(call, op->offset[i]);
    }
    const bool fits = is_dynamic(call, op) ? !given[2] && !given[3] && (given[0] || !given[1])
                                           : given[0] && given[3] == (given[1] && given[2]);
    return fits
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID,
                           "%s: the optional scales and zeroPoints that are given do not go together with quantMode %s",
                           call->op->name, mode);
}

static aclnnStatus check_types(const stub_call *call, const layer_norm_quant *op) {
    const int like_x[] = {op->x2, op->bias, op->gamma, op->beta, op->adaptive_scale, op->adaptive_shift, op->sum};
    const int quantisers[] = {op->scale[0], op->scale[1], op->offset[0], op->offset[1]};
    STUB_REQUIRE(stub_norm_dtype(call, op->x, is_dynamic(call, op) ? STUB_HALVES : STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x));
    for (size_t i = 0; i < STUB_COUNT(quantisers); i++) {
        STUB_REQUIRE(is_dynamic(call, op) ? stub_norm_same_dtype(call, quantisers[i], op->x)
                                          : stub_norm_same_or_float(call, quantisers[i], op->x));
    }
    return stub_norm_dtypes(call, op->scale_out, STREAMS, STUB_DTYPE(ACL_FLOAT));
}

static uint32_t axes_of(const stub_call *call, const layer_norm_quant *op) {
    return op->adaptive_scale != NONE ? 1 : stub_norm_axes(call, op->gamma, op->x);
}

static bool has_stream(const stub_call *call, const layer_norm_quant *op, int stream) {
    return op->y[stream] != NONE && (stream == 0 || stub_tensor_or_none(call, op->scale[1]));
}

static aclnnStatus check_outputs(const stub_call *call, const layer_norm_quant *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    for (int i = 0; i < STREAMS; i++) {
        if (!has_stream(call, op, i)) {
            continue;
        }
        const int outputs[] = {op->y[i], is_dynamic(call, op) ? op->scale_out[i] : NONE};
        STUB_REQUIRE(stub_norm_given(call, outputs, 2));
        STUB_REQUIRE(stub_quantised_check(call, op->y[i], x->shape, x->rank, STUB_DTYPE(ACL_INT8)));
        if (is_dynamic(call, op)) {
            STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->scale_out[i], x->shape, x->rank - 1,
                                          "that of x without its last axis"));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const layer_norm_quant *op) {
    const aclTensor *bias = stub_tensor_or_none(call, op->bias), *x = stub_tensor_or_none(call, op->x);
    const int like_x[] = {op->x2, op->sum, bias && bias->rank == x->rank ? op->bias : NONE};
    const int rows[] = {op->beta,      op->scale[0],  op->scale[1],
                        op->offset[0], op->offset[1], bias && bias->rank != x->rank ? op->bias : NONE};
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, is_dynamic(call, op) ? 2 : 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x, STUB_COUNT(like_x), op->x));
    if (op->adaptive_scale == NONE) {
        STUB_REQUIRE(stub_norm_gamma_shape(call, op->gamma, op->x));
        STUB_REQUIRE(stub_norm_same_shapes(call, rows, STUB_COUNT(rows), op->gamma));
    } else {
        STUB_REQUIRE(stub_norm_last_dims(call, op->gamma, op->x, 1));
        STUB_REQUIRE(stub_norm_last_dims(call, op->beta, op->x, 1));
        STUB_REQUIRE(stub_norm_last_dims(call, op->scale[0], op->x, 1));
    }
    if (is_dynamic(call, op) && axes_of(call, op) != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: gamma must have one axis with quantMode dynamic",
                         call->op->name);
    }
    STUB_REQUIRE(stub_adaptive_check(call, op->adaptive_scale, op->x));
    STUB_REQUIRE(stub_adaptive_check(call, op->adaptive_shift, op->x));
    return check_outputs(call, op);
}

static aclnnStatus layer_norm_quant_check(const stub_call *call, stub_plan *plan, const layer_norm_quant *op) {
    const bool adaptive = op->adaptive_scale != NONE;
    const int required[] = {
        op->x, op->x2, op->adaptive_scale, op->adaptive_shift, adaptive ? NONE : op->gamma, adaptive ? NONE : op->beta};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_mode(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantising norms");
}

static void normalise(const constants *by, void *const *array, size_t n) {
    float *x = array[X];
    const float *second = array[SECOND], *third = array[THIRD];
    if (!by->adaptive) {
        stub_floats_add(x, second, n, x);
        if (by->bias || third) {
            stub_floats_add(x, by->bias ? by->bias : third, n, x);
        }
        if (array[SUM]) {
            memcpy(array[SUM], x, n * sizeof *x);
        }
    }
    const stub_moments moments = stub_floats_moments(x, n, by->epsilon);
    stub_floats_normalise(x, moments.mean, moments.rstd, by->gamma, by->beta, n, x);
    for (size_t i = 0; by->adaptive && i < n; i++) {
        x[i] = x[i] * (1.0f + second[i]) + third[i];
    }
}

static float quantise_dynamically(const float *smooth, const float *y, size_t n, float limit, float *values) {
    stub_floats_normalise(y, 0, 1, smooth, NULL, n, values);
    const float scale = stub_floats_largest(values, n) / limit;
    for (size_t i = 0; i < n; i++) {
        values[i] /= scale;
    }
    return isnan(scale) ? stub_bits_float(STUB_F32_NAN) : scale;
}

static void quantise_statically(const constants *by, int stream, const float *y, size_t n, float *values) {
    const float *scale = by->scale[stream];
    for (size_t i = 0; i < n; i++) {
        values[i] = by->divide ? y[i] / scale[i] : y[i] * scale[i];
    }
    if (by->offset[stream]) {
        stub_floats_add(values, by->offset[stream], n, values);
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position;
    const constants *by = data;
    const size_t n = (size_t)length[X];
    normalise(by, array, n);
    for (int i = 0; i < STREAMS; i++) {
        float *scale_out = array[SCALE1 + i];
        if (array[Y1 + i] && by->dynamic) {
            *scale_out = quantise_dynamically(by->scale[i], array[X], n, by->y[i].limit, scratch);
        } else if (array[Y1 + i]) {
            quantise_statically(by, i, array[X], n, scratch);
        }
        if (array[Y1 + i]) {
            stub_quantised_put(&by->y[i], STUB_ROUND, scratch, n, array[Y1 + i]);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus layer_norm_quant_run(const stub_call *call, const layer_norm_quant *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x), *bias = stub_tensor_or_none(call, op->bias);
    const uint32_t dims = axes_of(call, op), axes = stub_last_axes(call, op->x, dims);
    const bool bias_is_row = bias && bias->rank != x->rank, dynamic = is_dynamic(call, op);
    stub_line_set set = {.call = call};
    stub_adaptive adaptive[2];
    constants by = {.gamma = stub_line_weight(&set, op->gamma),
                    .beta = stub_line_weight(&set, op->beta),
                    .bias = bias_is_row ? stub_line_weight(&set, op->bias) : NULL,
                    .epsilon = (float)call->args[op->epsilon].real,
                    .adaptive = op->adaptive_scale != NONE,
                    .dynamic = dynamic,
                    .divide = op->divide != NONE && call->args[op->divide].flag};
    for (int i = 0; i < STREAMS; i++) {
        by.scale[i] = stub_line_weight(&set, op->scale[i]);
        by.offset[i] = stub_line_weight(&set, op->offset[i]);
    }
    stub_line_input(&set, op->x, axes, ACL_FLOAT);
    if (by.adaptive) {
        stub_adaptive_input(&set, op->adaptive_scale, x, &adaptive[0]);
        stub_adaptive_input(&set, op->adaptive_shift, x, &adaptive[1]);
    } else {
        stub_line_input(&set, op->x2, axes, ACL_FLOAT);
        stub_line_input(&set, bias_is_row ? NONE : op->bias, axes, ACL_FLOAT);
    }
    for (int i = 0; i < STREAMS; i++) {
        stub_quantised_output(&set, has_stream(call, op, i) ? op->y[i] : NONE, dims, &by.y[i]);
    }
    const bool wants_sum = op->wants_sum != NONE && call->args[op->wants_sum].flag;
    stub_line_output(&set, wants_sum ? op->sum : NONE, axes, ACL_FLOAT);
    for (int i = 0; i < STREAMS; i++) {
        stub_line_output(&set, dynamic && has_stream(call, op, i) ? op->scale_out[i] : NONE, 0, ACL_FLOAT);
    }
    int64_t length = 1;
    for (uint32_t i = x->rank - dims; i < x->rank; i++) {
        length *= x->shape[i];
    }
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)length * sizeof(float);
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnAddLayerNormQuant, layer_norm_quant,
                   {.x = 0,
                    .x2 = 1,
                    .gamma = 2,
                    .beta = 3,
                    .bias = 4,
                    .adaptive_scale = NONE,
                    .adaptive_shift = NONE,
                    .scale = {5, 6},
                    .offset = {7, 8},
                    .mode = 9,
                    .epsilon = 10,
                    .wants_sum = 11,
                    .divide = 12,
                    .y = {13, 14},
                    .sum = 15,
                    .scale_out = {16, 17},
                    .reserved = NONE})
STUB_FAMILY_KERNEL(aclnnAdaLayerNormQuant, layer_norm_quant,
                   {.x = 0,
                    .x2 = NONE,
                    .bias = NONE,
                    .adaptive_scale = 1,
                    .adaptive_shift = 2,
                    .gamma = 3,
                    .beta = 4,
                    .scale = {5, NONE},
                    .offset = {NONE, NONE},
                    .epsilon = 6,
                    .mode = 7,
                    .wants_sum = NONE,
                    .divide = NONE,
                    .y = {8, NONE},
                    .sum = NONE,
                    .scale_out = {9, NONE},
                    .reserved = 10})
