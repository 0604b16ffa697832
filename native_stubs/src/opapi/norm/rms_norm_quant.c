/* Root mean square norms with a quantisation by given scales behind: q = round(y / scale + zero point), or y * scale.
 *
 * fp32 arithmetic but for what A2's kernels round: with FLOAT16 the sum, x * rstd and its product with gamma; with BF16
 * and beta the sum. aclnnRmsNormQuant quantises in fp16 altogether. */
#include <math.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { NONE = STUB_NO_ARGUMENT, STREAMS = 2 };

typedef struct {
    int x1, x2, gamma, beta, scale[STREAMS], offset[STREAMS], epsilon, divide;
    int y[STREAMS], sum, norm;
    bool in_half; /* quantise in fp16, with one scale for all */
} rms_norm_quant;

/* Of the lines: x1, x2 -> y1, y2, sum, norm. */
enum { X1, X2, Y1, Y2, SUM, NORM };

typedef struct {
    stub_quantised y[STREAMS];
    const float *gamma, *beta, *scale[STREAMS], *offset[STREAMS];
    float epsilon;
    aclDataType rounded_sum, rounded_norm; /* FLOAT: not rounded */
    bool divide, in_half;
} constants;

static aclnnStatus check_types(const stub_call *call, const rms_norm_quant *op) {
    const int like_x[] = {op->x2, op->gamma, op->beta, op->sum, op->norm};
    const stub_dtypes scales = op->in_half ? STUB_HALVES : STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16);
    const stub_dtypes offsets = op->in_half ? STUB_DTYPE(ACL_INT8) : STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_BF16);
    STUB_REQUIRE(stub_norm_dtype(call, op->x1, STUB_HALVES));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x1));
    STUB_REQUIRE(stub_norm_dtypes(call, op->scale, STREAMS, scales));
    return stub_norm_dtypes(call, op->offset, STREAMS, offsets);
}

static aclnnStatus check_shapes(const stub_call *call, const rms_norm_quant *op) {
    const int like_x[] = {op->x2, op->sum, op->norm}, like_gamma[] = {op->beta};
    const int parameters[] = {op->scale[0], op->scale[1], op->offset[0], op->offset[1]};
    const int64_t one = 1;
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x1, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_gamma_shape(call, op->gamma, op->x1));
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x, STUB_COUNT(like_x), op->x1));
    STUB_REQUIRE(stub_norm_same_shapes(call, like_gamma, 1, op->gamma));
    if (!op->in_half) {
        return stub_norm_same_shapes(call, parameters, STUB_COUNT(parameters), op->gamma);
    }
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->scale[0], &one, 1, "one for all"));
    return stub_check_shape(call, (uint32_t)op->offset[0], &one, 1, "one for all");
}

static aclnnStatus rms_norm_quant_check(const stub_call *call, stub_plan *plan, const rms_norm_quant *op) {
    const int required[] = {op->x1, op->x2, op->gamma, op->scale[0], op->y[0]};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    if (op->in_half) {
        const int more[] = {op->beta, op->offset[0]};
        STUB_REQUIRE(stub_norm_given(call, more, STUB_COUNT(more)));
    }
    if (stub_tensor_or_none(call, op->scale[1])) {
        STUB_REQUIRE(stub_norm_given(call, &op->y[1], 1));
    }
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    const aclTensor *x = stub_tensor_or_none(call, op->x1);
    const stub_dtypes allowed = STUB_DTYPE(ACL_INT8) | (op->in_half ? STUB_DTYPE(ACL_INT4) : 0);
    STUB_REQUIRE(stub_quantised_check(call, op->y[0], x->shape, x->rank, allowed));
    if (stub_tensor_or_none(call, op->scale[1])) {
        STUB_REQUIRE(stub_quantised_check(call, op->y[1], x->shape, x->rank, allowed));
    }
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantising norms");
}

/* x becomes the normalised values. */
static void normalise(const constants *by, void *const *array, float *x, size_t n) {
    if (array[X2]) {
        stub_floats_add(x, array[X2], n, x);
    }
    if (array[SUM]) {
        memcpy(array[SUM], x, n * sizeof *x);
    }
    stub_floats_round(by->rounded_sum, x, n);
    const float rstd = 1.0f / sqrtf(stub_floats_squares(x, 0, n) / (float)n + by->epsilon);
    stub_floats_normalise(x, 0, rstd, NULL, NULL, n, x);
    stub_floats_round(by->rounded_norm, x, n);
    stub_floats_normalise(x, 0, 1, by->gamma, NULL, n, x);
    stub_floats_round(by->rounded_norm, x, n);
    if (array[NORM]) {
        memcpy(array[NORM], x, n * sizeof *x);
    }
    if (by->beta) {
        stub_floats_add(x, by->beta, n, x);
    }
}

static void quantise(const constants *by, int stream, const float *values, float *scratch, size_t n,
                     int64_t *integers) {
    const float *scale = by->scale[stream];
    for (size_t i = 0; i < n; i++) {
        scratch[i] = by->divide ? values[i] / scale[i] : values[i] * scale[i];
    }
    if (by->offset[stream]) {
        stub_floats_add(scratch, by->offset[stream], n, scratch);
    }
    stub_quantised_put(&by->y[stream], STUB_ROUND, scratch, n, integers);
}

static void quantise_in_half(const constants *by, float *values, size_t n, int64_t *integers) {
    float factor = 1.0f / by->scale[0][0];
    stub_floats_round(ACL_FLOAT16, &factor, 1);
    stub_floats_round(ACL_FLOAT16, values, n);
    stub_floats_normalise(values, 0, factor, NULL, NULL, n, values);
    stub_floats_round(ACL_FLOAT16, values, n);
    stub_floats_normalise(values, -by->offset[0][0], 1, NULL, NULL, n, values);
    stub_floats_round(ACL_FLOAT16, values, n);
    stub_quantised_put(&by->y[0], STUB_ROUND, values, n, integers);
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position;
    const constants *by = data;
    const size_t n = (size_t)length[X1];
    normalise(by, array, array[X1], n);
    if (by->in_half) {
        quantise_in_half(by, array[X1], n, array[Y1]);
        return ACLNN_SUCCESS;
    }
    if (array[Y2]) {
        quantise(by, 1, array[X1], scratch, n, array[Y2]);
    }
    quantise(by, 0, array[X1], scratch, n, array[Y1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus rms_norm_quant_run(const stub_call *call, const rms_norm_quant *op) {
    const uint32_t dims = stub_norm_axes(call, op->gamma, op->x1), axes = stub_last_axes(call, op->x1, dims);
    const bool half = stub_tensor_or_none(call, op->x1)->dtype == ACL_FLOAT16,
               two = stub_tensor_or_none(call, op->scale[1]);
    stub_line_set set = {.call = call};
    constants by = {.gamma = stub_line_weight(&set, op->gamma),
                    .beta = stub_line_weight(&set, op->beta),
                    .epsilon = (float)call->args[op->epsilon].real,
                    .divide = op->divide != NONE && call->args[op->divide].flag,
                    .in_half = op->in_half,
                    .rounded_sum = half                                  ? ACL_FLOAT16
                                   : stub_tensor_or_none(call, op->beta) ? ACL_BF16
                                                                         : ACL_FLOAT,
                    .rounded_norm = half && !op->in_half ? ACL_FLOAT16 : ACL_FLOAT};
    for (int i = 0; i < STREAMS; i++) {
        by.scale[i] = stub_line_weight(&set, op->scale[i]);
        by.offset[i] = stub_line_weight(&set, op->offset[i]);
    }
    stub_line_input(&set, op->x1, axes, ACL_FLOAT);
    stub_line_input(&set, op->x2, axes, ACL_FLOAT);
    stub_quantised_output(&set, op->y[0], dims, &by.y[0]);
    stub_quantised_output(&set, two ? op->y[1] : NONE, dims, &by.y[1]);
    stub_line_output(&set, op->sum, axes, ACL_FLOAT);
    stub_line_output(&set, op->norm, axes, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)stub_tensor_numel(stub_tensor_or_none(call, op->gamma)) * sizeof(float);
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnAddRmsNormQuant, rms_norm_quant,
                   {.x1 = 0,
                    .x2 = 1,
                    .gamma = 2,
                    .beta = NONE,
                    .scale = {3, 4},
                    .offset = {5, 6},
                    .epsilon = 8,
                    .divide = 9,
                    .y = {10, 11},
                    .sum = 12,
                    .norm = NONE})
STUB_FAMILY_KERNEL(aclnnAddRmsNormQuantV2, rms_norm_quant,
                   {.x1 = 0,
                    .x2 = 1,
                    .gamma = 2,
                    .beta = 7,
                    .scale = {3, 4},
                    .offset = {5, 6},
                    .epsilon = 9,
                    .divide = 10,
                    .y = {11, 12},
                    .sum = 13,
                    .norm = 14})
STUB_FAMILY_KERNEL(aclnnRmsNormQuant, rms_norm_quant,
                   {.x1 = 0,
                    .x2 = NONE,
                    .gamma = 1,
                    .beta = 2,
                    .scale = {3, NONE},
                    .offset = {4, NONE},
                    .epsilon = 5,
                    .divide = NONE,
                    .y = {6, NONE},
                    .sum = NONE,
                    .norm = NONE,
                    .in_half = true})
