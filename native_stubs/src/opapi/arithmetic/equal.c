/* aclnnEqual: one BOOL, whether two tensors have the same shape and the same elements. */
#include <stdatomic.h>
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/promote.h"
#include "opapi/walk.h"

enum { SELF, OTHER, OUT };

#define ALLOWED (STUB_NUMBERS | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t tensors[] = {SELF, OTHER, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rules[] = {
        {SELF, STUB_ON_ALL(ALLOWED)}, {OTHER, STUB_ON_ALL(ALLOWED)}, {OUT, STUB_ON_ALL(STUB_BOOLS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    for (uint32_t arg = SELF; arg <= OTHER; arg++) {
        STUB_REQUIRE(stub_check_rank(call, arg, 0, STUB_MAX_RANK));
    }
    const aclDataType self = stub_tensor_arg(call, SELF)->dtype, other = stub_tensor_arg(call, OTHER)->dtype;
    if (stub_promote(self, other) == ACL_DT_UNDEFINED) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s (%s) and %s (%s) have no common type", call->op->name,
                         call->op->params[SELF].name, stub_dtype_name(self), call->op->params[OTHER].name,
                         stub_dtype_name(other));
    }
    return stub_check_shape(call, OUT, (const int64_t[]){1}, 1, "one element");
}

typedef struct {
    aclDataType types[2], as;
    atomic_bool differs;
} job;

static bool same_floats(const float *x, const float *y, size_t n) {
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        same &= x[i] == y[i];
    }
    return same;
}

static bool same_doubles(const double *x, const double *y, size_t n) {
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        same &= x[i] == y[i];
    }
    return same;
}

static void compare(void *state, const stub_piece *piece) {
    job *work = state;
    if (atomic_load_explicit(&work->differs, memory_order_relaxed)) {
        return;
    }
    stub_stretch numbers[2];
    for (int k = 0; k < 2; k++) {
        stub_load(work->types[k], piece->at[k], piece->step[k], piece->n, work->as, numbers[k].bytes);
    }
    const stub_class class_ = stub_class_of(work->as);
    const void *x = numbers[0].bytes, *y = numbers[1].bytes;
    const bool same = class_ == STUB_F32   ? same_floats(x, y, piece->n)
                      : class_ == STUB_F64 ? same_doubles(x, y, piece->n)
                                           : memcmp(x, y, piece->n * stub_class_size(class_)) == 0;
    if (!same) {
        atomic_store_explicit(&work->differs, true, memory_order_relaxed);
    }
}

static bool same_shape(const aclTensor *a, const aclTensor *b) {
    return a->rank == b->rank && (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0);
}

static aclnnStatus run(const stub_call *call) {
    stub_view views[3];
    for (uint32_t k = SELF; k <= OUT; k++) {
        STUB_REQUIRE(stub_view_open(call, k, &views[k]));
    }
    const aclTensor *self = views[SELF].tensor, *other = views[OTHER].tensor, *out = views[OUT].tensor;
    job work = {.types = {self->dtype, other->dtype}, .as = stub_promote(self->dtype, other->dtype)};
    atomic_init(&work.differs, !same_shape(self, other));
    if (same_shape(self, other)) {
        stub_walk walk;
        stub_walk_start(&walk, self->shape, self->rank);
        stub_walk_add(&walk, &views[SELF]);
        stub_walk_add(&walk, &views[OTHER]);
        stub_walk_run(&walk, compare, &work);
    }
    views[OUT].base[out->offset] = !atomic_load(&work.differs);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnEqual, check, run)
