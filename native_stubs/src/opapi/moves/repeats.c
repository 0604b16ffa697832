/* Elements several times: aclnnRepeat, aclnnRepeatInterleaveInt and ...IntWithDim. */
#include "opapi/moves/arrange.h"

/* Each axis becomes [times, size]. */
static aclnnStatus repeat(const stub_call *call, stub_box *box, uint32_t *joined) {
    const int64_t *times;
    uint32_t count;
    STUB_REQUIRE(stub_read_ints(call, 1, box->rank, STUB_MAX_RANK, &times, &count));
    while (box->rank < count) {
        stub_box_insert(box, 0, 1, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (times[i] < 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: repeats[%u] is %lld; it must not be negative",
                             call->op->name, i, (long long)times[i]);
        }
        stub_box_insert(box, 2 * i, times[i], 0);
        *joined |= 1u << (2 * i + 1);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_times(const stub_call *call, int64_t times, int64_t size, int64_t output_size) {
    if (times < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: repeats is %lld; it must not be negative", call->op->name,
                         (long long)times);
    }
    if (times * size != output_size) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: outputSize is %lld; %lld elements %lld times each are %lld",
                         call->op->name, (long long)output_size, (long long)size, (long long)times,
                         (long long)(times * size));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus interleave_flat(const stub_call *call, stub_box *box, uint32_t *joined) {
    enum { SELF, REPEATS, OUTPUT_SIZE };
    STUB_REQUIRE(check_times(call, call->args[REPEATS].integer, stub_box_size(box), call->args[OUTPUT_SIZE].integer));
    stub_box_insert(box, box->rank, call->args[REPEATS].integer, 0);
    *joined = stub_axes_from(1, box->rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus interleave_axis(const stub_call *call, stub_box *box, uint32_t *joined) {
    enum { SELF, REPEATS, DIM, OUTPUT_SIZE };
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, box->rank));
    const uint32_t axis = (uint32_t)stub_axis(call->args[DIM].integer, box->rank);
    STUB_REQUIRE(check_times(call, call->args[REPEATS].integer, box->shape[axis], call->args[OUTPUT_SIZE].integer));
    stub_box_insert(box, axis + 1, call->args[REPEATS].integer, 0);
    *joined = 1u << (axis + 1);
    return ACLNN_SUCCESS;
}

#define REPEATED (STUB_NUMBERS | STUB_COMPLEXES | STUB_UNSIGNED)
#define INTERLEAVED (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)

STUB_FAMILY_KERNEL(aclnnRepeat, stub_arranged, {REPEATED, repeat})
STUB_FAMILY_KERNEL(aclnnRepeatInterleaveInt, stub_arranged, {INTERLEAVED, interleave_flat})
STUB_FAMILY_KERNEL(aclnnRepeatInterleaveIntWithDim, stub_arranged, {INTERLEAVED, interleave_axis})
