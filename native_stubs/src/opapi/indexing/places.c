/* Index tensors become places, and operators' shapes the axes of a walk over them. */
#include "opapi/indexing/places.h"

#include <string.h>

static aclnnStatus no_memory(const stub_call *call) {
    return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the indices", call->op->name);
}

aclnnStatus stub_places_start(const stub_call *call, stub_places *places, const int64_t *shape, uint32_t rank) {
    int64_t size = 1;
    places->rank = rank;
    for (uint32_t i = rank; i-- > 0;) {
        places->shape[i] = shape[i];
        places->steps[i] = size * (int64_t)sizeof *places->bytes;
        size *= shape[i];
    }
    places->bytes = calloc((size_t)(size > 0 ? size : 1), sizeof *places->bytes);
    return places->bytes ? ACLNN_SUCCESS : no_memory(call);
}

/* The index tensor's numbers, broadcast to the points, in a new array. */
static int64_t *read_indices(const stub_places *places, const stub_box *index, int64_t *count) {
    const stub_box shaped = stub_box_over(NULL, ACL_INT64, places->shape, places->rank);
    stub_box from = *index;
    *count = stub_box_size(&shaped);
    int64_t *numbers = malloc((size_t)(*count > 0 ? *count : 1) * sizeof *numbers);
    if (numbers != NULL) {
        const stub_box to = stub_box_over(numbers, ACL_INT64, places->shape, places->rank);
        stub_box_expand(&from, places->shape, places->rank);
        stub_copy(&to, &from);
    }
    return numbers;
}

/* Makes indices non-negative; 507015 for one outside. */
static aclnnStatus check_range(const stub_call *call, uint32_t arg, int64_t *numbers, int64_t count, int64_t size,
                               bool wraps) {
    for (int64_t i = 0; i < count; i++) {
        if (numbers[i] < (wraps ? -size : 0) || numbers[i] >= size) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %s has the index %lld; allowed are %lld to %lld",
                             call->op->name, call->op->params[arg].name, (long long)numbers[i],
                             (long long)(wraps ? -size : 0), (long long)size - 1);
        }
        numbers[i] += numbers[i] < 0 ? size : 0;
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_places_add(const stub_call *call, stub_places *places, uint32_t arg, const stub_box *index,
                            int64_t size, int64_t step, bool wraps) {
    int64_t count;
    int64_t *numbers = read_indices(places, index, &count);
    if (numbers == NULL) {
        return no_memory(call);
    }
    const aclnnStatus status = check_range(call, arg, numbers, count, size, wraps);
    for (int64_t i = 0; status == ACLNN_SUCCESS && i < count; i++) {
        places->bytes[i] += numbers[i] * step;
    }
    free(numbers);
    return status;
}

aclnnStatus stub_places_add_flat(const stub_call *call, stub_places *places, uint32_t arg, const stub_box *index,
                                 const stub_box *of, bool wraps) {
    int64_t count;
    int64_t *numbers = read_indices(places, index, &count);
    if (numbers == NULL) {
        return no_memory(call);
    }
    const aclnnStatus status = check_range(call, arg, numbers, count, stub_box_size(of), wraps);
    for (int64_t i = 0; status == ACLNN_SUCCESS && i < count; i++) {
        int64_t rest = numbers[i];
        for (uint32_t axis = of->rank; axis-- > 0; rest /= of->shape[axis]) {
            places->bytes[i] += rest % of->shape[axis] * of->steps[axis];
        }
    }
    free(numbers);
    return status;
}

void stub_indexing_axis(stub_indexing *job, int64_t size, int64_t indexed, int64_t values, int64_t place) {
    job->axes[job->rank].size = size;
    job->axes[job->rank].indexed = indexed;
    job->axes[job->rank].values = values;
    job->axes[job->rank++].place = place;
}

aclnnStatus stub_index_axis(const stub_call *call, stub_indexing *job, uint32_t arg, uint32_t axis, uint32_t batch,
                            bool wraps) {
    stub_box index;
    STUB_REQUIRE(stub_box_open(call, arg, &index));
    STUB_REQUIRE(stub_places_start(call, &job->places, index.shape, index.rank));
    const stub_box *indexed = &job->indexed, *values = &job->values;
    const int64_t size = indexed->rank == 0 ? 1 : indexed->shape[axis];
    STUB_REQUIRE(
        stub_places_add(call, &job->places, arg, &index, size, indexed->rank == 0 ? 0 : indexed->steps[axis], wraps));
    uint32_t v = 0; /* the axis of values */
    for (uint32_t i = 0; i < axis; i++, v++) {
        stub_indexing_axis(job, indexed->shape[i], indexed->steps[i], values->steps[v],
                           i < batch ? job->places.steps[i] : 0);
    }
    for (uint32_t i = batch; i < index.rank; i++, v++) {
        stub_indexing_axis(job, index.shape[i], 0, values->steps[v], job->places.steps[i]);
    }
    for (uint32_t i = axis + 1; i < indexed->rank; i++, v++) {
        stub_indexing_axis(job, indexed->shape[i], indexed->steps[i], values->steps[v], 0);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_index_along(const stub_call *call, stub_indexing *job, uint32_t arg, uint32_t axis, bool wraps) {
    stub_box index;
    STUB_REQUIRE(stub_box_open(call, arg, &index));
    STUB_REQUIRE(stub_places_start(call, &job->places, index.shape, index.rank));
    const stub_box *indexed = &job->indexed;
    STUB_REQUIRE(stub_places_add(call, &job->places, arg, &index, indexed->rank == 0 ? 1 : indexed->shape[axis],
                                 indexed->rank == 0 ? 0 : indexed->steps[axis], wraps));
    for (uint32_t i = 0; i < index.rank; i++) {
        stub_indexing_axis(job, index.shape[i], i == axis || indexed->rank == 0 ? 0 : indexed->steps[i],
                           job->values.rank == 0 ? 0 : job->values.steps[i], job->places.steps[i]);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_index_coordinates(const stub_call *call, stub_indexing *job, uint32_t arg, bool wraps) {
    stub_box index;
    STUB_REQUIRE(stub_box_open(call, arg, &index));
    const uint32_t points = index.rank - 1;
    const int64_t coordinates = index.shape[points];
    STUB_REQUIRE(stub_places_start(call, &job->places, index.shape, points));
    for (int64_t k = 0; k < coordinates; k++) {
        stub_box one = index;
        stub_box_pick(&one, points, k);
        STUB_REQUIRE(
            stub_places_add(call, &job->places, arg, &one, job->indexed.shape[k], job->indexed.steps[k], wraps));
    }
    for (uint32_t i = 0; i < points; i++) {
        stub_indexing_axis(job, index.shape[i], 0, job->values.steps[i], job->places.steps[i]);
    }
    for (uint32_t i = (uint32_t)coordinates; i < job->indexed.rank; i++) {
        stub_indexing_axis(job, job->indexed.shape[i], job->indexed.steps[i],
                           job->values.steps[points + i - (uint32_t)coordinates], 0);
    }
    return ACLNN_SUCCESS;
}

stub_box stub_box_of_scalar(const aclScalar *value, const stub_box *like, uint8_t room[16]) {
    const stub_box one = {.first = room, .dtype = like->dtype};
    stub_box box = *like;
    stub_fill(&one, value->dtype, value->value.bytes);
    box.first = room;
    memset(box.steps, 0, sizeof box.steps);
    return box;
}
