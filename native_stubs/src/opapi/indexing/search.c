/* aclnnSearchSorted and aclnnSearchSorteds: where values would go into sorted lines. Integers are compared as integers,
 * everything else as double. */
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/indexing/places.h"

enum { SEQUENCE, VALUES, OUT_INT32, RIGHT, SORTER, OUT };
enum { SHARE = 4096 };

#define SEARCHABLE (STUB_DTYPE(ACL_DOUBLE) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16) | STUB_INTEGERS)

static bool has_scalar(const stub_call *call) {
    return call->op->params[VALUES].kind == STUB_SCALAR;
}

/* One line for all values, or a line for each line of values. */
static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *sequence = stub_tensor_arg(call, SEQUENCE);
    if (has_scalar(call)) {
        STUB_REQUIRE(stub_check_rank(call, SEQUENCE, 1, 1));
        return stub_tensor_numel(stub_tensor_arg(call, OUT)) == 1
                   ? ACLNN_SUCCESS
                   : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out must have one element", call->op->name);
    }
    const aclTensor *values = stub_tensor_arg(call, VALUES);
    bool fits = sequence->rank == 1 || sequence->rank == values->rank;
    for (uint32_t i = 0; fits && i + 1 < sequence->rank; i++) {
        fits = sequence->shape[i] == values->shape[i];
    }
    if (!fits) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: sortedSequence must be one line, or have the axes of self but for the last",
                         call->op->name);
    }
    return stub_check_same_shape(call, OUT, VALUES);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SEQUENCE, OUT, VALUES};
    const aclDataType result = call->args[OUT_INT32].flag ? ACL_INT32 : ACL_INT64;
    const stub_dtype_rule rules[] = {{SEQUENCE, STUB_ON_ALL(SEARCHABLE)},
                                     {OUT, STUB_ON_ALL(STUB_DTYPE(result))},
                                     {SORTER, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))}};
    const stub_dtype_rule values = {VALUES, STUB_ON_ALL(SEARCHABLE)};
    STUB_REQUIRE(stub_check_given(call, tensors, has_scalar(call) ? 2 : 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    if (!has_scalar(call)) {
        STUB_REQUIRE(stub_check_dtypes(call, &values, 1));
        STUB_REQUIRE(stub_check_rank(call, VALUES, 0, STUB_MAX_RANK));
    } else if (call->args[VALUES].scalar == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: self is NULL; this scalar is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_rank(call, SEQUENCE, 1, STUB_MAX_RANK));
    STUB_REQUIRE(check_shapes(call));
    if (stub_tensor_arg(call, SORTER) != NULL) {
        STUB_REQUIRE(stub_check_same_shape(call, SORTER, SEQUENCE));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    void *sequence, *values; /* double or int64_t, dense */
    int64_t *sorter, *found; /* sorter: NULL without one */
    int64_t length, per_line, count;
    bool integers, right, shared; /* one line for all */
} search;

/* Whether the value belongs behind the sequence's element. */
static bool is_behind(const search *job, int64_t element, int64_t value) {
    if (job->integers) {
        const int64_t a = ((const int64_t *)job->sequence)[element], x = ((const int64_t *)job->values)[value];
        return job->right ? a <= x : a < x;
    }
    const double a = ((const double *)job->sequence)[element], x = ((const double *)job->values)[value];
    return job->right ? !(a > x) : !(a >= x); /* a NaN goes to the end */
}

static void search_share(void *state, size_t part) {
    const search *job = state;
    const int64_t first = (int64_t)part * SHARE, end = first + SHARE < job->count ? first + SHARE : job->count;
    for (int64_t i = first; i < end; i++) {
        const int64_t line = job->shared ? 0 : i / job->per_line * job->length;
        int64_t low = 0, high = job->length;
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            const int64_t element = line + (job->sorter ? job->sorter[line + middle] : middle);
            if (is_behind(job, element, i)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        job->found[i] = low;
    }
}

static void *read_numbers(const stub_box *box, aclDataType as) {
    const int64_t size = stub_box_size(box);
    void *numbers = malloc((size_t)(size > 0 ? size : 1) * 8);
    if (numbers != NULL) {
        const stub_box dense = stub_box_over(numbers, as, box->shape, box->rank);
        stub_copy(&dense, box);
    }
    return numbers;
}

static aclnnStatus check_sorter(const stub_call *call, const search *job, int64_t size) {
    for (int64_t i = 0; job->sorter != NULL && i < size; i++) {
        if (job->sorter[i] < 0 || job->sorter[i] >= job->length) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: sorter has %lld; allowed are 0 to %lld",
                             call->op->name, (long long)job->sorter[i], (long long)job->length - 1);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_box sequence, values, sorter, out;
    const aclScalar *scalar = has_scalar(call) ? call->args[VALUES].scalar : NULL;
    const bool sorted_by = stub_tensor_arg(call, SORTER) != NULL;
    STUB_REQUIRE(stub_box_open(call, SEQUENCE, &sequence));
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    _Alignas(16) uint8_t room[16];
    if (scalar != NULL) {
        memcpy(room, scalar->value.bytes, sizeof room);
        values = (stub_box){.first = room, .dtype = scalar->dtype};
    } else {
        STUB_REQUIRE(stub_box_open(call, VALUES, &values));
    }
    if (sorted_by) {
        STUB_REQUIRE(stub_box_open(call, SORTER, &sorter));
    }
    const bool integers = stub_class_of(sequence.dtype) == STUB_I64 && stub_class_of(values.dtype) == STUB_I64;
    const aclDataType as = integers ? ACL_INT64 : ACL_DOUBLE;
    search job = {.sequence = read_numbers(&sequence, as),
                  .values = read_numbers(&values, as),
                  .sorter = sorted_by ? read_numbers(&sorter, ACL_INT64) : NULL,
                  .found = malloc((size_t)stub_box_size(&out) * 8),
                  .length = sequence.shape[sequence.rank - 1],
                  .per_line = values.rank == 0 ? 1 : values.shape[values.rank - 1],
                  .count = stub_box_size(&values),
                  .integers = integers,
                  .right = call->args[RIGHT].flag,
                  .shared = sequence.rank == 1};
    const bool ready = job.sequence && job.values && job.found && (!sorted_by || job.sorter);
    aclnnStatus status = ready ? check_sorter(call, &job, stub_box_size(&sequence))
                               : stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory", call->op->name);
    if (status == ACLNN_SUCCESS) {
        stub_parallel((size_t)((job.count + SHARE - 1) / SHARE), search_share, &job);
        const stub_box found = stub_box_over(job.found, ACL_INT64, out.shape, out.rank);
        stub_copy(&out, &found);
    }
    free(job.sequence), free(job.values), free(job.sorter), free(job.found);
    return status;
}

STUB_KERNEL(aclnnSearchSorted, check, run)
STUB_KERNEL(aclnnSearchSorteds, check, run)
