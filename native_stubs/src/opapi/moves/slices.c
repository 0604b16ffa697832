/* Parts of axes: aclnnSlice, aclnnSliceV2, aclnnStridedSlice. */
#include "opapi/moves/arrange.h"

#define SLICED                                                                                                         \
    (STUB_FLOATS | STUB_BOOLS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64) |                 \
     STUB_DTYPE(ACL_UINT8))

/* An index counted from the end, and kept inside 0 .. size. */
static int64_t place(int64_t index, int64_t size) {
    const int64_t from_start = index < 0 ? index + size : index;
    return from_start < 0 ? 0 : from_start > size ? size : from_start;
}

static aclnnStatus slice_axis(const stub_call *call, stub_box *box, uint32_t axis, int64_t start, int64_t end,
                              int64_t step) {
    if (step <= 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a step is %lld; steps must be positive", call->op->name,
                         (long long)step);
    }
    const int64_t size = box->shape[axis], first = place(start, size), last = place(end, size);
    const int64_t length = last > first ? last - first : 0;
    stub_box_take(box, axis, first, length / step + (length % step != 0), step);
    return ACLNN_SUCCESS;
}

static aclnnStatus slice(const stub_call *call, stub_box *box, uint32_t *joined) {
    enum { SELF, DIM, START, END, STEP };
    (void)joined;
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, box->rank));
    return slice_axis(call, box, (uint32_t)stub_axis(call->args[DIM].integer, box->rank), call->args[START].integer,
                      call->args[END].integer, call->args[STEP].integer);
}

static aclnnStatus slice_axes(const stub_call *call, stub_box *box, uint32_t *joined) {
    enum { SELF, STARTS, ENDS, AXES, STEPS };
    (void)joined;
    const int64_t *axes, *starts, *ends, *steps;
    uint32_t count, other, used = 0, axis;
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_read_ints(call, AXES, 0, box->rank, &axes, &count));
    STUB_REQUIRE(stub_read_ints(call, STARTS, count, count, &starts, &other));
    STUB_REQUIRE(stub_read_ints(call, ENDS, count, count, &ends, &other));
    STUB_REQUIRE(stub_read_ints(call, STEPS, count, count, &steps, &other));
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(stub_read_axis(call, AXES, axes[i], box->rank, &used, &axis));
        STUB_REQUIRE(slice_axis(call, box, axis, starts[i], ends[i], steps[i]));
    }
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnSlice, stub_arranged, {SLICED, slice})
STUB_FAMILY_KERNEL(aclnnSliceV2, stub_arranged, {SLICED, slice_axes})
