/* aclnnConstantPadNd, aclnnReflectionPad1d/2d/3d, aclnnReplicationPad1d/2d/3d, aclnnCircularPad2d/3d, aclnnRoll. */
#include "opapi/moves/patches.h"

enum { SELF, PADDING };

typedef struct {
    stub_dtypes allowed;
    stub_pad rule;
    uint32_t axes; /* the last axes that are padded; 0: any number */
} stub_pads;

static uint32_t out_of(const stub_call *call) {
    return call->op->count - 1;
}

static aclnnStatus check_shape(const stub_call *call, const stub_patch_axis *axes) {
    int64_t shape[STUB_MAX_RANK];
    const uint32_t rank = stub_tensor_arg(call, SELF)->rank;
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = axes[i].length;
    }
    return stub_check_shape(call, out_of(call), shape, rank, "that of self with its padding");
}

static aclnnStatus stub_pads_check(const stub_call *call, stub_plan *plan, const stub_pads *data) {
    const int64_t *padding;
    uint32_t count;
    stub_patch_axis axes[STUB_MAX_RANK];
    STUB_REQUIRE(
        stub_read_ints(call, PADDING, 2 * data->axes, 2 * (data->axes ? data->axes : STUB_MAX_RANK), &padding, &count));
    STUB_REQUIRE(stub_check_move(call, SELF, out_of(call), data->allowed));
    if (data->axes > 0) {
        STUB_REQUIRE(stub_check_rank(call, SELF, data->axes + 1, data->axes + 2));
    }
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (count % 2 != 0 || count / 2 > self->rank) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %u numbers; allowed are pairs, one per axis of self (%u)",
                         call->op->name, call->op->params[PADDING].name, count, self->rank);
    }
    STUB_REQUIRE(stub_read_padding(call, PADDING, data->rule, self, axes));
    if (data->rule == STUB_PAD_REFLECT && self->shape[self->rank - data->axes - 1] == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self has no channels; empty is the batch, if anything",
                         call->op->name);
    }
    STUB_REQUIRE(check_shape(call, axes));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, out_of(call))) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_pads_run(const stub_call *call, const stub_pads *data) {
    enum { VALUE = 2 };
    stub_box self, out;
    stub_patch_axis axes[STUB_MAX_RANK];
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, out_of(call), &out));
    STUB_REQUIRE(stub_read_padding(call, PADDING, data->rule, stub_tensor_arg(call, SELF), axes));
    if (data->rule == STUB_PAD_CONSTANT) {
        const aclScalar *value = call->args[VALUE].scalar;
        stub_fill(&out, value->dtype, value->value.bytes);
    }
    stub_patch(data->rule, axes, &out, &self);
    return ACLNN_SUCCESS;
}

static aclnnStatus check_constant(const stub_call *call, stub_plan *plan) {
    static const stub_pads constant = {STUB_MOVABLE, STUB_PAD_CONSTANT, 0};
    if (call->args[2].scalar == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: value is NULL; this scalar is required", call->op->name);
    }
    return stub_pads_check(call, plan, &constant);
}

static aclnnStatus run_constant(const stub_call *call) {
    static const stub_pads constant = {STUB_MOVABLE, STUB_PAD_CONSTANT, 0};
    return stub_pads_run(call, &constant);
}

enum { ROLL_SHIFTS = 1, ROLL_DIMS, ROLL_OUT };

/* Shifts per axis; without dims the flattened tensor is shifted, as one axis. */
static aclnnStatus read_shifts(const stub_call *call, const int64_t **shifts, const int64_t **dims, uint32_t *count) {
    uint32_t given;
    STUB_REQUIRE(stub_read_ints(call, ROLL_DIMS, 0, STUB_MAX_RANK, dims, count));
    STUB_REQUIRE(stub_read_ints(call, ROLL_SHIFTS, *count ? *count : 1, *count ? *count : 1, shifts, &given));
    const uint32_t rank = stub_tensor_arg(call, SELF)->rank;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t used = 0, axis; /* an axis may come twice */
        STUB_REQUIRE(stub_read_axis(call, ROLL_DIMS, (*dims)[i], rank, &used, &axis));
    }
    return ACLNN_SUCCESS;
}

#define ROLLED (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS | STUB_DTYPE(ACL_UINT32))

static aclnnStatus check_roll(const stub_call *call, stub_plan *plan) {
    const int64_t *shifts, *dims;
    uint32_t count;
    STUB_REQUIRE(stub_check_move(call, SELF, ROLL_OUT, ROLLED));
    STUB_REQUIRE(stub_check_same_shape(call, ROLL_OUT, SELF));
    STUB_REQUIRE(read_shifts(call, &shifts, &dims, &count));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static int64_t rolled(int64_t before, int64_t shift, int64_t size) {
    return ((before + shift % size) % size + size) % size;
}

/* Row-major positions, shifted: whole leading indices and a rest, axis by axis with a carry. */
static void roll_flat(const stub_box *to, const stub_box *from, int64_t shift) {
    const int64_t size = stub_box_size(to), width = stub_box_width(to), by = rolled(0, shift, size);
    for (int64_t i = 0; i < size; i++) {
        uint8_t *target = to->first;
        const uint8_t *source = from->first;
        int64_t t = i, s = (i + size - by) % size;
        for (uint32_t axis = to->rank; axis-- > 0;) {
            target += t % to->shape[axis] * to->steps[axis], t /= to->shape[axis];
            source += s % to->shape[axis] * from->steps[axis], s /= to->shape[axis];
        }
        stub_move(width, target, width, source, width, 1);
    }
}

static aclnnStatus run_roll(const stub_call *call) {
    const int64_t *shifts, *dims;
    uint32_t count;
    stub_box self, out;
    stub_patch_axis axes[STUB_MAX_RANK];
    STUB_REQUIRE(read_shifts(call, &shifts, &dims, &count));
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, ROLL_OUT, &out));
    if (count == 0) {
        roll_flat(&out, &self, shifts[0]);
        return ACLNN_SUCCESS;
    }
    for (uint32_t i = 0; i < self.rank; i++) {
        axes[i] = (stub_patch_axis){self.shape[i], 0, self.shape[i]};
    }
    for (uint32_t i = 0; i < count && self.rank > 0; i++) {
        stub_patch_axis *axis = &axes[stub_axis(dims[i], self.rank)];
        axis->before = rolled(axis->before, shifts[i], axis->size);
    }
    stub_patch(STUB_PAD_CIRCULAR, axes, &out, &self);
    return ACLNN_SUCCESS;
}

#define REFLECTED (STUB_NUMBERS | STUB_COMPLEXES)
#define REPLICATED (STUB_REALS | STUB_INTEGERS | STUB_COMPLEXES)
#define CIRCULAR (STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT8))

STUB_KERNEL(aclnnConstantPadNd, check_constant, run_constant)
STUB_FAMILY_KERNEL(aclnnReflectionPad1d, stub_pads, {REFLECTED, STUB_PAD_REFLECT, 1})
STUB_FAMILY_KERNEL(aclnnReflectionPad2d, stub_pads, {REFLECTED, STUB_PAD_REFLECT, 2})
STUB_FAMILY_KERNEL(aclnnReflectionPad3d, stub_pads, {REFLECTED, STUB_PAD_REFLECT, 3})
STUB_FAMILY_KERNEL(aclnnReplicationPad1d, stub_pads, {REPLICATED, STUB_PAD_REPLICATE, 1})
STUB_FAMILY_KERNEL(aclnnReplicationPad2d, stub_pads, {REPLICATED, STUB_PAD_REPLICATE, 2})
STUB_FAMILY_KERNEL(aclnnReplicationPad3d, stub_pads, {REPLICATED, STUB_PAD_REPLICATE, 3})
STUB_FAMILY_KERNEL(aclnnCircularPad2d, stub_pads, {CIRCULAR, STUB_PAD_CIRCULAR, 2})
STUB_FAMILY_KERNEL(aclnnCircularPad3d, stub_pads, {CIRCULAR, STUB_PAD_CIRCULAR, 3})
STUB_KERNEL(aclnnRoll, check_roll, run_roll)
