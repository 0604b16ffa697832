/* aclnnHistc and aclnnBincount. Counts are exact, and then cast to the output's type. */
#include <math.h>
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"
#include "opapi/promote.h"

enum { SELF };
enum { BINS = 1, MIN, MAX, HISTC_OUT };
enum { WEIGHTS = 1, MINLENGTH, BINCOUNT_OUT };

#define HISTC_TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_INTEGERS)

static aclnnStatus check_bounds(const stub_call *call) {
    for (uint32_t arg = MIN; arg <= MAX; arg++) {
        if (!call->args[arg].scalar) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                             call->op->params[arg].name);
        }
    }
    const double low = stub_number(call, MIN), high = stub_number(call, MAX);
    if (!(low <= high) || (low != high && (isinf(low) || isinf(high)))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: min is %g and max is %g; give min <= max, finite or the same",
                         call->op->name, low, high);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus histc_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, HISTC_OUT};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(HISTC_TYPES)}, {HISTC_OUT, STUB_ON_ALL(HISTC_TYPES)}};
    const int64_t bins = call->args[BINS].integer;
    (void)plan;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(check_bounds(call));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    if (bins <= 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: bins is %lld; it must be positive", call->op->name,
                         (long long)bins);
    }
    const aclDataType self = stub_tensor_arg(call, SELF)->dtype, out = stub_tensor_arg(call, HISTC_OUT)->dtype;
    if (!stub_can_cast(out, self)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out is %s, which cannot be cast to %s, the type of self",
                         call->op->name, stub_dtype_name(out), stub_dtype_name(self));
    }
    return stub_check_shape(call, HISTC_OUT, &bins, 1, "bins");
}

/* The tensor is one line. */
typedef struct {
    double low, high;
    int64_t bins;
} histogram;

/* As the vendor's kernel: in fp32, whatever the type; equal bounds become the elements' own, then one less and more. */
static aclnnStatus count_bins(const void *constants, void *const *array, const int64_t *length, int64_t position,
                              void *scratch) {
    const histogram *of = constants;
    const float *x = array[0];
    int64_t *to = array[1];
    float low = (float)of->low, high = (float)of->high;
    (void)position, (void)scratch;
    memset(to, 0, (size_t)of->bins * sizeof *to);
    if (low == high && length[0] > 0) {
        low = high = x[0];
        for (int64_t i = 0; i < length[0]; i++) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
    }
    if (low == high) {
        low -= 1;
        high += 1;
    }
    for (int64_t i = 0; i < length[0]; i++) {
        if (x[i] >= low && x[i] <= high) {
            const float place = (x[i] - low) * (float)of->bins / (high - low);
            const int64_t bin = place < (float)of->bins ? (int64_t)place : of->bins - 1;
            to[bin]++;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus histc_run(const stub_call *call) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, HISTC_OUT, &out));
    const histogram of = {stub_number(call, MIN), stub_number(call, MAX), call->args[BINS].integer};
    const stub_lines lines = {
        .inputs = 1,
        .outputs = 1,
        .operand = {{&self, stub_axes_from(0, self.tensor->rank), ACL_FLOAT}, {&out, 1, ACL_INT64}},
        .line = count_bins,
        .constants = &of};
    return stub_lines_run(call, &lines);
}

#define WEIGHT_TYPES                                                                                                   \
    (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_DOUBLE) | STUB_INTEGERS | STUB_BOOLS)
#define COUNT_TYPES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE))

/* The longest element decides how long out must be, so that phase one can only ask for minlength. */
static aclnnStatus bincount_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, BINCOUNT_OUT};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_INTEGERS)},
                                     {WEIGHTS, STUB_ON_ALL(WEIGHT_TYPES)},
                                     {BINCOUNT_OUT, STUB_ON_ALL(COUNT_TYPES)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, BINCOUNT_OUT, 1, 1));
    if (stub_tensor_arg(call, WEIGHTS)) {
        STUB_REQUIRE(stub_check_same_shape(call, WEIGHTS, SELF));
    }
    const int64_t room = stub_tensor_arg(call, BINCOUNT_OUT)->shape[0], least = call->args[MINLENGTH].integer;
    if (least < 0 || room < least) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: minlength is %lld and out has %lld elements; minlength must not be negative and out must "
                         "hold as many",
                         call->op->name, (long long)least, (long long)room);
    }
    plan->nothing_to_run = room == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus count(const void *constants, void *const *array, const int64_t *length, int64_t position,
                         void *scratch) {
    const stub_call *call = constants;
    const int64_t *x = array[0];
    const double *weights = array[1];
    double *to = array[2];
    (void)position, (void)scratch;
    memset(to, 0, (size_t)length[2] * sizeof *to);
    for (int64_t i = 0; i < length[0]; i++) {
        if (x[i] < 0 || x[i] >= length[2]) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: self[%lld] is %lld, and out has %lld elements; values must not be negative, and out "
                             "must have one more than the largest",
                             call->op->name, (long long)i, (long long)x[i], (long long)length[2]);
        }
        to[x[i]] += weights ? weights[i] : 1;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus bincount_run(const stub_call *call) {
    stub_view self, weights, out;
    const bool weighted = stub_tensor_arg(call, WEIGHTS) != NULL;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, BINCOUNT_OUT, &out));
    if (weighted) {
        STUB_REQUIRE(stub_view_open(call, WEIGHTS, &weights));
    }
    const stub_lines lines = {
        .inputs = 2,
        .outputs = 1,
        .operand = {{&self, 1, ACL_INT64}, {weighted ? &weights : NULL, 1, ACL_DOUBLE}, {&out, 1, ACL_DOUBLE}},
        .line = count,
        .constants = call};
    return stub_lines_run(call, &lines);
}

STUB_KERNEL(aclnnHistc, histc_check, histc_run)
STUB_KERNEL(aclnnBincount, bincount_check, bincount_run)
