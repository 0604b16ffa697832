/* aclnnAmpUpdateScale: the factor that keeps gradients of half precision in range, smaller after an overflow, larger
 * after growthInterval steps without one. */
#include <math.h>

#include "opapi/moves/numbers.h"

enum { SCALE, TRACKER, FOUND_INF, GROWTH, BACKOFF, INTERVAL, NEW_SCALE, NEW_TRACKER };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SCALE, TRACKER, FOUND_INF, NEW_SCALE, NEW_TRACKER};
    const int64_t one = 1, interval = call->args[INTERVAL].integer;
    const stub_dtype_rule rules[] = {{SCALE, STUB_ON_ALL(STUB_FLOATS)},
                                     {TRACKER, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {NEW_TRACKER, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, FOUND_INF, SCALE));
    STUB_REQUIRE(stub_check_same_dtype(call, NEW_SCALE, SCALE));
    for (int i = 0; i < 5; i++) {
        if (stub_check_shape(call, tensors[i], &one, 1, "one number") != ACLNN_SUCCESS) {
            return ACLNN_ERR_INNER_TILING_ERROR;
        }
    }
    plan->nothing_to_run = false;
    return interval >= 1 && interval <= INT32_MAX
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: growthInterval is %lld; allowed are 1 to %d",
                           call->op->name, (long long)interval, INT32_MAX);
}

/* What a scale becomes in the type of the tensor, where it may overflow. */
static float grown_scale(const stub_call *call, float scale) {
    float grown = scale * (float)call->args[GROWTH].real;
    stub_round(stub_tensor_arg(call, NEW_SCALE)->dtype, &grown, 1);
    return isfinite(grown) ? grown : scale;
}

static aclnnStatus run(const stub_call *call) {
    stub_numbers set = {.call = call};
    const float *scale = stub_numbers_read(&set, SCALE, ACL_FLOAT),
                *found = stub_numbers_read(&set, FOUND_INF, ACL_FLOAT);
    const int64_t *tracker = stub_numbers_read(&set, TRACKER, ACL_INT64);
    float *new_scale = stub_numbers_write(&set, NEW_SCALE, ACL_FLOAT);
    int64_t *new_tracker = stub_numbers_write(&set, NEW_TRACKER, ACL_INT64);
    if (set.status == ACLNN_SUCCESS) {
        const bool overflow = *found != 0, grows = !overflow && *tracker + 1 == call->args[INTERVAL].integer;
        *new_scale = overflow ? *scale * (float)call->args[BACKOFF].real : grows ? grown_scale(call, *scale) : *scale;
        *new_tracker = overflow || grows ? 0 : *tracker + 1;
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnAmpUpdateScale, check, run)
