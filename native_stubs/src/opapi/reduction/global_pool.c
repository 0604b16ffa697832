/* aclnnGlobalMaxPool and aclnnGlobalAveragePool: one number for each channel, from all axes behind the first two. A NaN
 * wins; means are taken in fp64. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/reduction/fold.h"

enum { SELF, OUT };

#define LARGER(a, x) ((((x) > (a)) | ((x) != (x))) ? (x) : (a))

STUB_FOLD(max_f32, float, float, float, -INFINITY, LARGER(a, x), LARGER(a, b), a)
STUB_FOLD(max_f64, double, double, double, -INFINITY, LARGER(a, x), LARGER(a, b), a)
STUB_FOLD(mean_f32, float, double, float, 0, a + x, a + b, a / (double)count)
STUB_FOLD(mean_f64, double, double, double, 0, a + x, a + b, a / (double)count)

typedef struct {
    const stub_fold *of_floats, *of_doubles;
    stub_dtypes allowed;
} global_pool;

static aclnnStatus global_pool_check(const stub_call *call, stub_plan *plan, const global_pool *op) {
    const uint32_t tensors[] = {SELF, OUT};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(op->allowed)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 4, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF), *out = stub_tensor_arg(call, OUT);
    const int64_t dims[STUB_MAX_RANK] = {self->shape[0], self->shape[1], 1, 1, 1, 1, 1, 1};
    if (out->format != self->format) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the formats of self and out must be equal", call->op->name);
    }
    plan->nothing_to_run = stub_tensor_numel(out) == 0;
    return stub_check_shape(call, OUT, dims, self->rank, "that of self, with 1 behind the first two");
}

static aclnnStatus global_pool_run(const stub_call *call, const global_pool *op) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const stub_folding folding = {.fold = self.tensor->dtype == ACL_DOUBLE ? op->of_doubles : op->of_floats,
                                  .in = &self,
                                  .as = self.tensor->dtype,
                                  .axes = stub_axes_from(2, self.tensor->rank),
                                  .keeps = true,
                                  .outputs = 1,
                                  .out = {&out},
                                  .gives = {self.tensor->dtype}};
    return stub_fold_run(&folding)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for partial results", call->op->name);
}

#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_DOUBLE))

STUB_FAMILY_KERNEL(aclnnGlobalMaxPool, global_pool, {&max_f32, &max_f64, TYPES})
STUB_FAMILY_KERNEL(aclnnGlobalAveragePool, global_pool, {&mean_f32, &mean_f64, STUB_REALS})
