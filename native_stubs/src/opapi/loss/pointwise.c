/* Losses by element: phase one, the map over the elements, the sum behind it. */
#include "opapi/loss/pointwise.h"

#include <stdlib.h>

#include "opapi/promote.h"

enum { NONE, MEAN, SUM, BATCH_MEAN };

/* A call's arguments: inputs, reduction, further numbers, output. */
typedef struct {
    uint32_t inputs, reduction, out;
    int64_t shape[STUB_MAX_RANK]; /* of the inputs together */
    int rank;                     /* -1: they do not fit */
} parts;

static parts parts_of(const stub_call *call) {
    parts part = {.out = call->op->count - 1};
    while (call->op->params[part.inputs].kind == STUB_TENSOR) {
        part.inputs++;
    }
    part.reduction = part.inputs;
    const aclTensor *tensors[STUB_MAX_INPUTS];
    for (uint32_t k = 0; k < part.inputs; k++) {
        tensors[k] = stub_tensor_arg(call, k);
    }
    part.rank = stub_broadcast(tensors, part.inputs, part.shape);
    return part;
}

static aclDataType promoted_type(const stub_call *call, const parts *part) {
    aclDataType type = ACL_DT_UNDEFINED;
    for (uint32_t k = 0; k < part->inputs; k++) {
        const aclTensor *tensor = stub_tensor_arg(call, k);
        if (tensor) {
            type = type == ACL_DT_UNDEFINED ? tensor->dtype : stub_promote(type, tensor->dtype);
        }
    }
    return type;
}

static aclnnStatus check_tensors(const stub_call *call, const stub_loss *loss, const parts *part) {
    const stub_dtypes allowed = loss->exact ? STUB_FLOATS | STUB_DTYPE(ACL_INT64) : STUB_FLOATS;
    for (uint32_t k = 0; k <= part->inputs; k++) {
        const uint32_t arg = k < part->inputs ? k : part->out;
        const stub_dtype_rule rule = {arg, STUB_ON_ALL(allowed)};
        if (arg == part->out || (loss->optional >> k & 1) == 0) {
            STUB_REQUIRE(stub_check_given(call, &arg, 1));
        }
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, arg, 0, STUB_MAX_RANK));
    }
    const aclDataType type = promoted_type(call, part), out = stub_tensor_arg(call, part->out)->dtype;
    if (!stub_can_cast(type, out)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in %s, which is %s",
                         call->op->name, stub_dtype_name(type), call->op->params[part->out].name, stub_dtype_name(out));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_reduction(const stub_call *call, const stub_loss *loss, const parts *part) {
    const int64_t reduction = call->args[part->reduction].integer, last = loss->by_batch ? BATCH_MEAN : SUM;
    if (reduction >= NONE && reduction <= last) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduction is %lld; allowed are 0 (none), 1 (mean), 2 (sum)%s",
                     call->op->name, (long long)reduction, loss->by_batch ? ", 3 (sum over batch size)" : "");
}

static aclnnStatus check_out(const stub_call *call, const stub_loss *loss, const parts *part) {
    if (part->rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of the input tensors do not broadcast together",
                         call->op->name);
    }
    if (loss->is_gradient || call->args[part->reduction].integer == NONE) {
        return stub_check_shape(call, part->out, part->shape, (uint32_t)part->rank, "that of the inputs, broadcast");
    }
    if (loss->keeps_rows) {
        const uint32_t dropped = part->rank > 0 ? 1 : 0;
        return stub_check_shape(call, part->out, part->shape + dropped, (uint32_t)part->rank - dropped,
                                "that of the inputs, broadcast, without its first dimension");
    }
    /* The documents say [] of some losses and [1] of others; the product takes both. */
    const int64_t one[] = {1};
    return stub_check_shape(call, part->out, one, stub_tensor_arg(call, part->out)->rank > 0 ? 1 : 0, "one element");
}

aclnnStatus stub_loss_check(const stub_call *call, stub_plan *plan, const stub_loss *loss) {
    const parts part = parts_of(call);
    STUB_REQUIRE(check_tensors(call, loss, &part));
    STUB_REQUIRE(check_reduction(call, loss, &part));
    STUB_REQUIRE(check_out(call, loss, &part));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, part.out)) == 0;
    return ACLNN_SUCCESS;
}

static int64_t numel(const parts *part) {
    int64_t count = 1;
    for (int i = 0; i < part->rank; i++) {
        count *= part->shape[i];
    }
    return count;
}

/* What the sum of `count` losses is divided by. */
static double divisor(const stub_call *call, const stub_loss *loss, const parts *part, int64_t count) {
    const aclTensor *self = stub_tensor_arg(call, loss->is_gradient ? 1 : 0);
    switch (call->args[part->reduction].integer) {
    case MEAN:
        return (double)count;
    case BATCH_MEAN:
        return self->rank > 0 ? (double)self->shape[0] : 1;
    default:
        return 1;
    }
}

typedef struct {
    const stub_loss *loss;
    aclDataType as;
    stub_view views[STUB_MAX_INPUTS];
    stub_operand in[STUB_MAX_INPUTS];
    double constants[STUB_MAX_CONSTANTS];
} opened;

static aclnnStatus open_inputs(const stub_call *call, const parts *part, opened *to) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        to->in[k] = (stub_operand){0};
        if (stub_tensor_arg(call, k)) {
            STUB_REQUIRE(stub_view_open(call, k, &to->views[k]));
            to->in[k].view = &to->views[k];
        }
    }
    for (uint32_t arg = part->reduction + 1; arg < part->out; arg++) {
        to->constants[arg - part->reduction] = stub_number(call, arg);
    }
    return ACLNN_SUCCESS;
}

static void apply(const parts *part, const opened *with, const stub_view *out) {
    const stub_map map = {.loops = {with->loss->loop, with->loss->exact}};
    stub_map_apply(&map, with->as, with->in, part->inputs, &out, 1, with->constants);
}

/* Sums over the first `rows` of the losses, in double, to `out`. */
static void reduce(const double *losses, int64_t rows, const stub_view *out, double by) {
    const int64_t columns = stub_tensor_numel(out->tensor);
    stub_row row;
    stub_row_start(&row, out, out->tensor->rank, 0);
    for (int64_t column = 0; column < columns; column++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++) {
            sum += losses[i * columns + column];
        }
        sum /= by;
        stub_store(ACL_DOUBLE, &sum, 1, out->tensor->dtype, out->base + row.offset * (out->bits / 8), 0);
        stub_row_next(&row);
    }
}

/* All losses in a buffer of doubles, then their sums. */
static aclnnStatus run_reduced(const stub_call *call, const parts *part, const opened *with, const stub_view *out) {
    const int64_t count = numel(part);
    double *losses = malloc((size_t)(count > 0 ? count : 1) * sizeof *losses);
    if (!losses) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld losses", call->op->name, (long long)count);
    }
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK], stride = 1;
    for (int i = part->rank; i-- > 0; stride *= shape[i]) {
        shape[i] = part->shape[i];
        strides[i] = stride;
    }
    const aclTensor tensor = {.dtype = ACL_DOUBLE, .rank = (uint32_t)part->rank, .shape = shape, .strides = strides};
    const stub_view buffer = {.tensor = &tensor, .base = (uint8_t *)losses, .bits = 64};
    apply(part, with, &buffer);
    const int64_t columns = stub_tensor_numel(out->tensor), rows = count / columns;
    reduce(losses, rows, out, divisor(call, with->loss, part, rows));
    free(losses);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_loss_run(const stub_call *call, const stub_loss *loss) {
    const parts part = parts_of(call);
    opened with = {.loss = loss};
    with.as = promoted_type(call, &part) == ACL_INT64 ? ACL_DOUBLE : ACL_FLOAT;
    STUB_REQUIRE(open_inputs(call, &part, &with));
    stub_view out;
    STUB_REQUIRE(stub_view_open(call, part.out, &out));
    with.constants[0] = loss->is_gradient ? 1 / divisor(call, loss, &part, numel(&part)) : 1;
    if (loss->is_gradient || call->args[part.reduction].integer == NONE) {
        apply(&part, &with, &out);
        return ACLNN_SUCCESS;
    }
    return run_reduced(call, &part, &with, &out);
}
