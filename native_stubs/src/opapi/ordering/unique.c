/* aclnnUnique, aclnnUnique2, aclnnUniqueDim and aclnnUniqueConsecutive: elements, or slices along an axis, each once.
 *
 * How many there are is known after the run alone. Outputs have room for the most there can be; the first elements are
 * written, compactly, the others stay as they are, and values and counts are told their true shapes. Results are always
 * in order; all NaNs differ. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/ordering/order.h"
#include "opapi/whole.h"

enum { SELF, FLATTENED = 1000 /* what dim is when there is none */ };

/* Arguments by number; 0 where there is none. */
typedef struct {
    uint32_t returns_inverse, returns_counts, dim, value, inverse, counts;
    bool counts_always, consecutive;
} unique;

#define SELF_TYPES (STUB_NUMBERS | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))

static bool flattens(const stub_call *call, const unique *op) {
    return op->dim == 0 || (op->consecutive && call->args[op->dim].integer == FLATTENED);
}

static bool gives_counts(const stub_call *call, const unique *op) {
    return op->counts_always || (op->returns_counts != 0 && call->args[op->returns_counts].flag);
}

static bool gives_inverse(const stub_call *call, const unique *op) {
    return call->args[op->returns_inverse].flag || (gives_counts(call, op) && !op->counts_always && !op->consecutive);
}

static aclnnStatus check_types(const stub_call *call, const unique *op) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const stub_dtypes places = STUB_DTYPE(ACL_INT64) | (op->consecutive ? STUB_DTYPE(ACL_INT32) : 0);
    const stub_dtype_rule rules[] = {
        {SELF, STUB_ON_ALL(SELF_TYPES)}, {op->inverse, STUB_ON_ALL(places)}, {op->counts, STUB_ON_ALL(places)}};
    if (op->consecutive && (self->dtype == ACL_COMPLEX64 || self->dtype == ACL_COMPLEX128)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for complex elements",
                         call->op->name);
    }
    STUB_REQUIRE(stub_check_dtypes(call, rules, op->counts != 0 ? 3 : 2));
    return stub_check_same_dtype(call, op->value, SELF);
}

static bool has_room(const aclTensor *output, const int64_t *shape, uint32_t rank) {
    for (uint32_t i = 0; output->rank == rank && i < rank; i++) {
        if (output->shape[i] < shape[i]) {
            return false;
        }
    }
    return output->rank == rank;
}

/* What is found is written without gaps: into an output with gaps only where that has its axes. `shape`: the most that
 * there can be. */
static aclnnStatus check_layout(const stub_call *call, uint32_t arg, const int64_t *shape, uint32_t rank) {
    const aclTensor *output = stub_tensor_arg(call, arg);
    if (stub_tensor_is_contiguous(output) || has_room(output, shape, rank)) {
        return ACLNN_SUCCESS;
    }
    char text[160];
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s: %s is %s and has gaps; the stand-in has kernels for outputs without gaps, and for those that "
                     "have room for everything axis by axis",
                     call->op->name, call->op->params[arg].name, stub_describe(output, text, sizeof text));
}

static aclnnStatus unique_check(const stub_call *call, stub_plan *plan, const unique *op) {
    const uint32_t tensors[] = {SELF, op->value, op->inverse, op->counts};
    STUB_REQUIRE(stub_check_given(call, tensors, op->counts != 0 ? 4 : 3));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (!flattens(call, op)) {
        STUB_REQUIRE(stub_check_axis(call, op->dim, self->rank));
        const int axis = stub_axis(call->args[op->dim].integer, self->rank);
        const int64_t size = self->rank > 0 ? self->shape[axis] : 1;
        if (call->args[op->returns_inverse].flag) {
            STUB_REQUIRE(stub_check_shape(call, op->inverse, &size, 1, "the size of the axis"));
        }
    } else if (gives_inverse(call, op)) {
        STUB_REQUIRE(stub_check_same_shape(call, op->inverse, SELF));
    }
    const bool flat = flattens(call, op);
    const int64_t one = 1; /* of one axis: run compares what is found with the elements that the output has */
    STUB_REQUIRE(check_layout(call, op->value, flat ? &one : self->shape, flat ? 1 : self->rank));
    if (gives_counts(call, op)) {
        STUB_REQUIRE(check_layout(call, op->counts, &one, 1));
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    plan->tells_shapes = true;
    return ACLNN_SUCCESS;
}

/* n slices of size `outer` x `inner`; keys of all elements; the slices in order, and what is found. */
typedef struct {
    int64_t n, outer, inner, found;
    stub_class class_;
    void *numbers;
    uint64_t *keys;
    stub_ordered *items; /* two times the slices */
    int64_t *first, *inverse, *counts;
} slices;

static int64_t element(const slices *of, int64_t slice, int64_t column) {
    return (column / of->inner * of->n + slice) * of->inner + column % of->inner;
}

static bool open_memory(slices *of, int64_t count) {
    const size_t n = (size_t)(count > 0 ? count : 1);
    of->numbers = malloc(n * STUB_WIDEST);
    of->keys = malloc(n * sizeof *of->keys);
    of->items = malloc(2 * n * sizeof *of->items);
    of->first = malloc(n * sizeof *of->first);
    of->inverse = malloc(n * sizeof *of->inverse);
    of->counts = calloc(n, sizeof *of->counts);
    return of->numbers && of->keys && of->items && of->first && of->inverse && of->counts;
}

/* UINT64 numbers are held as signed ones of the same bits. */
static void find_keys(slices *of, int64_t count, bool is_unsigned) {
    stub_order_keys(of->class_, of->numbers, (size_t)count, false, of->items);
    for (int64_t i = 0; i < count; i++) {
        of->keys[i] = of->items[i].key ^ (uint64_t)is_unsigned << 63;
    }
}

/* By all columns, the last one first: each sort is stable. */
static void put_in_order(slices *of, bool sorts) {
    for (int64_t i = 0; i < of->n; i++) {
        of->items[i].place = i;
    }
    for (int64_t column = of->outer * of->inner; sorts && column-- > 0;) {
        for (int64_t i = 0; i < of->n; i++) {
            of->items[i].key = of->keys[element(of, of->items[i].place, column)];
        }
        stub_order_sort(of->items, (size_t)of->n, of->items + of->n);
    }
}

static bool are_equal(const slices *of, int64_t a, int64_t b) {
    const bool floats = of->class_ == STUB_F32 || of->class_ == STUB_F64;
    for (int64_t column = 0; column < of->outer * of->inner; column++) {
        const uint64_t key = of->keys[element(of, a, column)];
        if (key != of->keys[element(of, b, column)] || (floats && key == UINT64_MAX)) {
            return false;
        }
    }
    return true;
}

static void find_groups(slices *of) {
    for (int64_t i = 0; i < of->n; i++) {
        const int64_t slice = of->items[i].place;
        if (i == 0 || !are_equal(of, of->items[i - 1].place, slice)) {
            of->first[of->found++] = slice;
        }
        of->inverse[slice] = of->found - 1;
        of->counts[of->found - 1]++;
    }
}

/* The first part of an output, of the shape of what is found: a contiguous one is filled without gaps. */
static aclnnStatus open_found(const stub_call *call, uint32_t arg, int64_t *shape, uint32_t rank, stub_view *view,
                              aclTensor *room) {
    STUB_REQUIRE(stub_view_open(call, arg, view));
    if (!stub_tensor_is_contiguous(view->tensor)) {
        *room = *view->tensor;
        room->shape = shape;
        view->tensor = room;
    }
    return stub_tell_shape(call, arg, shape, rank);
}

/* The found slices side by side, in the memory of the keys' items. */
static void give_values(slices *of, const stub_view *out, aclDataType type) {
    const int64_t columns = of->outer * of->inner, count = of->found * columns;
    for (int64_t i = 0; i < count; i++) {
        const int64_t slice = i / of->inner % of->found, column = i / of->inner / of->found * of->inner + i % of->inner;
        of->items[i].place = element(of, of->first[slice], column);
    }
    void *const numbers = of->keys; /* as wide as any number here */
    stub_order_pick(of->class_, of->numbers, of->items, (size_t)count, numbers);
    stub_whole_store(out, type, numbers, count);
}

static aclnnStatus give(const stub_call *call, const unique *op, slices *of, int axis) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    int64_t shape[STUB_MAX_RANK] = {of->found};
    aclTensor room;
    stub_view out;
    for (uint32_t i = 0; axis >= 0 && i < self->rank; i++) {
        shape[i] = (int)i == axis ? of->found : self->shape[i];
    }
    STUB_REQUIRE(open_found(call, op->value, shape, axis < 0 ? 1 : self->rank, &out, &room));
    give_values(of, &out, self->dtype);
    if (gives_inverse(call, op)) {
        STUB_REQUIRE(stub_view_open(call, op->inverse, &out));
        stub_whole_store(&out, ACL_INT64, of->inverse, of->n);
    }
    if (gives_counts(call, op)) {
        STUB_REQUIRE(open_found(call, op->counts, &of->found, 1, &out, &room));
        stub_whole_store(&out, ACL_INT64, of->counts, of->found);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus find(const stub_call *call, const unique *op, slices *of, int axis) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t count = stub_tensor_numel(self);
    stub_view in;
    STUB_REQUIRE(stub_view_open(call, SELF, &in));
    if (!open_memory(of, count)) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory", call->op->name);
    }
    stub_whole_load(&in, self->dtype, of->numbers);
    find_keys(of, count, self->dtype == ACL_UINT64);
    put_in_order(of, !op->consecutive);
    find_groups(of);
    const int64_t values = of->found * of->outer * of->inner;
    if (values > stub_tensor_numel(stub_tensor_arg(call, op->value)) ||
        (gives_counts(call, op) && of->found > stub_tensor_numel(stub_tensor_arg(call, op->counts)))) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %lld different ones do not fit into the outputs",
                         call->op->name, (long long)of->found);
    }
    return give(call, op, of, axis);
}

static aclnnStatus unique_run(const stub_call *call, const unique *op) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    slices of = {.n = 1, .outer = 1, .inner = 1, .class_ = stub_class_of(self->dtype)};
    const int axis = flattens(call, op) ? -1 : stub_axis(call->args[op->dim].integer, self->rank);
    for (int i = 0; i < (int)self->rank; i++) {
        *(axis < 0 || i == axis ? &of.n : i < axis ? &of.outer : &of.inner) *= self->shape[i];
    }
    const aclnnStatus status = find(call, op, &of, axis);
    free(of.numbers), free(of.keys), free(of.items), free(of.first), free(of.inverse), free(of.counts);
    return status;
}

STUB_FAMILY_KERNEL(aclnnUnique, unique, {.returns_inverse = 2, .value = 3, .inverse = 4})
STUB_FAMILY_KERNEL(aclnnUnique2, unique,
                   {.returns_inverse = 2, .returns_counts = 3, .value = 4, .inverse = 5, .counts = 6})
STUB_FAMILY_KERNEL(aclnnUniqueDim, unique,
                   {.returns_inverse = 2, .dim = 3, .value = 4, .inverse = 5, .counts = 6, .counts_always = true})
STUB_FAMILY_KERNEL(
    aclnnUniqueConsecutive, unique,
    {.returns_inverse = 1, .returns_counts = 2, .dim = 3, .value = 4, .inverse = 5, .counts = 6, .consecutive = true})
