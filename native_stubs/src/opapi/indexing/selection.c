/* Index lists: which axes they use, what masks mean, the shape of the result. */
#include "opapi/indexing/selection.h"

#include <stdlib.h>
#include <string.h>

static bool is_given(const aclTensor *tensor) {
    return tensor != NULL && stub_tensor_numel(tensor) != 0;
}

static aclnnStatus check_mask(const stub_call *call, uint64_t i, const aclTensor *mask, const aclTensor *self,
                              uint32_t axis) {
    bool fits = mask->rank > 0 && axis + mask->rank <= self->rank;
    for (uint32_t k = 0; fits && k < mask->rank; k++) {
        fits = mask->shape[k] == self->shape[axis + k];
    }
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID,
                            "%s: indices[%llu] is a mask; its shape must be that of the axes "
                            "of self from %u on",
                            call->op->name, (unsigned long long)i, axis);
}

static aclnnStatus too_many(const stub_call *call, const aclTensor *self) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: indices stand for more axes than self has (%u)", call->op->name,
                     self->rank);
}

/* Broadcasts the shapes of all used indices. */
static aclnnStatus find_common(const stub_call *call, stub_selection *selection) {
    selection->common_rank = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < selection->rank; i++) {
            const stub_box *index = &selection->index[i];
            if (selection->used[i] && pass == 0 && index->rank > selection->common_rank) {
                selection->common_rank = index->rank;
            }
            for (uint32_t k = 0; selection->used[i] && pass == 1 && k < index->rank; k++) {
                int64_t *dim = &selection->common[selection->common_rank - index->rank + k];
                if (*dim != 1 && index->shape[k] != 1 && *dim != index->shape[k]) {
                    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of indices do not broadcast together",
                                     call->op->name);
                }
                *dim = index->shape[k] == 1 ? *dim : index->shape[k];
            }
        }
        for (uint32_t k = 0; pass == 0 && k < selection->common_rank; k++) {
            selection->common[k] = 1;
        }
    }
    return ACLNN_SUCCESS;
}

/* The common shape stands in the place of the used axes when these are neighbours, else in front. */
static uint32_t find_place(const stub_selection *selection) {
    uint32_t first = 0, count = 0;
    while (first < selection->rank && !selection->used[first]) {
        first++;
    }
    for (uint32_t i = 0; i < selection->rank; i++) {
        count += selection->used[i] ? 1 : 0;
    }
    for (uint32_t i = first; i < first + count; i++) {
        if (!selection->used[i]) {
            return 0;
        }
    }
    return count == 0 ? 0 : first;
}

aclnnStatus stub_selection_plan(const stub_call *call, uint32_t arg, const aclTensor *self, stub_selection *selection) {
    uint64_t count = 0;
    uint32_t axis = 0;
    const aclTensor *const *indices = stub_argument_items(call, arg, &count);
    *selection = (stub_selection){.rank = self->rank};
    for (uint64_t i = 0; i < count; i++) {
        const aclTensor *index = indices[i];
        if (axis >= self->rank) {
            return too_many(call, self);
        }
        if (!is_given(index)) {
            axis++;
            continue;
        }
        const bool mask = index->dtype == ACL_BOOL;
        if ((!mask && index->dtype != ACL_INT32 && index->dtype != ACL_INT64) || index->rank > STUB_MAX_RANK) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: indices[%llu] is %s with %u axes; allowed are INT32, INT64 and BOOL with up to 8",
                             call->op->name, (unsigned long long)i, stub_dtype_name(index->dtype), index->rank);
        }
        if (mask) {
            STUB_REQUIRE(check_mask(call, i, index, self, axis));
        }
        selection->has_mask |= mask;
        for (uint32_t k = 0; k < (mask ? index->rank : 1); k++, axis++) {
            selection->used[axis] = true;
            selection->index[axis] = mask ? (stub_box){.rank = 1, .shape = {1}} : stub_box_planned(index);
        }
    }
    selection->at = find_place(selection);
    return find_common(call, selection);
}

/* The coordinates of a mask's true elements, one array per axis, from axis `axis` of the selection on. */
static aclnnStatus open_mask(const stub_call *call, const stub_box *mask, stub_selection *selection, uint32_t axis) {
    const int64_t size = stub_box_size(mask);
    uint8_t *flags = malloc((size_t)size);
    int64_t *found = malloc((size_t)(size * mask->rank) * sizeof *found), count = 0;
    if (flags == NULL || found == NULL) {
        free(flags);
        free(found);
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for a mask", call->op->name);
    }
    const stub_box dense = stub_box_over(flags, ACL_BOOL, mask->shape, mask->rank);
    stub_copy(&dense, mask);
    for (int64_t i = 0; i < size; i++) {
        int64_t rest = i;
        for (uint32_t k = mask->rank; flags[i] != 0 && k-- > 0; rest /= mask->shape[k]) {
            found[(int64_t)k * size + count] = rest % mask->shape[k];
        }
        count += flags[i] != 0 ? 1 : 0;
    }
    free(flags);
    for (uint32_t k = 0; k < mask->rank; k++) {
        selection->index[axis + k] = stub_box_over(found + (int64_t)k * size, ACL_INT64, &count, 1);
    }
    selection->owned[axis] = found;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_selection_open(const stub_call *call, uint32_t arg, const aclTensor *self, stub_selection *selection) {
    uint64_t count = 0;
    uint32_t axis = 0;
    const aclTensor *const *indices = stub_argument_items(call, arg, &count);
    STUB_REQUIRE(stub_selection_plan(call, arg, self, selection));
    for (uint64_t i = 0; i < count; i++) {
        stub_box box;
        if (!is_given(indices[i])) {
            axis++;
            continue;
        }
        STUB_REQUIRE(stub_box_open_item(call, arg, indices[i], &box));
        if (indices[i]->dtype == ACL_BOOL) {
            STUB_REQUIRE(open_mask(call, &box, selection, axis));
            axis += box.rank;
        } else {
            selection->index[axis++] = box;
        }
    }
    return find_common(call, selection);
}

void stub_selection_end(stub_selection *selection) {
    for (uint32_t i = 0; i < selection->rank; i++) {
        free(selection->owned[i]);
    }
}

int stub_selection_shape(const stub_selection *selection, const aclTensor *self, int64_t shape[STUB_MAX_RANK]) {
    uint32_t rank = 0, left = 0;
    for (uint32_t i = 0; i <= self->rank; i++) {
        if (left == selection->at) {
            for (uint32_t k = 0; k < selection->common_rank; k++) {
                if (rank == STUB_MAX_RANK) {
                    return -1;
                }
                shape[rank++] = selection->common[k];
            }
            left = STUB_BOX_RANK; /* once */
        }
        if (i < self->rank && !selection->used[i]) {
            if (rank == STUB_MAX_RANK) {
                return -1;
            }
            shape[rank++] = self->shape[i];
            left += left < STUB_BOX_RANK ? 1 : 0;
        }
    }
    return (int)rank;
}

aclnnStatus stub_selection_describe(const stub_call *call, uint32_t arg, const stub_selection *selection,
                                    stub_indexing *job) {
    STUB_REQUIRE(stub_places_start(call, &job->places, selection->common, selection->common_rank));
    uint32_t value = 0, left = 0;
    for (uint32_t i = 0; i < selection->rank; i++) {
        if (selection->used[i]) {
            STUB_REQUIRE(stub_places_add(call, &job->places, arg, &selection->index[i], job->indexed.shape[i],
                                         job->indexed.steps[i], true));
        }
    }
    for (uint32_t i = 0; i <= selection->rank; i++) {
        if (left == selection->at) {
            for (uint32_t k = 0; k < selection->common_rank; k++) {
                stub_indexing_axis(job, selection->common[k], 0, job->values.steps[value++], job->places.steps[k]);
            }
            left = STUB_BOX_RANK;
        }
        if (i < selection->rank && !selection->used[i]) {
            stub_indexing_axis(job, job->indexed.shape[i], job->indexed.steps[i], job->values.steps[value++], 0);
            left += left < STUB_BOX_RANK ? 1 : 0;
        }
    }
    return ACLNN_SUCCESS;
}
