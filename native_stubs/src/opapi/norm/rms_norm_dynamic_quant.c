/* Root mean square norms with one or two dynamic quantisations behind: v = y * smooth, scale = max |v| / 127,
 * q = round(v / scale). fp32 arithmetic; sums are not rounded before they are normalised. The reciprocal form, as in
 * A2's kernels: v is multiplied with 127 / max, and scale is 1 / (127 / max). */
#include <math.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { NONE = STUB_NO_ARGUMENT, STREAMS = 2 };

typedef struct {
    int x1, x2, gamma, beta, smooth[STREAMS], epsilon, mask;
    int y[STREAMS], sum, scale[STREAMS];
    stub_dtypes allowed; /* of y */
} rms_norm_dynamic_quant;

/* Of the lines: x1, x2 -> y1, y2, sum, scale1, scale2. */
enum { X1, X2, Y1, Y2, SUM, SCALE1, SCALE2 };

typedef struct {
    stub_quantised y[STREAMS];
    const float *gamma, *beta, *smooth[STREAMS];
    float epsilon;
} constants;

/* Without a mask the second output is wanted when both smooth factors are given. */
static bool is_wanted(const stub_call *call, const rms_norm_dynamic_quant *op, int stream) {
    uint64_t count = 0;
    const bool *mask = op->mask == NONE ? NULL : stub_argument_items(call, (uint32_t)op->mask, &count);
    if (mask && count == STREAMS) {
        return mask[stream];
    }
    return stream == 0 || (stub_tensor_or_none(call, op->smooth[0]) && stub_tensor_or_none(call, op->smooth[1]));
}

static aclnnStatus check_mask(const stub_call *call, const rms_norm_dynamic_quant *op) {
    const bool first = stub_tensor_or_none(call, op->smooth[0]), second = stub_tensor_or_none(call, op->smooth[1]);
    const bool wanted[] = {is_wanted(call, op, 0), is_wanted(call, op, 1)};
    if ((!wanted[0] && !wanted[1]) || (first && !wanted[0]) || (second && !wanted[1])) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: outputMask and the smooth scales do not fit: an output with a smooth scale must be wanted, "
            "smoothScale2Optional needs smoothScale1Optional without a mask, and one output is wanted",
            call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const rms_norm_dynamic_quant *op) {
    const int like_x[] = {op->x2, op->gamma, op->beta, op->smooth[0], op->smooth[1], op->sum};
    STUB_REQUIRE(stub_norm_dtype(call, op->x1, STUB_HALVES));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x1));
    return stub_norm_dtypes(call, op->scale, STREAMS, STUB_DTYPE(ACL_FLOAT));
}

static aclnnStatus check_shapes(const stub_call *call, const rms_norm_dynamic_quant *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x1);
    const int like_x[] = {op->x2, op->sum}, rows[] = {op->gamma, op->beta, op->smooth[0], op->smooth[1]};
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x1, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x, STUB_COUNT(like_x), op->x1));
    for (size_t i = 0; i < STUB_COUNT(rows); i++) {
        STUB_REQUIRE(stub_norm_last_dims(call, rows[i], op->x1, 1));
    }
    for (int i = 0; i < STREAMS; i++) {
        if (op->y[i] != NONE && is_wanted(call, op, i)) {
            const int outputs[] = {op->y[i], op->scale[i]};
            STUB_REQUIRE(stub_norm_given(call, outputs, 2));
            STUB_REQUIRE(stub_quantised_check(call, op->y[i], x->shape, x->rank, op->allowed));
            STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->scale[i], x->shape, x->rank - 1,
                                          "that of x without its last axis"));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus rms_norm_dynamic_quant_check(const stub_call *call, stub_plan *plan,
                                                const rms_norm_dynamic_quant *op) {
    const int required[] = {op->x1, op->x2, op->gamma, op->sum};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_mask(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x1)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantising norms");
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position;
    const constants *by = data;
    const size_t n = (size_t)length[X1];
    float *x = array[X1], *values = scratch;
    if (array[X2]) {
        stub_floats_add(x, array[X2], n, x);
    }
    if (array[SUM]) {
        memcpy(array[SUM], x, n * sizeof *x);
    }
    const float rstd = 1.0f / sqrtf(stub_floats_squares(x, 0, n) / (float)n + by->epsilon);
    stub_floats_normalise(x, 0, rstd, by->gamma, by->beta, n, x);
    for (int i = 0; i < STREAMS; i++) {
        if (array[Y1 + i]) {
            stub_floats_normalise(x, 0, 1, by->smooth[i], NULL, n, values);
            const stub_row_scale scale = stub_quantised_row_scale(&by->y[i], values, n);
            stub_floats_normalise(values, 0, scale.factor, NULL, NULL, n, values);
            stub_quantised_put(&by->y[i], STUB_ROUND, values, n, array[Y1 + i]);
            *(float *)array[SCALE1 + i] = scale.scale;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus rms_norm_dynamic_quant_run(const stub_call *call, const rms_norm_dynamic_quant *op) {
    const uint32_t axes = stub_last_axes(call, op->x1, 1);
    stub_line_set set = {.call = call};
    constants by = {.gamma = stub_line_weight(&set, op->gamma),
                    .beta = stub_line_weight(&set, op->beta),
                    .smooth = {stub_line_weight(&set, op->smooth[0]), stub_line_weight(&set, op->smooth[1])},
                    .epsilon = (float)call->args[op->epsilon].real};
    stub_line_input(&set, op->x1, axes, ACL_FLOAT);
    stub_line_input(&set, op->x2, axes, ACL_FLOAT);
    for (int i = 0; i < STREAMS; i++) {
        stub_quantised_output(&set, is_wanted(call, op, i) ? op->y[i] : NONE, 1, &by.y[i]);
    }
    stub_line_output(&set, op->sum, axes, ACL_FLOAT);
    for (int i = 0; i < STREAMS; i++) {
        stub_line_output(&set, is_wanted(call, op, i) ? op->scale[i] : NONE, 0, ACL_FLOAT);
    }
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)stub_last_dim(stub_tensor_or_none(call, op->x1)) * sizeof(float);
    return stub_line_set_run(&set);
}

#define INT8 STUB_DTYPE(ACL_INT8)

STUB_FAMILY_KERNEL(aclnnAddRmsNormDynamicQuant, rms_norm_dynamic_quant,
                   {.x1 = 0,
                    .x2 = 1,
                    .gamma = 2,
                    .beta = NONE,
                    .smooth = {3, 4},
                    .epsilon = 5,
                    .mask = NONE,
                    .y = {6, 7},
                    .sum = 8,
                    .scale = {9, 10},
                    .allowed = INT8})
STUB_FAMILY_KERNEL(aclnnAddRmsNormDynamicQuantV2, rms_norm_dynamic_quant,
                   {.x1 = 0,
                    .x2 = 1,
                    .gamma = 2,
                    .beta = 5,
                    .smooth = {3, 4},
                    .epsilon = 6,
                    .mask = 7,
                    .y = {8, 9},
                    .sum = 10,
                    .scale = {11, 12},
                    .allowed = INT8 | STUB_DTYPE(ACL_INT4)})
STUB_FAMILY_KERNEL(aclnnRmsNormDynamicQuant, rms_norm_dynamic_quant,
                   {.x1 = 0,
                    .x2 = NONE,
                    .gamma = 1,
                    .beta = 3,
                    .smooth = {2, NONE},
                    .epsilon = 4,
                    .mask = NONE,
                    .y = {6, NONE},
                    .sum = NONE,
                    .scale = {7, NONE},
                    .allowed = INT8})
