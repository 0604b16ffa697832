/* aclIntArray, aclFloatArray, aclBoolArray: copies of the caller's values. NULL values give an empty array. */
#include "nnopbase/descriptors.h"
#include "nnopbase/objects.h"

aclIntArray *aclCreateIntArray(const int64_t *value, uint64_t size) {
    const uint64_t count = value != NULL ? size : 0;
    aclIntArray *array = stub_new_with_values(sizeof *array, value, count, sizeof *value, "aclCreateIntArray");
    if (array != NULL) {
        *array = (aclIntArray){STUB_MAGIC_INT_ARRAY, count, (int64_t *)(array + 1)};
    }
    return array;
}

aclFloatArray *aclCreateFloatArray(const float *value, uint64_t size) {
    const uint64_t count = value != NULL ? size : 0;
    aclFloatArray *array = stub_new_with_values(sizeof *array, value, count, sizeof *value, "aclCreateFloatArray");
    if (array != NULL) {
        *array = (aclFloatArray){STUB_MAGIC_FLOAT_ARRAY, count, (float *)(array + 1)};
    }
    return array;
}

aclBoolArray *aclCreateBoolArray(const bool *value, uint64_t size) {
    const uint64_t count = value != NULL ? size : 0;
    aclBoolArray *array = stub_new_with_values(sizeof *array, value, count, sizeof *value, "aclCreateBoolArray");
    if (array != NULL) {
        *array = (aclBoolArray){STUB_MAGIC_BOOL_ARRAY, count, (bool *)(array + 1)};
    }
    return array;
}

aclnnStatus aclDestroyIntArray(const aclIntArray *array) {
    return stub_destroy(array, STUB_MAGIC_INT_ARRAY, "aclDestroyIntArray");
}

aclnnStatus aclDestroyFloatArray(const aclFloatArray *array) {
    return stub_destroy(array, STUB_MAGIC_FLOAT_ARRAY, "aclDestroyFloatArray");
}

aclnnStatus aclDestroyBoolArray(const aclBoolArray *array) {
    return stub_destroy(array, STUB_MAGIC_BOOL_ARRAY, "aclDestroyBoolArray");
}
