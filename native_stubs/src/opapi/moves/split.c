/* aclnnSplitTensor and aclnnSplitWithSize: pieces of an axis, each into a tensor of its own. */
#include "opapi/moves/arrange.h"

enum { SELF, SIZES, DIM, OUT };

#define SPLITTABLE (STUB_NUMBERS | STUB_COMPLEXES)

/* Size of piece i of an axis. */
typedef int64_t piece_size(const stub_call *call, uint64_t i, int64_t size);

typedef struct {
    piece_size *piece;
} stub_splits;

static int64_t even_piece(const stub_call *call, uint64_t i, int64_t size) {
    const int64_t section = call->args[SIZES].integer, left = size - (int64_t)i * section;
    return left < section ? left : section;
}

static int64_t given_piece(const stub_call *call, uint64_t i, int64_t size) {
    uint64_t count;
    const int64_t *sizes = stub_argument_items(call, SIZES, &count);
    (void)size;
    return i < count ? sizes[i] : -1;
}

static aclnnStatus check_sizes(const stub_call *call, uint64_t *pieces) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t size = self->shape[stub_axis(call->args[DIM].integer, self->rank)];
    if (call->op->params[SIZES].kind == STUB_INT) {
        const int64_t section = call->args[SIZES].integer;
        if (section < 0 || (section == 0 && size != 0)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: splitSections is %lld for an axis of %lld", call->op->name,
                             (long long)section, (long long)size);
        }
        *pieces = size == 0 ? 1 : (uint64_t)((size + section - 1) / section);
        return ACLNN_SUCCESS;
    }
    const int64_t *sizes;
    uint32_t count;
    int64_t total = 0;
    STUB_REQUIRE(stub_read_ints(call, SIZES, 1, UINT32_MAX, &sizes, &count));
    for (uint32_t i = 0; i < count; i++) {
        total = sizes[i] < 0 || sizes[i] > size ? INT64_MIN / 2 : total + sizes[i];
    }
    *pieces = count;
    return total == size ? ACLNN_SUCCESS
                         : stub_fail(ACLNN_ERR_PARAM_INVALID,
                                     "%s: splitSize must be non-negative numbers that sum up to %lld, the size of dim",
                                     call->op->name, (long long)size);
}

static aclnnStatus check_out(const stub_call *call, uint64_t i, const aclTensor *out, const stub_splits *data) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int axis = stub_axis(call->args[DIM].integer, self->rank);
    bool fits = out != NULL && out->rank == self->rank;
    for (uint32_t k = 0; fits && k < self->rank; k++) {
        fits = out->shape[k] == ((int)k == axis ? data->piece(call, i, self->shape[k]) : self->shape[k]);
    }
    if (out == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: out[%llu] is NULL", call->op->name, (unsigned long long)i);
    }
    if (!fits || out->dtype != self->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out[%llu] must have the shape of the piece and self's data type",
                         call->op->name, (unsigned long long)i);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_splits_check(const stub_call *call, stub_plan *plan, const stub_splits *data) {
    const uint32_t self = SELF;
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(SPLITTABLE)};
    uint64_t count = 0, pieces = 0;
    STUB_REQUIRE(stub_check_given(call, &self, 1));
    if (call->args[OUT].tensors == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: out is NULL; this list is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    STUB_REQUIRE(check_sizes(call, &pieces));
    const aclTensor *const *out = stub_argument_items(call, OUT, &count);
    if (count != pieces) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out has %llu tensors; there are %llu pieces", call->op->name,
                         (unsigned long long)count, (unsigned long long)pieces);
    }
    for (uint64_t i = 0; i < count; i++) {
        STUB_REQUIRE(check_out(call, i, out[i], data));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_splits_run(const stub_call *call, const stub_splits *data) {
    uint64_t count;
    const aclTensor *const *out = stub_argument_items(call, OUT, &count);
    stub_box self;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    const uint32_t axis = (uint32_t)stub_axis(call->args[DIM].integer, self.rank);
    int64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        stub_box from = self, to;
        STUB_REQUIRE(stub_box_open_item(call, OUT, out[i], &to));
        const int64_t size = data->piece(call, i, self.shape[axis]);
        stub_box_take(&from, axis, at, size, 1);
        stub_copy(&to, &from);
        at += size;
    }
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnSplitTensor, stub_splits, {even_piece})
STUB_FAMILY_KERNEL(aclnnSplitWithSize, stub_splits, {given_piece})
