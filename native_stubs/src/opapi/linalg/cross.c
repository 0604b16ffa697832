/* aclnnLinalgCross: one elementwise pass over slices for each of the three components; halves in fp32, rounded once. */
#include "opapi/map.h"

#define CROSS(name, T_, U)                                                                                             \
    STUB_LOOP(name, {                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const ys = in[1], *const us = in[2], *const vs = in[3];                            \
        T *const rs = out[0];                                                                                          \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            rs[i] = (T)((U)xs[i] * (U)ys[i] - (U)us[i] * (U)vs[i]);                                                    \
        }                                                                                                              \
    })
CROSS(cross_f32, float, float)
CROSS(cross_f64, double, double)
CROSS(cross_i64, int64_t, uint64_t)
CROSS(cross_c128, double complex, double complex)

static const stub_map crosses = {.loops = {&cross_f32, &cross_f64, &cross_i64, NULL, &cross_c128},
                                 .allowed = (STUB_NUMBERS & ~STUB_BOOLS) | STUB_COMPLEXES};

enum { SELF, OTHER, DIM, OUT, SPACE = 3 };

/* dim is one of self's axes; which of the others', the end tells. */
static int from_end(const stub_call *call) {
    const int64_t dim = call->args[DIM].integer;
    return (int)(dim < 0 ? -dim : stub_tensor_arg(call, SELF)->rank - dim);
}

static aclnnStatus check_cross(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OTHER, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(crosses.allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, OTHER, SELF));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    const aclTensor *self = stub_tensor_arg(call, SELF), *other = stub_tensor_arg(call, OTHER);
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, OTHER, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    const aclTensor *both[] = {self, other};
    int64_t dims[STUB_MAX_RANK];
    const int rank = stub_broadcast(both, 2, dims);
    const int64_t dim = call->args[DIM].integer;
    if (rank < 0 || dims[rank - from_end(call)] != SPACE) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: self and other must broadcast together, and have 3 elements along dim %lld",
                         call->op->name, (long long)dim);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return stub_check_shape(call, OUT, dims, (uint32_t)rank, "that of self and other, broadcast");
}

/* A view whose axis has one element: that at `index`, or the only one. */
typedef struct {
    stub_view view;
    aclTensor tensor;
    int64_t shape[STUB_MAX_RANK];
} slice;

static const stub_view *take(const stub_view *from, int end, int64_t index, slice *to) {
    const uint32_t rank = from->tensor->rank, axis = rank - (uint32_t)end;
    if (rank < (uint32_t)end) {
        return from;
    }
    to->view = *from;
    to->tensor = *from->tensor;
    for (uint32_t i = 0; i < to->tensor.rank; i++) {
        to->shape[i] = from->tensor->shape[i];
    }
    to->tensor.offset += from->tensor->shape[axis] > 1 ? index * from->tensor->strides[axis] : 0;
    to->shape[axis] = 1;
    to->tensor.shape = to->shape;
    to->view.tensor = &to->tensor;
    return &to->view;
}

static aclnnStatus run_cross(const stub_call *call) {
    stub_view self, other, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, OTHER, &other));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const int axis = from_end(call);
    for (int64_t i = 0; i < SPACE; i++) {
        const int64_t next = (i + 1) % SPACE, last = (i + 2) % SPACE;
        slice parts[5];
        const stub_operand in[] = {{.view = take(&self, axis, next, &parts[0])},
                                   {.view = take(&other, axis, last, &parts[1])},
                                   {.view = take(&self, axis, last, &parts[2])},
                                   {.view = take(&other, axis, next, &parts[3])}};
        const stub_view *outs[] = {take(&out, axis, i, &parts[4])};
        stub_map_apply(&crosses, stub_class_of(self.tensor->dtype) == STUB_F32 ? ACL_FLOAT : self.tensor->dtype, in, 4,
                       outs, 1, NULL);
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnLinalgCross, check_cross, run_cross)
