/* What looks at tensors as a whole: aclnnForeachNorm, and mixed precision's aclnnForeachNonFiniteCheckAndUnscale. */
#include <stdatomic.h>
#include <string.h>

#include "opapi/foreach/foreach.h"
#include "opapi/lines.h"
#include "opapi/math.h"

enum { X, SCALAR, NORMS };

static aclnnStatus check_norm(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(foreach_check_lists(call, STUB_FLOATS));
    for (uint64_t index = 0; index < foreach_count(call); index++) {
        foreach_item item;
        foreach_take(call, index, false, &item);
        STUB_REQUIRE(stub_check_same_dtype(&item.call, NORMS, X));
        STUB_REQUIRE(foreach_check_elements(&item.call, NORMS, 1));
    }
    plan->nothing_to_run = foreach_count(call) == 0;
    return ACLNN_SUCCESS;
}

/* (sum |x|^p)^(1/p) in double; the largest |x| for infinite p. */
static aclnnStatus norm_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    const double p = *(const double *)constants;
    const float *x = array[0];
    double sum = 0;
    (void)position, (void)scratch;
    for (int64_t i = 0; i < length[0]; i++) {
        const double magnitude = fabs((double)x[i]);
        if (isinf(p)) {
            sum = sum >= magnitude || sum != sum ? sum : magnitude;
            continue;
        }
        sum += p == 2 ? magnitude * magnitude : p == 1 ? magnitude : pow(magnitude, p);
    }
    *(float *)array[1] = (float)(p == 2 ? sqrt(sum) : p == 1 || isinf(p) ? sum : pow(sum, 1 / p));
    return ACLNN_SUCCESS;
}

static aclnnStatus run_norm(const stub_call *call) {
    const double p = stub_number(call, SCALAR);
    for (uint64_t index = 0; index < foreach_count(call); index++) {
        foreach_item item;
        stub_view x, norm;
        foreach_take(call, index, false, &item);
        STUB_REQUIRE(stub_view_open(&item.call, X, &x));
        STUB_REQUIRE(stub_view_open(&item.call, NORMS, &norm));
        const stub_lines lines = {.inputs = 1,
                                  .outputs = 1,
                                  .operand = {{&x, stub_axes_from(0, x.tensor->rank), ACL_FLOAT},
                                              {&norm, stub_axes_from(0, norm.tensor->rank), ACL_FLOAT}},
                                  .line = norm_line,
                                  .constants = &p};
        STUB_REQUIRE(stub_lines_run(&item.call, &lines));
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnForeachNorm, check_norm, run_norm)

enum { GRADS, FOUND, INVERSE, MOST_GRADS = 256 };

static aclnnStatus check_unscale(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(foreach_check_lists(call, STUB_FLOATS));
    static const stub_dtype_rule types[] = {{FOUND, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
                                            {INVERSE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_dtypes(call, types, 2));
    STUB_REQUIRE(foreach_check_elements(call, FOUND, 1));
    STUB_REQUIRE(foreach_check_elements(call, INVERSE, 1));
    const uint64_t count = foreach_count(call);
    if (count > MOST_GRADS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: scaledGrads has %llu items; at most %d are allowed",
                         call->op->name, (unsigned long long)count, MOST_GRADS);
    }
    plan->nothing_to_run = count == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    aclDataType type;
    float factor;
    atomic_bool found;
} unscaling;

static void unscale(void *state, const stub_piece *piece) {
    unscaling *work = state;
    stub_stretch room;
    float *numbers = (float *)(void *)room.bytes;
    int all_finite = 1;
    stub_load(work->type, piece->at[0], piece->step[0], piece->n, ACL_FLOAT, numbers);
    for (size_t i = 0; i < piece->n; i++) {
        all_finite &= fabsf(numbers[i]) < INFINITY;
        numbers[i] *= work->factor;
    }
    stub_store(ACL_FLOAT, numbers, piece->n, work->type, piece->at[0], piece->step[0]);
    if (!all_finite) {
        atomic_store(&work->found, true);
    }
}

static aclnnStatus unscale_items(const stub_call *call, unscaling *work) {
    for (uint64_t index = 0; index < foreach_count(call); index++) {
        foreach_item item;
        stub_view grads;
        stub_walk walk;
        foreach_take(call, index, false, &item);
        STUB_REQUIRE(stub_view_open(&item.call, GRADS, &grads));
        work->type = grads.tensor->dtype;
        stub_walk_start(&walk, grads.tensor->shape, grads.tensor->rank);
        stub_walk_add(&walk, &grads);
        stub_walk_run(&walk, unscale, work);
    }
    return ACLNN_SUCCESS;
}

static uint8_t *only_element(const stub_view *view) {
    return view->base + view->tensor->offset * (view->bits / 8);
}

static aclnnStatus run_unscale(const stub_call *call) {
    stub_view found, inverse;
    unscaling work = {.found = false};
    const float one = 1;
    STUB_REQUIRE(stub_view_open(call, FOUND, &found));
    STUB_REQUIRE(stub_view_open(call, INVERSE, &inverse));
    memcpy(&work.factor, only_element(&inverse), sizeof work.factor);
    STUB_REQUIRE(unscale_items(call, &work));
    if (atomic_load(&work.found)) {
        memcpy(only_element(&found), &one, sizeof one);
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnForeachNonFiniteCheckAndUnscale, check_unscale, run_unscale)
