/* Numbers at equal distances: aclnnArange (without the end), aclnnRange (with it), aclnnLinspace; and aclnnLogSpace,
 * powers whose exponents are that. Floats are computed in double and rounded to the output's type; integers are exact.
 */
#include <math.h>
#include <stdlib.h>

#include "opapi/map.h"
#include "opapi/moves/arrange.h"

enum { START, END, STEP, OUT };

#define BETWEEN (STUB_REALS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))

typedef struct {
    bool closed;
} stub_ranges;

typedef struct {
    double start, end, step;
    int64_t first, stride; /* of integers */
    int64_t count;
    aclDataType as;     /* DOUBLE or INT64 */
    const double *base; /* numbers are powers of it; NULL: they are not */
} range;

static int64_t integer(const aclScalar *scalar) {
    int64_t value;
    stub_load(scalar->dtype, scalar->value.bytes, 0, 1, ACL_INT64, &value);
    return value;
}

/* Of a float output the ends are floats. */
static double number(const aclScalar *scalar, aclDataType dtype) {
    const double value = stub_scalar_number(scalar);
    return dtype == ACL_DOUBLE ? value : (double)(float)value;
}

static range read_range(const stub_call *call, bool closed) {
    const aclScalar *start = call->args[START].scalar, *end = call->args[END].scalar, *step = call->args[STEP].scalar;
    const aclDataType dtype = stub_tensor_arg(call, OUT)->dtype;
    range found = {.as = ACL_DOUBLE};
    if (dtype == ACL_INT32 || dtype == ACL_INT64) {
        found = (range){.as = ACL_INT64, .first = integer(start), .stride = integer(step)};
        const int64_t last = integer(end), way = last - found.first;
        found.start = (double)found.first, found.end = (double)last, found.step = (double)found.stride;
        if (found.stride != 0) {
            found.count = closed ? way / found.stride + 1 : way / found.stride + (way % found.stride != 0);
        }
        return found;
    }
    found.start = number(start, dtype), found.end = number(end, dtype), found.step = number(step, dtype);
    /* The length follows from the scalars as they were given. */
    const double way = (stub_scalar_number(end) - stub_scalar_number(start)) / stub_scalar_number(step);
    found.count = isfinite(way) ? (int64_t)(closed ? floor(way) + 1 : ceil(way)) : 0;
    return found;
}

static aclnnStatus check_scalars(const stub_call *call, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (call->args[i].scalar == NULL) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                             call->op->params[i].name);
        }
        if (stub_class_of(call->args[i].scalar->dtype) == STUB_C128) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is complex", call->op->name, call->op->params[i].name);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_ranges_check(const stub_call *call, stub_plan *plan, const stub_ranges *data) {
    const uint32_t out = OUT;
    const stub_dtype_rule rule = {OUT, STUB_ON_ALL(BETWEEN)};
    STUB_REQUIRE(check_scalars(call, 3));
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const range found = read_range(call, data->closed);
    if (found.step == 0 || !((found.end - found.start) * found.step >= 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: step %g does not lead from start %g to end %g", call->op->name,
                         found.step, found.start, found.end);
    }
    STUB_REQUIRE(stub_check_shape(call, OUT, &found.count, 1, "as many numbers as start, end and step give"));
    plan->nothing_to_run = found.count == 0;
    return ACLNN_SUCCESS;
}

static void write_integers(const stub_box *out, const range *of) {
    int64_t numbers[STUB_STRETCH];
    for (int64_t from = 0; from < of->count; from += STUB_STRETCH) {
        const int64_t n = of->count - from < STUB_STRETCH ? of->count - from : STUB_STRETCH;
        for (int64_t i = 0; i < n; i++) {
            numbers[i] = (int64_t)((uint64_t)of->first + (uint64_t)(from + i) * (uint64_t)of->stride);
        }
        stub_store(ACL_INT64, numbers, (size_t)n, out->dtype, out->first + from * out->steps[0], out->steps[0]);
    }
}

/* From both ends inwards when `last` is not negative: the end is met exactly. */
static double value_at(const range *of, int64_t i, int64_t last) {
    return last >= 0 && i > last / 2 ? of->end - of->step * (double)(last - i) : of->start + of->step * (double)i;
}

static void write_floats(const stub_box *out, const range *of, aclDataType as, int64_t last) {
    double numbers[STUB_STRETCH];
    float rounded[STUB_STRETCH];
    for (int64_t from = 0; from < of->count; from += STUB_STRETCH) {
        const int64_t n = of->count - from < STUB_STRETCH ? of->count - from : STUB_STRETCH;
        for (int64_t i = 0; i < n; i++) {
            const double value = value_at(of, from + i, last);
            numbers[i] = of->base ? pow(*of->base, value) : value;
            rounded[i] = (float)numbers[i];
        }
        void *chosen = as == ACL_DOUBLE ? (void *)numbers : (void *)rounded;
        stub_store(as, chosen, (size_t)n, out->dtype, out->first + from * out->steps[0], out->steps[0]);
    }
}

static aclnnStatus stub_ranges_run(const stub_call *call, const stub_ranges *data) {
    stub_box out;
    const range found = read_range(call, data->closed);
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    if (found.as == ACL_INT64) {
        write_integers(&out, &found);
    } else {
        write_floats(&out, &found, out.dtype == ACL_DOUBLE ? ACL_DOUBLE : ACL_FLOAT, -1);
    }
    return ACLNN_SUCCESS;
}

enum { STEPS = 2, BASE };

/* out: the number of the output argument. */
typedef struct {
    uint32_t out;
    stub_dtypes allowed;
    bool powers;
} spaces;

static aclnnStatus spaces_check(const stub_call *call, stub_plan *plan, const spaces *op) {
    const uint32_t out = op->out;
    const stub_dtype_rule rule = {out, STUB_ON_ALL(op->allowed)};
    const int64_t steps = call->args[STEPS].integer;
    STUB_REQUIRE(check_scalars(call, 2));
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, out, 0, STUB_MAX_RANK));
    const int64_t size = stub_tensor_numel(stub_tensor_arg(call, out));
    if (steps < 0 || size != steps) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: steps is %lld and the output has %lld elements; they must be equal", call->op->name,
                         (long long)steps, (long long)size);
    }
    plan->nothing_to_run = steps == 0;
    return ACLNN_SUCCESS;
}

/* The ends are what the output holds, of INT64 what FLOAT does. Integers are cut off from floats, as a cast of the
 * kernel's FLOAT result does. */
static double end_of(const aclScalar *scalar, aclDataType dtype) {
    const bool whole = stub_class_of(dtype) == STUB_I64 && dtype != ACL_INT64;
    return whole ? trunc(number(scalar, ACL_DOUBLE)) : number(scalar, dtype);
}

static aclnnStatus spaces_run(const stub_call *call, const spaces *op) {
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, op->out, &out));
    const aclDataType as = out.dtype == ACL_DOUBLE ? ACL_DOUBLE : ACL_FLOAT;
    const int64_t steps = call->args[STEPS].integer;
    range of = {.start = end_of(call->args[START].scalar, out.dtype), .end = end_of(call->args[END].scalar, out.dtype)};
    of.step = steps > 1 ? (of.end - of.start) / (double)(steps - 1) : 0;
    of.count = steps;
    of.base = op->powers ? &call->args[BASE].real : NULL;
    void *line = malloc((size_t)(steps * stub_box_width(&out)));
    if (line == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for %lld numbers", call->op->name,
                         (long long)steps);
    }
    const stub_box flat = stub_box_over(line, out.dtype, &steps, 1);
    const stub_box shaped = stub_box_over(line, out.dtype, out.shape, out.rank);
    write_floats(&flat, &of, as, steps - 1);
    stub_copy(&out, &shaped);
    free(line);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnArange, stub_ranges, {false})
STUB_FAMILY_KERNEL(aclnnRange, stub_ranges, {true})
STUB_FAMILY_KERNEL(aclnnLinspace, spaces, {.out = 3, .allowed = STUB_REALS | STUB_INTEGERS})
STUB_FAMILY_KERNEL(aclnnLogSpace, spaces, {.out = 4, .allowed = STUB_FLOATS, .powers = true})
