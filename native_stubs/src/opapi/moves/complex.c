/* aclnnComplex: two real tensors as one complex one. aclnnPolar: from magnitude and angle. */
#include <math.h>

#include "opapi/moves/arrange.h"
#include "opapi/walk.h"

enum { FIRST, SECOND, OUT };

static aclDataType part_type(aclDataType complex_) {
    return complex_ == ACL_COMPLEX32 ? ACL_FLOAT16 : complex_ == ACL_COMPLEX64 ? ACL_FLOAT : ACL_DOUBLE;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan, stub_dtypes allowed) {
    const uint32_t tensors[] = {FIRST, SECOND, OUT};
    const stub_dtype_rule rule = {FIRST, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, SECOND, FIRST));
    const aclTensor *both[] = {stub_tensor_arg(call, FIRST), stub_tensor_arg(call, SECOND)};
    const aclTensor *out = stub_tensor_arg(call, OUT);
    const bool complex_ = out->dtype == ACL_COMPLEX32 || out->dtype == ACL_COMPLEX64 || out->dtype == ACL_COMPLEX128;
    if (!complex_ || part_type(out->dtype) != both[0]->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out is %s; it must be the complex type whose parts are %s",
                         call->op->name, stub_dtype_name(out->dtype), stub_dtype_name(both[0]->dtype));
    }
    int64_t shape[STUB_MAX_RANK];
    const int rank = stub_broadcast(both, 2, shape);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of the inputs do not broadcast together",
                         call->op->name);
    }
    STUB_REQUIRE(stub_check_shape(call, OUT, shape, (uint32_t)rank, "that of the inputs, broadcast"));
    plan->nothing_to_run = stub_tensor_numel(out) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus check_complex(const stub_call *call, stub_plan *plan) {
    return check(call, plan, STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE));
}

static aclnnStatus check_polar(const stub_call *call, stub_plan *plan) {
    return check(call, plan, STUB_DTYPE(ACL_FLOAT));
}

/* The real (0) or imaginary (1) parts of a complex box. */
static stub_box parts(stub_box box, int64_t which) {
    box.dtype = part_type(box.dtype);
    box.first += box.first == NULL ? 0 : which * stub_box_width(&box);
    return box;
}

static aclnnStatus run_complex(const stub_call *call) {
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    for (uint32_t which = 0; which < 2; which++) {
        stub_box from;
        const stub_box to = parts(out, which);
        STUB_REQUIRE(stub_box_open(call, which == 0 ? FIRST : SECOND, &from));
        stub_box_expand(&from, out.shape, out.rank);
        stub_copy(&to, &from);
    }
    return ACLNN_SUCCESS;
}

static void polar_piece(void *state, const stub_piece *piece) {
    float magnitude[STUB_STRETCH], angle[STUB_STRETCH];
    (void)state;
    stub_load(ACL_FLOAT, piece->at[1], piece->step[1], piece->n, ACL_FLOAT, magnitude);
    stub_load(ACL_FLOAT, piece->at[2], piece->step[2], piece->n, ACL_FLOAT, angle);
    for (size_t i = 0; i < piece->n; i++) {
        const float real = magnitude[i] * cosf(angle[i]), imaginary = magnitude[i] * sinf(angle[i]);
        magnitude[i] = real;
        angle[i] = imaginary;
    }
    stub_store(ACL_FLOAT, magnitude, piece->n, ACL_FLOAT, piece->at[0], piece->step[0]);
    stub_store(ACL_FLOAT, angle, piece->n, ACL_FLOAT, piece->at[0] + sizeof(float), piece->step[0]);
}

static aclnnStatus run_polar(const stub_call *call) {
    stub_view out, magnitude, angle;
    stub_walk walk;
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    STUB_REQUIRE(stub_view_open(call, FIRST, &magnitude));
    STUB_REQUIRE(stub_view_open(call, SECOND, &angle));
    stub_walk_start(&walk, out.tensor->shape, out.tensor->rank);
    stub_walk_add(&walk, &out);
    stub_walk_add(&walk, &magnitude);
    stub_walk_add(&walk, &angle);
    stub_walk_run(&walk, polar_piece, NULL);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnComplex, check_complex, run_complex)
STUB_KERNEL(aclnnPolar, check_polar, run_polar)
