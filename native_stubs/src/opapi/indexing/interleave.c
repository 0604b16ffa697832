/* Repetitions counted by a tensor: aclnnRepeatInterleave, aclnnRepeatInterleaveWithDim, aclnnRepeatInterleaveTensor. */
#include <stdlib.h>

#include "opapi/indexing/places.h"

enum { SELF, REPEATS };

#define INTERLEAVED (STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)
#define COUNTS (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))

typedef struct {
    bool along, counts_only; /* along `dim`; the input is `repeats` alone, the output its indices */
} stub_interleaves;

typedef struct {
    uint32_t repeats, dim, size, out;
} arguments;

static arguments find_arguments(const stub_interleaves *data) {
    return data->counts_only ? (arguments){0, 0, 1, 2}
           : data->along     ? (arguments){1, 2, 3, 4}
                             : (arguments){1, 0, 2, 3};
}

static aclnnStatus check_counts(const stub_call *call, const arguments *at, int64_t size) {
    const stub_dtype_rule rule = {at->repeats, STUB_ON_ALL(COUNTS)};
    STUB_REQUIRE(stub_check_given(call, &at->repeats, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, at->repeats, 0, 1));
    const int64_t count = stub_tensor_numel(stub_tensor_arg(call, at->repeats));
    return count == 1 || count == size
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: repeats has %lld elements; allowed are 1 and %lld",
                           call->op->name, (long long)count, (long long)size);
}

static aclnnStatus stub_interleaves_check(const stub_call *call, stub_plan *plan, const stub_interleaves *data) {
    const arguments at = find_arguments(data);
    const int64_t output = call->args[at.size].integer;
    int64_t shape[STUB_MAX_RANK] = {output};
    uint32_t rank = 1;
    if (data->counts_only) {
        const uint32_t out = at.out;
        const stub_dtype_rule rule = {at.out, STUB_ON_ALL(COUNTS)};
        STUB_REQUIRE(stub_check_given(call, &out, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, at.out, at.repeats));
        STUB_REQUIRE(check_counts(
            call, &at, call->args[at.repeats].tensor ? stub_tensor_numel(stub_tensor_arg(call, at.repeats)) : 1));
    } else {
        STUB_REQUIRE(stub_check_move(call, SELF, at.out, INTERLEAVED));
        const aclTensor *self = stub_tensor_arg(call, SELF);
        int64_t size = stub_tensor_numel(self);
        if (data->along) {
            STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
            STUB_REQUIRE(stub_check_axis(call, at.dim, self->rank));
            const uint32_t axis = (uint32_t)stub_axis(call->args[at.dim].integer, self->rank);
            rank = self->rank;
            for (uint32_t i = 0; i < self->rank; i++) {
                shape[i] = i == axis ? output : self->shape[i];
            }
            size = self->shape[axis];
        }
        STUB_REQUIRE(check_counts(call, &at, size));
    }
    STUB_REQUIRE(stub_check_shape(call, at.out, shape, rank, "outputSize, and the other axes of self"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, at.out)) == 0;
    return ACLNN_SUCCESS;
}

/* The index that each element of the output has. `count` indices; the numbers must sum up to `output`. */
static aclnnStatus find_sources(const stub_call *call, const arguments *at, int64_t count, int64_t output,
                                int64_t *sources) {
    stub_box repeats;
    STUB_REQUIRE(stub_box_open(call, at->repeats, &repeats));
    int64_t *times = malloc((size_t)(count > 0 ? count : 1) * sizeof *times), done = 0;
    if (times == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for repeats", call->op->name);
    }
    const stub_box dense = stub_box_over(times, ACL_INT64, &count, 1);
    stub_box_expand(&repeats, &count, 1);
    stub_copy(&dense, &repeats);
    bool fits = true;
    for (int64_t i = 0; fits && i < count; i++) {
        fits = times[i] >= 0 && times[i] <= output - done;
        for (int64_t k = 0; fits && k < times[i]; k++) {
            sources[done++] = i;
        }
    }
    free(times);
    return fits && done == output ? ACLNN_SUCCESS
                                  : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                                              "%s: repeats must not be negative and must sum up to outputSize, %lld",
                                              call->op->name, (long long)output);
}

/* Sources become places of the flattened box. */
static void place_flat(const stub_box *self, stub_places *places, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = places->bytes[i], place = 0;
        for (uint32_t axis = self->rank; axis-- > 0; rest /= self->shape[axis]) {
            place += rest % self->shape[axis] * self->steps[axis];
        }
        places->bytes[i] = place;
    }
}

static aclnnStatus describe(const stub_call *call, stub_indexing *job, const stub_interleaves *data) {
    const arguments at = find_arguments(data);
    const int64_t output = call->args[at.size].integer;
    const stub_box *self = &job->indexed;
    const uint32_t axis = data->along ? (uint32_t)stub_axis(call->args[at.dim].integer, self->rank) : 0;
    const bool flat = !data->along;
    const int64_t count = flat ? stub_box_size(self) : self->shape[axis];
    STUB_REQUIRE(stub_places_start(call, &job->places, &output, 1));
    STUB_REQUIRE(find_sources(call, &at, count, output, job->places.bytes));
    if (flat) {
        place_flat(self, &job->places, output);
        stub_indexing_axis(job, output, 0, job->values.steps[0], job->places.steps[0]);
        return ACLNN_SUCCESS;
    }
    for (int64_t i = 0; i < output; i++) {
        job->places.bytes[i] *= self->steps[axis];
    }
    for (uint32_t i = 0; i < self->rank; i++) {
        stub_indexing_axis(job, job->values.shape[i], i == axis ? 0 : self->steps[i], job->values.steps[i],
                           i == axis ? job->places.steps[0] : 0);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus write_sources(const stub_call *call, const stub_interleaves *data) {
    const arguments at = find_arguments(data);
    const int64_t output = call->args[at.size].integer;
    stub_places places = {0};
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, at.out, &out));
    STUB_REQUIRE(stub_places_start(call, &places, &output, 1));
    const aclnnStatus status =
        find_sources(call, &at, stub_tensor_numel(stub_tensor_arg(call, at.repeats)), output, places.bytes);
    if (status == ACLNN_SUCCESS) {
        const stub_box sources = stub_box_over(places.bytes, ACL_INT64, &output, 1);
        stub_copy(&out, &sources);
    }
    free(places.bytes);
    return status;
}

static aclnnStatus stub_interleaves_run(const stub_call *call, const stub_interleaves *data) {
    stub_indexing job = {0};
    if (data->counts_only) {
        return write_sources(call, data);
    }
    STUB_REQUIRE(stub_box_open(call, SELF, &job.indexed));
    STUB_REQUIRE(stub_box_open(call, find_arguments(data).out, &job.values));
    const aclnnStatus status = describe(call, &job, data);
    if (status == ACLNN_SUCCESS) {
        stub_gather(&job);
    }
    stub_indexing_end(&job);
    return status;
}

STUB_FAMILY_KERNEL(aclnnRepeatInterleave, stub_interleaves, {false, false})
STUB_FAMILY_KERNEL(aclnnRepeatInterleaveWithDim, stub_interleaves, {true, false})
STUB_FAMILY_KERNEL(aclnnRepeatInterleaveTensor, stub_interleaves, {false, true})
