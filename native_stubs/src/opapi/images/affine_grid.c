/* aclnnAffineGrid: for every position of an image of `size`, theta times its normalised coordinates (x, y[, z], 1). */
#include "opapi/images/planes.h"
#include "opapi/lines.h"

enum { THETA, SIZE, ALIGN_CORNERS, OUT, LARGEST = 100000 };

static aclnnStatus check_size(const stub_call *call, const int64_t *size, uint64_t count) {
    if (!size || (count != 4 && count != 5)) {
        return stub_fail(size ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: size has %llu numbers; it must have 4 (N, C, H, W) or 5 (N, C, D, H, W)", call->op->name,
                         (unsigned long long)count);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (i != 1 && (size[i] < 1 || size[i] > LARGEST)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: size has the number %lld; allowed are 1 to %d",
                             call->op->name, (long long)size[i], LARGEST);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t tensors[] = {THETA, OUT};
    uint64_t count = 0;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const int64_t *size = stub_argument_items(call, SIZE, &count);
    const stub_dtype_rule rule = {THETA, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, THETA));
    STUB_REQUIRE(check_size(call, size, count));
    const int64_t axes = (int64_t)count - 2, theta[] = {size[0], axes, axes + 1};
    STUB_REQUIRE(stub_check_shape(call, THETA, theta, 3, "N of size, a row for each axis, one column more"));
    int64_t out[5] = {size[0]};
    for (uint64_t i = 2; i < count; i++) {
        out[i - 1] = size[i];
    }
    out[count - 1] = axes;
    return stub_check_shape(call, OUT, out, (uint32_t)count, "N and lengths of size, one number for each axis");
}

typedef struct {
    int64_t axes, lengths[STUB_MAX_SPATIAL];
    bool corners;
} job;

/* The middle of an element, or (corners) the outermost middles at -1 and 1. */
static float coordinate(const job *work, int64_t axis, int64_t index) {
    const float n = (float)work->lengths[axis], i = (float)index;
    if (work->lengths[axis] == 1) {
        return 0;
    }
    return work->corners ? 2 * i / (n - 1) - 1 : (2 * i + 1) / n - 1;
}

static aclnnStatus line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    (void)position, (void)scratch;
    const job *work = constants;
    const float *theta = array[0];
    float *out = array[1];
    for (int64_t i = 0; i < length[1]; i++) {
        const float *row = theta + i % work->axes * (work->axes + 1);
        float sum = row[work->axes];
        for (int64_t axis = work->axes, rest = i / work->axes; axis-- > 0; rest /= work->lengths[axis]) {
            sum += row[work->axes - 1 - axis] * coordinate(work, axis, rest % work->lengths[axis]);
        }
        out[i] = sum;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view theta, out;
    STUB_REQUIRE(stub_view_open(call, THETA, &theta));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    job work = {.axes = theta.tensor->shape[1], .corners = call->args[ALIGN_CORNERS].flag};
    for (int64_t axis = 0; axis < work.axes; axis++) {
        work.lengths[axis] = out.tensor->shape[axis + 1];
    }
    const stub_lines lines = {
        .inputs = 1,
        .outputs = 1,
        .operand = {{&theta, stub_axes_from(1, 3), ACL_FLOAT}, {&out, stub_axes_from(1, out.tensor->rank), ACL_FLOAT}},
        .line = line,
        .constants = &work};
    return stub_lines_run(call, &lines);
}

STUB_KERNEL(aclnnAffineGrid, check, run)
