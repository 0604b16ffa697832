/* The descriptor objects behind the opaque types of aclnn/acl_meta.h. Kernels read them; only this room writes them. */
#ifndef ASCEND_STUB_NNOPBASE_DESCRIPTORS_H
#define ASCEND_STUB_NNOPBASE_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl/acl_base.h"
#include "aclnn/acl_meta.h"
#include "core/export.h"

struct aclTensor {
    uint32_t magic; /* first in every descriptor, see objects.h */
    aclDataType dtype;
    aclFormat format;
    uint32_t rank; /* of the view; any rank is accepted by aclCreateTensor */
    uint32_t storage_rank;
    int64_t offset;   /* elements */
    void *data;       /* storage start, a device address, may be NULL */
    int64_t *shape;   /* rank entries; the three arrays share one block behind the struct */
    int64_t *strides; /* rank entries, elements */
    int64_t *storage; /* storage_rank entries, elements */
    int64_t *moved;   /* the block of the three arrays once aclInitTensor has replaced it; else NULL */
    const aclTensor
        *origin;    /* in an executor's snapshot: the descriptor the caller passed, never followed; else NULL */
    size_t becomes; /* in a snapshot: bytes of the storage that the call makes of it, if it does; else 0 */
};

struct aclScalar {
    uint32_t magic;
    aclDataType dtype;
    union { /* as passed: raw bits of the dtype */
        uint8_t bytes[16];
        int64_t i64;
        uint64_t u64;
        double f64;
        float f32;
    } value;
};

struct aclIntArray {
    uint32_t magic;
    uint64_t size;
    int64_t *values;
};

struct aclFloatArray {
    uint32_t magic;
    uint64_t size;
    float *values;
};

struct aclBoolArray {
    uint32_t magic;
    uint64_t size;
    bool *values;
};

struct aclTensorList {
    uint32_t magic;
    uint64_t size;
    aclTensor **items; /* may be NULL one by one */
};

struct aclScalarList {
    uint32_t magic;
    uint64_t size;
    aclScalar **items; /* may be NULL one by one */
};

/* Some operators change the caller's descriptor in phase one. For a kernel's check only, where `snapshot` is an
 * argument and the caller's descriptor is still alive. A status with a text when the host is out of memory. */
STUB_EXPORT void stub_tensor_change_dtype(const aclTensor *snapshot, aclDataType dtype);
STUB_EXPORT int stub_tensor_change_storage(const aclTensor *snapshot, aclFormat format, const int64_t *dims,
                                           uint32_t rank, size_t bytes);

/* Gives the caller's descriptor a new view shape, and a storage of the same shape. A status with a text when the host
 * is out of memory. */
int stub_tensor_change_shape(const aclTensor *tensor, const int64_t *dims, const int64_t *strides, uint32_t rank);

/* Product of the view shape: 1 for rank 0, 0 as soon as one dimension is 0, INT64_MAX when it does not fit. */
STUB_EXPORT int64_t stub_tensor_numel(const aclTensor *tensor);

/* Whether the view is row-major without gaps. The offset and the strides of dimensions of size 1 do not matter; an
 * empty tensor is contiguous. */
STUB_EXPORT bool stub_tensor_is_contiguous(const aclTensor *tensor);

/* Whether the storage holds the elements as the view's strides say, and not in tiles. */
STUB_EXPORT bool stub_tensor_has_base_format(const aclTensor *tensor);

/* Bits of one element; 0 for ACL_STRING, ACL_DT_UNDEFINED and unknown values. */
STUB_EXPORT int stub_dtype_bits(aclDataType dtype);

/* "ACL_FLOAT16"; "?" for unknown values. */
STUB_EXPORT const char *stub_dtype_name(aclDataType dtype);

/* "FLOAT16 [4, 16]" into the caller's buffer, cut where that ends; returns the buffer. For error texts. */
STUB_EXPORT const char *stub_describe(const aclTensor *tensor, char *buffer, size_t size);

/* Memory that a C++ caller delete[]s; NULL when there is none. */
STUB_EXPORT void *stub_new_array(size_t size);

#endif
