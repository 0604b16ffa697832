/* Queries of descriptors. The shape and stride arrays are copies that a C++ caller delete[]s. */
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/descriptors.h"
#include "nnopbase/objects.h"

/* operator new[](size_t, const std::nothrow_t &). Callers delete[] what they get, so it has to come from the operator
 * new[] they have (a sanitizer's, a replaced one); it is there in every C++ process. A process without C++ has none
 * and uses free(). */
extern void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow) __attribute__((weak));

void *stub_new_array(size_t size) {
    static const char nothrow;
    return _ZnamRKSt9nothrow_t != NULL ? _ZnamRKSt9nothrow_t(size, &nothrow) : malloc(size > 0 ? size : 1);
}

static aclnnStatus check_query(const void *object, stub_magic magic, const void *output, const char *function) {
    const aclnnStatus status = stub_require(object, magic, function);
    if (status == ACLNN_SUCCESS && output == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: the pointer to the result is NULL", function);
    }
    return status;
}

static aclnnStatus check_array_query(const aclTensor *tensor, int64_t **values, uint64_t *size, const char *function) {
    return check_query(tensor, STUB_MAGIC_TENSOR, values != NULL ? size : NULL, function);
}

static aclnnStatus give_array(const int64_t *from, uint32_t count, int64_t **values, uint64_t *size) {
    int64_t *copy = stub_new_array(count * sizeof *copy);
    if (copy == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "no host memory for the %u values of a shape", count);
    }
    if (count > 0) {
        memcpy(copy, from, count * sizeof *copy);
    }
    *values = copy;
    *size = count;
    return ACLNN_SUCCESS;
}

aclnnStatus aclGetViewShape(const aclTensor *tensor, int64_t **viewDims, uint64_t *viewDimsNum) {
    const aclnnStatus status = check_array_query(tensor, viewDims, viewDimsNum, "aclGetViewShape");
    return status != ACLNN_SUCCESS ? status : give_array(tensor->shape, tensor->rank, viewDims, viewDimsNum);
}

aclnnStatus aclGetViewStrides(const aclTensor *tensor, int64_t **stridesValue, uint64_t *stridesNum) {
    const aclnnStatus status = check_array_query(tensor, stridesValue, stridesNum, "aclGetViewStrides");
    return status != ACLNN_SUCCESS ? status : give_array(tensor->strides, tensor->rank, stridesValue, stridesNum);
}

aclnnStatus aclGetStorageShape(const aclTensor *tensor, int64_t **storageDims, uint64_t *storageDimsNum) {
    const aclnnStatus status = check_array_query(tensor, storageDims, storageDimsNum, "aclGetStorageShape");
    return status != ACLNN_SUCCESS ? status
                                   : give_array(tensor->storage, tensor->storage_rank, storageDims, storageDimsNum);
}

aclnnStatus aclGetViewOffset(const aclTensor *tensor, int64_t *offset) {
    const aclnnStatus status = check_query(tensor, STUB_MAGIC_TENSOR, offset, "aclGetViewOffset");
    if (status == ACLNN_SUCCESS) {
        *offset = tensor->offset;
    }
    return status;
}

aclnnStatus aclGetFormat(const aclTensor *tensor, aclFormat *format) {
    const aclnnStatus status = check_query(tensor, STUB_MAGIC_TENSOR, format, "aclGetFormat");
    if (status == ACLNN_SUCCESS) {
        *format = tensor->format;
    }
    return status;
}

aclnnStatus aclGetDataType(const aclTensor *tensor, aclDataType *dataType) {
    const aclnnStatus status = check_query(tensor, STUB_MAGIC_TENSOR, dataType, "aclGetDataType");
    if (status == ACLNN_SUCCESS) {
        *dataType = tensor->dtype;
    }
    return status;
}

aclnnStatus aclGetRawTensorAddr(const aclTensor *tensor, void **addr) {
    const aclnnStatus status = check_query(tensor, STUB_MAGIC_TENSOR, addr, "aclGetRawTensorAddr");
    if (status == ACLNN_SUCCESS) {
        *addr = tensor->data;
    }
    return status;
}

aclnnStatus aclGetIntArraySize(const aclIntArray *array, uint64_t *size) {
    const aclnnStatus status = check_query(array, STUB_MAGIC_INT_ARRAY, size, "aclGetIntArraySize");
    if (status == ACLNN_SUCCESS) {
        *size = array->size;
    }
    return status;
}

aclnnStatus aclGetFloatArraySize(const aclFloatArray *array, uint64_t *size) {
    const aclnnStatus status = check_query(array, STUB_MAGIC_FLOAT_ARRAY, size, "aclGetFloatArraySize");
    if (status == ACLNN_SUCCESS) {
        *size = array->size;
    }
    return status;
}

aclnnStatus aclGetBoolArraySize(const aclBoolArray *array, uint64_t *size) {
    const aclnnStatus status = check_query(array, STUB_MAGIC_BOOL_ARRAY, size, "aclGetBoolArraySize");
    if (status == ACLNN_SUCCESS) {
        *size = array->size;
    }
    return status;
}

aclnnStatus aclGetTensorListSize(const aclTensorList *tensorList, uint64_t *size) {
    const aclnnStatus status = check_query(tensorList, STUB_MAGIC_TENSOR_LIST, size, "aclGetTensorListSize");
    if (status == ACLNN_SUCCESS) {
        *size = tensorList->size;
    }
    return status;
}

aclnnStatus aclGetScalarListSize(const aclScalarList *scalarList, uint64_t *size) {
    const aclnnStatus status = check_query(scalarList, STUB_MAGIC_SCALAR_LIST, size, "aclGetScalarListSize");
    if (status == ACLNN_SUCCESS) {
        *size = scalarList->size;
    }
    return status;
}
