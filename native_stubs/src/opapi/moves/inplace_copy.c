/* aclnnInplaceCopy: src, broadcast and converted, into selfRef. */
#include "opapi/moves/arrange.h"
#include "opapi/walk.h"

enum { SELF, SRC };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, SRC};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_MOVABLE)}, {SRC, STUB_ON_ALL(STUB_MOVABLE)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, SRC, 0, STUB_MAX_RANK));
    const aclTensor *both[] = {stub_tensor_arg(call, SELF), stub_tensor_arg(call, SRC)};
    int64_t shape[STUB_MAX_RANK];
    const int rank = stub_broadcast(both, 2, shape);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: src does not broadcast to the shape of selfRef", call->op->name);
    }
    STUB_REQUIRE(stub_check_shape(call, SELF, shape, (uint32_t)rank, "src must broadcast to it"));
    plan->nothing_to_run = stub_tensor_numel(both[0]) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_box self, src;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, SRC, &src));
    stub_box_expand(&src, self.shape, self.rank);
    stub_copy(&self, &src);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnInplaceCopy, check, run)
