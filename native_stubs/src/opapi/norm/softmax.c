/* aclnnSoftmax: exp(x - max) / sum along one axis, in fp32 (DOUBLE: in fp64). */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"
#include "opapi/math.h"

enum { SELF, DIM, OUT };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_REALS)}, {OUT, STUB_ON_ALL(STUB_REALS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

#define SOFTMAX(name, T)                                                                                               \
    STUB_VERSIONS(void, name, (const T *x, T *y, int64_t n), {                                                         \
        T largest = -(T)INFINITY, sum = 0;                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;                                                 \
        }                                                                                                              \
        STUB_EACH for (int64_t i = 0; i < n; i++) {                                                                    \
            y[i] = STUB_EXP((T)(x[i] - largest));                                                                      \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            sum += y[i];                                                                                               \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            y[i] /= sum;                                                                                               \
        }                                                                                                              \
    })
SOFTMAX(softmax_f32, float)
SOFTMAX(softmax_f64, double)

static aclnnStatus line_f32(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)constants, (void)position, (void)scratch;
    STUB_BEST(softmax_f32)(array[0], array[1], length[0]);
    return ACLNN_SUCCESS;
}

static aclnnStatus line_f64(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)constants, (void)position, (void)scratch;
    STUB_BEST(softmax_f64)(array[0], array[1], length[0]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const uint32_t axes = 1u << stub_axis(call->args[DIM].integer, self.tensor->rank);
    const bool wide = self.tensor->dtype == ACL_DOUBLE;
    const aclDataType as = wide ? ACL_DOUBLE : ACL_FLOAT;
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&self, axes, as}, {&out, axes, as}},
                              .line = wide ? line_f64 : line_f32};
    return stub_lines_run(call, &lines);
}

STUB_KERNEL(aclnnSoftmax, check, run)
