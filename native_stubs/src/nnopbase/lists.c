/* aclTensorList and aclScalarList: copies of the caller's handles. Destroying a list destroys its elements. */
#include "aclnn/opdev/op_errno.h"
#include "nnopbase/descriptors.h"
#include "nnopbase/objects.h"

aclTensorList *aclCreateTensorList(const aclTensor *const *value, uint64_t size) {
    const uint64_t count = value != NULL ? size : 0;
    aclTensorList *list = stub_new_with_values(sizeof *list, value, count, sizeof *value, "aclCreateTensorList");
    if (list != NULL) {
        *list = (aclTensorList){STUB_MAGIC_TENSOR_LIST, count, (aclTensor **)(list + 1)};
    }
    return list;
}

aclScalarList *aclCreateScalarList(const aclScalar *const *value, uint64_t size) {
    const uint64_t count = value != NULL ? size : 0;
    aclScalarList *list = stub_new_with_values(sizeof *list, value, count, sizeof *value, "aclCreateScalarList");
    if (list != NULL) {
        *list = (aclScalarList){STUB_MAGIC_SCALAR_LIST, count, (aclScalar **)(list + 1)};
    }
    return list;
}

/* All elements are tried; the first failure is reported, so that a list with one dead element leaks nothing. */
static aclnnStatus first_failure(aclnnStatus before, aclnnStatus now) {
    return before != ACLNN_SUCCESS ? before : now;
}

aclnnStatus aclDestroyTensorList(const aclTensorList *array) {
    aclnnStatus status = ACLNN_SUCCESS;
    if (array != NULL && stub_is_alive(array, STUB_MAGIC_TENSOR_LIST)) {
        for (uint64_t i = 0; i < array->size; i++) {
            status = first_failure(status, aclDestroyTensor(array->items[i]));
        }
    }
    return first_failure(status, stub_destroy(array, STUB_MAGIC_TENSOR_LIST, "aclDestroyTensorList"));
}

aclnnStatus aclDestroyScalarList(const aclScalarList *array) {
    aclnnStatus status = ACLNN_SUCCESS;
    if (array != NULL && stub_is_alive(array, STUB_MAGIC_SCALAR_LIST)) {
        for (uint64_t i = 0; i < array->size; i++) {
            status = first_failure(status, aclDestroyScalar(array->items[i]));
        }
    }
    return first_failure(status, stub_destroy(array, STUB_MAGIC_SCALAR_LIST, "aclDestroyScalarList"));
}
