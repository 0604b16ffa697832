/* aclnnRenorm: slices along `dim` whose p-norm exceeds maxNorm are scaled down to it. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"

enum { SELF, P, DIM, MAX_NORM };

typedef struct {
    uint32_t out; /* 0: in place */
} renorm;

static aclnnStatus check_scalar(const stub_call *call, uint32_t arg) {
    const char *name = call->op->params[arg].name;
    if (!call->args[arg].scalar) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name, name);
    }
    if (!(stub_number(call, arg) >= 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must not be negative", call->op->name, name,
                         stub_number(call, arg));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus renorm_check(const stub_call *call, stub_plan *plan, const renorm *op) {
    const uint32_t tensors[] = {SELF, op->out};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, op->out, SELF));
    STUB_REQUIRE(check_scalar(call, P));
    STUB_REQUIRE(check_scalar(call, MAX_NORM));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    STUB_REQUIRE(stub_check_same_shape(call, op->out, SELF));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    double p, most;
} limits;

static double norm(const float *x, int64_t n, double p) {
    double sum = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double size = fabs((double)x[i]);
        largest = size > largest || size != size ? size : largest;
        sum += p == 0 ? size != 0 : p == 1 ? size : p == 2 ? size * size : isinf(p) ? 0 : pow(size, p);
    }
    return isinf(p) ? largest : p == 0 || p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static aclnnStatus scale(const void *constants, void *const *array, const int64_t *length, int64_t position,
                         void *scratch) {
    const limits *limit = constants;
    const float *x = array[0];
    float *to = array[1];
    const double size = norm(x, length[0], limit->p);
    const double factor = size > limit->most ? limit->most / (size > 1e-7 ? size : 1e-7) : 1;
    (void)position, (void)scratch;
    for (int64_t i = 0; i < length[0]; i++) {
        to[i] = (float)(x[i] * factor);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus renorm_run(const stub_call *call, const renorm *op) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, op->out, &out));
    const uint32_t rank = self.tensor->rank;
    const uint32_t axes = stub_axes_from(0, rank) & ~(1u << stub_axis(call->args[DIM].integer, rank));
    const limits limit = {stub_number(call, P), stub_number(call, MAX_NORM)};
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&self, axes, ACL_FLOAT}, {&out, axes, ACL_FLOAT}},
                              .line = scale,
                              .constants = &limit};
    return stub_lines_run(call, &lines);
}

STUB_FAMILY_KERNEL(aclnnRenorm, renorm, {.out = 4})
STUB_FAMILY_KERNEL(aclnnInplaceRenorm, renorm, {.out = 0})
