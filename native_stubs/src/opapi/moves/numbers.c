/* Loading whole tensors as arrays, and storing them. */
#include "opapi/moves/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "opapi/moves/box.h"

struct stub_number_array {
    stub_number_array *next;
    aclDataType as;
    stub_box tensor; /* where the numbers go */
    bool stores;
    _Alignas(64) uint8_t numbers[];
};

static stub_number_array *add(stub_numbers *set, int64_t count, size_t size) {
    const size_t head = sizeof(stub_number_array), bytes = (size_t)count * size;
    if (set->status != ACLNN_SUCCESS) {
        return NULL;
    }
    stub_number_array *array = NULL;
    if (count >= 0 && (size_t)count <= (SIZE_MAX / 2 - head) / size) {
        array = aligned_alloc(64, (head + bytes + 63) / 64 * 64);
    }
    if (array == NULL) {
        set->status = stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for %lld numbers", set->call->op->name,
                                (long long)count);
        return NULL;
    }
    memset(array, 0, head + bytes);
    array->next = set->arrays;
    set->arrays = array;
    return array;
}

static void *load(stub_numbers *set, const stub_box *box, aclDataType as, bool reads, bool stores) {
    stub_number_array *array = add(set, stub_box_size(box), stub_class_size(stub_class_of(as)));
    if (array == NULL) {
        return NULL;
    }
    array->as = as;
    array->tensor = *box;
    array->stores = stores;
    if (reads) {
        const stub_box numbers = stub_box_over(array->numbers, as, box->shape, box->rank);
        stub_copy(&numbers, box);
    }
    return array->numbers;
}

static void *open_item(stub_numbers *set, uint32_t arg, const aclTensor *tensor, aclDataType as, bool reads,
                       bool stores) {
    stub_box box;
    if (tensor == NULL || set->status != ACLNN_SUCCESS) {
        return NULL;
    }
    set->status = stub_box_open_item(set->call, arg, tensor, &box);
    return load(set, &box, as, reads, stores);
}

void *stub_numbers_read_item(stub_numbers *set, uint32_t arg, const aclTensor *tensor, aclDataType as) {
    return open_item(set, arg, tensor, as, true, false);
}

void *stub_numbers_write_item(stub_numbers *set, uint32_t arg, const aclTensor *tensor, aclDataType as) {
    return open_item(set, arg, tensor, as, false, true);
}

void *stub_numbers_read(stub_numbers *set, uint32_t arg, aclDataType as) {
    return open_item(set, arg, stub_tensor_arg(set->call, arg), as, true, false);
}

void *stub_numbers_write(stub_numbers *set, uint32_t arg, aclDataType as) {
    return open_item(set, arg, stub_tensor_arg(set->call, arg), as, false, true);
}

void *stub_numbers_update(stub_numbers *set, uint32_t arg, aclDataType as) {
    return open_item(set, arg, stub_tensor_arg(set->call, arg), as, true, true);
}

void *stub_numbers_read_to(stub_numbers *set, uint32_t arg, aclDataType as, const int64_t *shape, uint32_t rank) {
    stub_box box;
    if (stub_tensor_arg(set->call, arg) == NULL || set->status != ACLNN_SUCCESS) {
        return NULL;
    }
    set->status = stub_box_open(set->call, arg, &box);
    stub_box_expand(&box, shape, rank);
    return load(set, &box, as, true, false);
}

void *stub_numbers_room(stub_numbers *set, int64_t count, size_t size) {
    stub_number_array *array = add(set, count, size);
    return array == NULL ? NULL : array->numbers;
}

void stub_numbers_check_range(stub_numbers *set, uint32_t arg, const int64_t *values, int64_t count, int64_t low,
                              int64_t high) {
    for (int64_t i = 0; i < count && set->status == ACLNN_SUCCESS; i++) {
        if (values[i] < low || values[i] >= high) {
            set->status = stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                                    "%s: element %lld of %s is %lld; it must be at least %lld and less than %lld",
                                    set->call->op->name, (long long)i, set->call->op->params[arg].name,
                                    (long long)values[i], (long long)low, (long long)high);
        }
    }
}

aclnnStatus stub_numbers_end(stub_numbers *set) {
    while (set->arrays != NULL) {
        stub_number_array *array = set->arrays;
        if (array->stores && set->status == ACLNN_SUCCESS) {
            const stub_box numbers = stub_box_over(array->numbers, array->as, array->tensor.shape, array->tensor.rank);
            stub_copy(&array->tensor, &numbers);
        }
        set->arrays = array->next;
        free(array);
    }
    return set->status;
}
