/* aclTensor: creation, re-initialisation, its address. As in CANN nothing but NULL arrays is validated here. */
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/descriptors.h"
#include "nnopbase/objects.h"

/* Far beyond any tensor; keeps a garbage count from becoming an allocation. */
#define MAX_RANK 65535u

static void copy_dims(int64_t *to, const int64_t *from, uint32_t count) {
    if (count > 0) {
        memcpy(to, from, count * sizeof *to);
    }
}

/* Dimensions are not validated, so the products may be nonsense; they must only not be undefined. */
static void fill_contiguous(int64_t *strides, const int64_t *shape, uint32_t rank) {
    uint64_t step = 1;
    for (uint32_t i = rank; i-- > 0;) {
        strides[i] = (int64_t)step;
        step *= (uint64_t)shape[i];
    }
}

static void place_arrays(aclTensor *tensor, int64_t *block, uint32_t rank, uint32_t storage_rank) {
    tensor->rank = rank;
    tensor->storage_rank = storage_rank;
    tensor->shape = block;
    tensor->strides = block + rank;
    tensor->storage = block + 2 * (size_t)rank;
}

static size_t arrays_size(uint64_t rank, uint64_t storage_rank) {
    return (size_t)(2 * rank + storage_rank) * sizeof(int64_t);
}

static aclTensor *new_tensor(uint64_t rank, uint64_t storage_rank) {
    if (rank > MAX_RANK || storage_rank > MAX_RANK) {
        stub_fail(ACLNN_ERR_PARAM_INVALID, "aclCreateTensor: viewDimsNum %llu or storageDimsNum %llu is above %u",
                  (unsigned long long)rank, (unsigned long long)storage_rank, MAX_RANK);
        return NULL;
    }
    aclTensor *tensor = malloc(sizeof *tensor + arrays_size(rank, storage_rank));
    if (tensor == NULL) {
        stub_fail(ACLNN_ERR_INNER, "aclCreateTensor: no host memory for a descriptor");
        return NULL;
    }
    *tensor = (aclTensor){.magic = STUB_MAGIC_TENSOR};
    place_arrays(tensor, (int64_t *)(tensor + 1), (uint32_t)rank, (uint32_t)storage_rank);
    return tensor;
}

static void fill_strides(aclTensor *tensor, const int64_t *strides) {
    if (strides != NULL) {
        copy_dims(tensor->strides, strides, tensor->rank);
    } else {
        fill_contiguous(tensor->strides, tensor->shape, tensor->rank);
    }
}

aclTensor *aclCreateTensor(const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dataType, const int64_t *stride,
                           int64_t offset, aclFormat format, const int64_t *storageDims, uint64_t storageDimsNum,
                           void *tensorData) {
    if ((viewDims == NULL && viewDimsNum > 0) || (storageDims == NULL && storageDimsNum > 0)) {
        stub_fail(ACLNN_ERR_PARAM_NULLPTR, "aclCreateTensor: %s is NULL, but %s is %llu",
                  viewDims == NULL ? "viewDims" : "storageDims", viewDims == NULL ? "viewDimsNum" : "storageDimsNum",
                  (unsigned long long)(viewDims == NULL ? viewDimsNum : storageDimsNum));
        return NULL;
    }
    aclTensor *tensor = new_tensor(viewDimsNum, storageDimsNum);
    if (tensor == NULL) {
        return NULL;
    }
    copy_dims(tensor->shape, viewDims, tensor->rank);
    copy_dims(tensor->storage, storageDims, tensor->storage_rank);
    fill_strides(tensor, stride);
    tensor->dtype = dataType;
    tensor->format = format;
    tensor->offset = offset;
    tensor->data = tensorData;
    return tensor;
}

aclnnStatus aclDestroyTensor(const aclTensor *tensor) {
    int64_t *moved = tensor != NULL && stub_is_alive(tensor, STUB_MAGIC_TENSOR) ? tensor->moved : NULL;
    const aclnnStatus status = stub_destroy(tensor, STUB_MAGIC_TENSOR, "aclDestroyTensor");
    free(moved);
    return status;
}

/* Gives the tensor fresh arrays of the new ranks; what the caller leaves out keeps its old contents. */
static aclnnStatus resize(aclTensor *tensor, const int64_t *shape, uint64_t rank, const int64_t *storage,
                          uint64_t storage_rank) {
    if (rank > MAX_RANK || storage_rank > MAX_RANK) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "a tensor descriptor has room for %u dimensions", MAX_RANK);
    }
    int64_t *block = malloc(arrays_size(rank, storage_rank) + 1);
    if (block == NULL) {
        return stub_fail(ACLNN_ERR_INNER, "no host memory for a descriptor");
    }
    aclTensor next = *tensor;
    place_arrays(&next, block, (uint32_t)rank, (uint32_t)storage_rank);
    copy_dims(next.shape, shape, next.rank);
    copy_dims(next.storage, storage, next.storage_rank);
    next.moved = block;
    free(tensor->moved);
    *tensor = next;
    return ACLNN_SUCCESS;
}

aclnnStatus aclInitTensor(aclTensor *tensor, const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dataType,
                          const int64_t *stride, int64_t offset, aclFormat format, const int64_t *storageDims,
                          uint64_t storageDimsNum, void *tensorDataAddr) {
    aclnnStatus status = stub_require(tensor, STUB_MAGIC_TENSOR, "aclInitTensor");
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    /* CANN keeps the old shape when it is given none, also for a count of 0. */
    const bool new_shape = viewDims != NULL && viewDimsNum > 0;
    const bool new_storage = storageDims != NULL && storageDimsNum > 0;
    const uint64_t rank = new_shape ? viewDimsNum : tensor->rank;
    if (stride != NULL && viewDimsNum != rank) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "aclInitTensor: stride has viewDimsNum %llu entries, but the shape that is kept (viewDims is "
                         "NULL or viewDimsNum 0) has %u; pass viewDims as well, or stride NULL",
                         (unsigned long long)viewDimsNum, tensor->rank);
    }
    status = resize(tensor, new_shape ? viewDims : tensor->shape, rank, new_storage ? storageDims : tensor->storage,
                    new_storage ? storageDimsNum : tensor->storage_rank);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    fill_strides(tensor, stride);
    tensor->dtype = dataType;
    tensor->format = format;
    tensor->offset = offset;
    tensor->data = tensorDataAddr != NULL ? tensorDataAddr : tensor->data;
    return ACLNN_SUCCESS;
}

aclnnStatus aclSetRawTensorAddr(aclTensor *tensor, void *addr) {
    const aclnnStatus status = stub_require(tensor, STUB_MAGIC_TENSOR, "aclSetRawTensorAddr");
    if (status == ACLNN_SUCCESS) {
        tensor->data = addr;
    }
    return status;
}

int stub_tensor_change_shape(const aclTensor *tensor, const int64_t *dims, const int64_t *strides, uint32_t rank) {
    aclTensor *changed = (aclTensor *)(uintptr_t)tensor; /* const because snapshots never follow their origins */
    const aclnnStatus status = resize(changed, dims, rank, dims, rank);
    if (status == ACLNN_SUCCESS) {
        copy_dims(changed->strides, strides, rank);
    }
    return status;
}

/* Through the snapshot's origin, which is const only because snapshots never follow it. */
static aclTensor *caller_of(const aclTensor *snapshot) {
    return (aclTensor *)(uintptr_t)snapshot->origin;
}

void stub_tensor_change_dtype(const aclTensor *snapshot, aclDataType dtype) {
    caller_of(snapshot)->dtype = dtype;
}

int stub_tensor_change_storage(const aclTensor *snapshot, aclFormat format, const int64_t *dims, uint32_t rank,
                               size_t bytes) {
    aclTensor *tensor = caller_of(snapshot);
    const aclnnStatus status = resize(tensor, tensor->shape, tensor->rank, dims, rank);
    if (status == ACLNN_SUCCESS) {
        copy_dims(tensor->strides, snapshot->strides, tensor->rank);
        tensor->format = format;
        ((aclTensor *)(uintptr_t)snapshot)->becomes = bytes; /* snapshots are const to kernels only */
    }
    return status;
}
