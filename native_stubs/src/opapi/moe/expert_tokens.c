/* aclnnMoeComputeExpertTokens: of experts in ascending order, how many pairs there are up to each expert's last. */
#include <stdlib.h>

#include "opapi/moe/rows.h"

enum { SORTED_EXPERTS, NUM_EXPERTS, OUT };
enum { MOST_EXPERTS = 2048 };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SORTED_EXPERTS, OUT};
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{SORTED_EXPERTS, STUB_ON_ALL(int32)}, {OUT, STUB_ON_ALL(int32)}};
    const int64_t experts = call->args[NUM_EXPERTS].integer;
    (void)plan;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SORTED_EXPERTS, 1, 1));
    if (experts < 1 || experts > MOST_EXPERTS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: numExperts is %lld; allowed are 1 to %d", call->op->name,
                         (long long)experts, (int)MOST_EXPERTS);
    }
    return stub_check_shape(call, OUT, &experts, 1, "numExperts");
}

static aclnnStatus run(const stub_call *call) {
    int64_t *sorted, counts[MOST_EXPERTS];
    const int64_t n = stub_tensor_numel(stub_tensor_arg(call, SORTED_EXPERTS)),
                  experts = call->args[NUM_EXPERTS].integer;
    const aclnnStatus status = stub_read_integers(call, SORTED_EXPERTS, &sorted);
    if (status != ACLNN_SUCCESS) {
        free(sorted);
        return status;
    }
    for (int64_t e = 0, i = 0; e < experts; e++) {
        while (i < n && sorted[i] <= e) {
            i++;
        }
        counts[e] = i;
    }
    free(sorted);
    return stub_write_integers(call, OUT, counts);
}

STUB_KERNEL(aclnnMoeComputeExpertTokens, check, run)
