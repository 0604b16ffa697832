/* Axes in another order or direction: aclnnPermute, aclnnFlip, aclnnFlatten, aclnnExpand, aclnnChannelShuffle. */
#include "opapi/moves/arrange.h"

static aclnnStatus permute(const stub_call *call, stub_box *box, uint32_t *joined) {
    (void)joined;
    const int64_t *dims;
    uint32_t count, used = 0, order[STUB_MAX_RANK];
    STUB_REQUIRE(stub_read_ints(call, 1, box->rank, box->rank, &dims, &count));
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_read_axis(call, 1, dims[i], box->rank, &used, &order[i]));
    }
    stub_box_permute(box, order);
    return ACLNN_SUCCESS;
}

static aclnnStatus flip(const stub_call *call, stub_box *box, uint32_t *joined) {
    (void)joined;
    const int64_t *dims;
    uint32_t count, used = 0, axis;
    STUB_REQUIRE(stub_read_ints(call, 1, 0, STUB_MAX_RANK, &dims, &count));
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_read_axis(call, 1, dims[i], box->rank, &used, &axis));
        if (box->rank > 0) {
            stub_box_take(box, axis, box->shape[axis] - 1, box->shape[axis], -1);
        }
    }
    return ACLNN_SUCCESS;
}

/* [product of the axes before `axis`, product of the others]. */
static aclnnStatus flatten(const stub_call *call, stub_box *box, uint32_t *joined) {
    STUB_REQUIRE(stub_check_axis(call, 1, box->rank));
    const uint32_t axis = (uint32_t)stub_axis(call->args[1].integer, box->rank);
    if (axis == 0) {
        stub_box_insert(box, 0, 1, 0);
    }
    if (box->rank == 1) { /* a scalar */
        stub_box_insert(box, 1, 1, 0);
    }
    const uint32_t second = axis == 0 ? 1 : axis;
    *joined = stub_axes_from(1, box->rank) & ~(1u << second);
    return ACLNN_SUCCESS;
}

/* -1 keeps an axis; an axis of size 1 repeats. */
static aclnnStatus expand(const stub_call *call, stub_box *box, uint32_t *joined) {
    (void)joined;
    const int64_t *size;
    uint32_t count;
    STUB_REQUIRE(stub_read_ints(call, 1, box->rank, STUB_MAX_RANK, &size, &count));
    int64_t shape[STUB_MAX_RANK];
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t missing = count - box->rank;
        const int64_t own = i < missing ? 1 : box->shape[i - missing];
        shape[i] = size[i] == -1 && i >= missing ? own : size[i];
        if (shape[i] < 0 || (own != 1 && own != shape[i])) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: size[%u] is %lld; self has %lld there, only 1 can be expanded", call->op->name, i,
                             (long long)size[i], (long long)own);
        }
    }
    stub_box_expand(box, shape, count);
    return ACLNN_SUCCESS;
}

/* Channel g * n + k, of groups of n, goes to k * groups + g. */
static aclnnStatus shuffle_channels(const stub_call *call, stub_box *box, uint32_t *joined) {
    const int64_t groups = call->args[1].integer;
    STUB_REQUIRE(stub_check_rank(call, 0, 3, 7));
    if (groups <= 0 || box->shape[1] % groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groups is %lld; it must be positive and divide %lld channels",
                         call->op->name, (long long)groups, (long long)box->shape[1]);
    }
    uint32_t order[STUB_BOX_RANK];
    stub_box_split(box, 1, groups);
    for (uint32_t i = 0; i < box->rank; i++) {
        order[i] = i == 1 ? 2 : i == 2 ? 1 : i;
    }
    stub_box_permute(box, order);
    *joined = 1u << 2;
    return ACLNN_SUCCESS;
}

#define SMALL                                                                                                          \
    (STUB_HALVES | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) |      \
     STUB_DTYPE(ACL_INT64) | STUB_BOOLS)

STUB_FAMILY_KERNEL(aclnnPermute, stub_arranged, {STUB_MOVABLE, permute})
STUB_FAMILY_KERNEL(aclnnFlip, stub_arranged, {STUB_NUMBERS | STUB_COMPLEXES, flip})
STUB_FAMILY_KERNEL(aclnnFlatten, stub_arranged, {STUB_FLOATS | STUB_INTEGERS | STUB_UNSIGNED | STUB_BOOLS, flatten})
STUB_FAMILY_KERNEL(aclnnExpand, stub_arranged, {SMALL, expand})
STUB_FAMILY_KERNEL(aclnnChannelShuffle, stub_arranged, {STUB_NUMBERS | STUB_COMPLEXES, shuffle_channels})
