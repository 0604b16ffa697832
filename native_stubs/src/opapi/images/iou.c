/* aclnnIou: the part of boxes' areas that they share: of both (iou), or of the second one (iof). */
#include <math.h>
#include <string.h>

#include "opapi/images/floats.h"
#include "opapi/kernel.h"

enum { BOXES, OTHERS, MODE, EPS, ALIGNED, OVERLAP };

static aclnnStatus check_attributes(const stub_call *call) {
    const char *mode = call->args[MODE].text;
    if (!mode || (strcmp(mode, "iou") != 0 && strcmp(mode, "iof") != 0)) {
        return stub_fail(mode ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: mode is %s; allowed are iou and iof", call->op->name, mode ? mode : "NULL");
    }
    if (call->args[EPS].real < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: eps is %g; it must not be negative", call->op->name,
                         call->args[EPS].real);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {BOXES, OTHERS, OVERLAP};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rule = {BOXES, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t i = 1; i < 3; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], BOXES));
    }
    STUB_REQUIRE(check_attributes(call));
    STUB_REQUIRE(stub_check_rank(call, BOXES, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, OTHERS, 2, 2));
    const bool aligned = call->args[ALIGNED].flag;
    const int64_t m = stub_tensor_arg(call, BOXES)->shape[0], n = stub_tensor_arg(call, OTHERS)->shape[0];
    const int64_t boxes[] = {m, 4}, others[] = {aligned ? m : n, 4}, overlap[] = {m, aligned ? 1 : n};
    STUB_REQUIRE(stub_check_shape(call, BOXES, boxes, 2, "boxes, x0 y0 x1 y1"));
    STUB_REQUIRE(stub_check_shape(call, OTHERS, others, 2, "boxes (as many, if aligned), x0 y0 x1 y1"));
    STUB_REQUIRE(stub_check_shape(call, OVERLAP, overlap, 2, "bBoxes, gtBoxes (1, if aligned)"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OVERLAP)) == 0;
    return ACLNN_SUCCESS;
}

static float overlap_of(const float *a, const float *b, float eps, bool of_both) {
    const float width = fmaxf(fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + eps, 0);
    const float height = fmaxf(fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + eps, 0);
    const float first = (a[2] - a[0] + eps) * (a[3] - a[1] + eps), second = (b[2] - b[0] + eps) * (b[3] - b[1] + eps);
    const float shared = width * height;
    return shared / (of_both ? first + second - shared : second);
}

static void compute(const stub_call *call, const float *boxes, const float *others, float *overlap) {
    const bool of_both = strcmp(call->args[MODE].text, "iou") == 0, aligned = call->args[ALIGNED].flag;
    const float eps = (float)call->args[EPS].real;
    const int64_t columns = stub_tensor_arg(call, OVERLAP)->shape[1];
    for (int64_t i = 0; i < stub_tensor_numel(stub_tensor_arg(call, OVERLAP)); i++) {
        overlap[i] = overlap_of(boxes + i / columns * 4, others + (aligned ? i : i % columns) * 4, eps, of_both);
    }
}

static aclnnStatus run(const stub_call *call) {
    stub_view views[3];
    stub_floats boxes = {0}, others = {0}, overlap = {0};
    const uint32_t tensors[] = {BOXES, OTHERS, OVERLAP};
    for (uint32_t i = 0; i < 3; i++) {
        STUB_REQUIRE(stub_view_open(call, tensors[i], &views[i]));
    }
    const bool ready = stub_floats_read(&boxes, &views[0], ACL_FLOAT) &&
                       stub_floats_read(&others, &views[1], ACL_FLOAT) && stub_floats_room(&overlap, &views[2]);
    if (ready) {
        compute(call, boxes.numbers, others.numbers, overlap.numbers);
        stub_floats_write(&overlap, &views[2]);
    }
    stub_floats_free(&boxes);
    stub_floats_free(&others);
    stub_floats_free(&overlap);
    return ready ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

STUB_KERNEL(aclnnIou, check, run)
