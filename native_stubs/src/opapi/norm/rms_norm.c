/* Root mean square norms: y = x * rstd * gamma with rstd = 1 / sqrt(mean(x^2) + epsilon), and their fusions with an
 * addition before and casts behind.
 *
 * fp32 arithmetic, rounded once at the end. A sum of FLOAT16 is rounded before it is normalised, one of BF16 is not, as
 * CANN's kernels have it. */
#include <math.h>
#include <string.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/line_set.h"
#include "opapi/norm/norm_checks.h"

/* Where the arguments are, and what is different. */
typedef struct {
    int x1, x2, gamma, epsilon, y, y_wide, rstd, sum;
    bool plus_one;    /* gamma + 1 */
    bool float_gamma; /* a FLOAT gamma goes with halves */
    bool may_drop;    /* of halves, rstd may be absent, alone or with the sum */
    stub_dtypes allowed;
} rms_norm;

enum { NONE = STUB_NO_ARGUMENT };

/* Of the lines: x1, x2 -> y, y_wide, rstd, sum. */
enum { X1, X2, Y, Y_WIDE, RSTD, SUM };

typedef struct {
    const float *gamma;
    float epsilon;
    aclDataType rounded; /* what a sum is rounded to */
} constants;

static aclnnStatus check_types(const stub_call *call, const rms_norm *op) {
    STUB_REQUIRE(stub_norm_dtype(call, op->x1, op->allowed));
    const int like_x1[] = {op->x2, op->y, op->sum};
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x1, STUB_COUNT(like_x1), op->x1));
    STUB_REQUIRE(op->float_gamma ? stub_norm_same_or_float(call, op->gamma, op->x1)
                                 : stub_norm_same_dtype(call, op->gamma, op->x1));
    const int floats[] = {op->y_wide, op->rstd};
    return stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_DTYPE(ACL_FLOAT));
}

/* Which outputs there are is a mode to CANN: with rstd, the sum is required. */
static aclnnStatus check_mode(const stub_call *call, const rms_norm *op) {
    const uint32_t sum = (uint32_t)op->sum;
    if (!op->may_drop) {
        return ACLNN_SUCCESS;
    }
    return stub_tensor_or_none(call, op->rstd) ? stub_check_given(call, &sum, 1)
                                               : stub_norm_dtype(call, op->x1, STUB_HALVES);
}

static aclnnStatus rms_norm_check(const stub_call *call, stub_plan *plan, const rms_norm *op) {
    const int required[] = {op->x1, op->x2, op->gamma, op->y, op->y_wide};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_mode(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x1, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_gamma_shape(call, op->gamma, op->x1));
    const int like_x1[] = {op->x2, op->y, op->y_wide, op->sum};
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x1, STUB_COUNT(like_x1), op->x1));
    STUB_REQUIRE(stub_norm_statistic_shape(call, op->rstd, op->x1, stub_norm_axes(call, op->gamma, op->x1)));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, (uint32_t)op->x1)) == 0;
    return ACLNN_SUCCESS;
}

static void add_one(float *gamma, size_t n) {
    for (size_t i = 0; i < n; i++) {
        gamma[i] += 1.0f;
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[X1];
    float *x = array[X1];
    if (array[X2]) {
        stub_floats_add(x, array[X2], n, x);
        stub_floats_round(by->rounded, x, n);
    }
    if (array[SUM]) {
        memcpy(array[SUM], x, n * sizeof *x);
    }
    const float rstd = 1.0f / sqrtf(stub_floats_squares(x, 0, n) / (float)n + by->epsilon);
    stub_floats_normalise(x, 0, rstd, by->gamma, NULL, n, array[Y]);
    if (array[Y_WIDE]) {
        stub_floats_normalise(x, 0, rstd, by->gamma, NULL, n, array[Y_WIDE]);
    }
    if (array[RSTD]) {
        *(float *)array[RSTD] = rstd;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus rms_norm_run(const stub_call *call, const rms_norm *op) {
    const uint32_t dims = stub_norm_axes(call, op->gamma, op->x1), axes = stub_last_axes(call, op->x1, dims);
    stub_line_set set = {.call = call};
    float *gamma = stub_line_weight(&set, op->gamma);
    if (op->plus_one && gamma) {
        add_one(gamma, (size_t)stub_tensor_numel(stub_tensor_arg(call, (uint32_t)op->gamma)));
    }
    stub_line_input(&set, op->x1, axes, ACL_FLOAT);
    stub_line_input(&set, op->x2, axes, ACL_FLOAT);
    stub_line_output(&set, op->y, axes, ACL_FLOAT);
    stub_line_output(&set, op->y_wide, axes, ACL_FLOAT);
    stub_line_output(&set, op->rstd, stub_norm_statistic_axes(call, op->rstd, op->x1, dims), ACL_FLOAT);
    stub_line_output(&set, op->sum, axes, ACL_FLOAT);
    const bool is_half = stub_tensor_arg(call, (uint32_t)op->x1)->dtype == ACL_FLOAT16;
    const constants by = {gamma, (float)call->args[op->epsilon].real, is_half ? ACL_FLOAT16 : ACL_FLOAT};
    set.lines.in_place = op->x2 == NONE && op->y_wide == NONE;
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

/* clang-format off */
STUB_FAMILY_KERNEL(aclnnRmsNorm, rms_norm,
                   {.x1 = 0, .x2 = NONE, .gamma = 1, .epsilon = 2, .y = 3, .y_wide = NONE, .rstd = 4,
                    .sum = NONE, .float_gamma = true, .allowed = STUB_FLOATS})
STUB_FAMILY_KERNEL(aclnnGemmaRmsNorm, rms_norm,
                   {.x1 = 0, .x2 = NONE, .gamma = 1, .epsilon = 2, .y = 3, .y_wide = NONE, .rstd = 4,
                    .sum = NONE, .plus_one = true, .allowed = STUB_FLOATS})
STUB_FAMILY_KERNEL(aclnnAddRmsNorm, rms_norm,
                   {.x1 = 0, .x2 = 1, .gamma = 2, .epsilon = 3, .y = 4, .y_wide = NONE, .rstd = 5,
                    .sum = 6, .may_drop = true, .allowed = STUB_FLOATS})
STUB_FAMILY_KERNEL(aclnnInplaceAddRmsNorm, rms_norm,
                   {.x1 = 0, .x2 = 1, .gamma = 2, .epsilon = 3, .y = 0, .y_wide = NONE, .rstd = 4,
                    .sum = 1, .allowed = STUB_FLOATS})
STUB_FAMILY_KERNEL(aclnnAddRmsNormCast, rms_norm,
                   {.x1 = 0, .x2 = 1, .gamma = 2, .epsilon = 3, .y = 5, .y_wide = 4, .rstd = 6,
                    .sum = 7, .allowed = STUB_HALVES})
