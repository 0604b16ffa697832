/* What kernels from outside read of a call's arguments, and the way from a tensor to its elements. */
#include "acl/acl_base.h"
#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/memory.h"
#include "nnopbase/call.h"

aclnnStatus stub_kernel_fail(aclnnStatus status, const char *text) {
    return stub_fail_text(status, text);
}

void stub_tensor_read(const aclTensor *tensor, stub_tensor_info *info) {
    *info = (stub_tensor_info){
        .dtype = tensor->dtype,
        .format = tensor->format,
        .rank = tensor->rank,
        .storage_rank = tensor->storage_rank,
        .shape = tensor->shape,
        .strides = tensor->strides,
        .storage = tensor->storage,
        .offset = tensor->offset,
        .address = tensor->data,
    };
}

const void *stub_scalar_read(const aclScalar *scalar, aclDataType *dtype) {
    *dtype = scalar->dtype;
    return scalar->value.bytes;
}

static const void *items_of(stub_kind kind, stub_value value, uint64_t *count) {
    switch (kind) {
    case STUB_TENSOR_LIST:
        *count = value.tensors->size;
        return value.tensors->items;
    case STUB_SCALAR_LIST:
        *count = value.scalars->size;
        return value.scalars->items;
    case STUB_INT_ARRAY:
        *count = value.ints->size;
        return value.ints->values;
    case STUB_FLOAT_ARRAY:
        *count = value.floats->size;
        return value.floats->values;
    case STUB_BOOL_ARRAY:
        *count = value.bools->size;
        return value.bools->values;
    default:
        return NULL;
    }
}

const void *stub_argument_items(const stub_call *call, uint32_t arg, uint64_t *count) {
    const stub_kind kind = call->op->params[arg].kind;
    const bool absent = kind <= STUB_BOOL_ARRAY && call->args[arg].tensor == NULL;
    *count = 0;
    return absent ? NULL : items_of(kind, call->args[arg], count);
}

/* Element offsets of the lowest and the highest element, false when they do not fit 64 bits. */
static bool find_extent(const aclTensor *tensor, int64_t *low, int64_t *high) {
    *low = *high = tensor->offset;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        int64_t reach;
        int64_t *end = tensor->strides[i] < 0 ? low : high;
        if (__builtin_mul_overflow(tensor->shape[i] - 1, tensor->strides[i], &reach) ||
            __builtin_add_overflow(*end, reach, end)) {
            return false;
        }
    }
    return true;
}

bool stub_tensor_has_base_format(const aclTensor *tensor) {
    switch (tensor->format) {
    case ACL_FORMAT_UNDEFINED:
    case ACL_FORMAT_ND:
    case ACL_FORMAT_NCHW:
    case ACL_FORMAT_NHWC:
    case ACL_FORMAT_HWCN:
    case ACL_FORMAT_NDHWC:
    case ACL_FORMAT_NCDHW:
    case ACL_FORMAT_NC:
    case ACL_FORMAT_NCL:
        return true;
    default:
        return false;
    }
}

/* The storage is a row of elements. Kernels that do not know the format follow the strides, so the view counts too. */
static bool add_storage_extent(const aclTensor *tensor, int64_t *low, int64_t *high) {
    int64_t count = 1;
    for (uint32_t i = 0; i < tensor->storage_rank; i++) {
        if (__builtin_mul_overflow(count, tensor->storage[i], &count)) {
            return false;
        }
    }
    *low = *low < 0 ? *low : 0;
    *high = *high > count - 1 ? *high : count - 1;
    return count > 0;
}

/* The bytes that a kernel touches, as a range; false when the numbers do not fit. */
static bool find_bytes(const aclTensor *tensor, uintptr_t *first, uint64_t *bytes) {
    const int bits = stub_dtype_bits(tensor->dtype);
    int64_t low, high, low_bits, high_bits;
    const bool found = find_extent(tensor, &low, &high) &&
                       (stub_tensor_has_base_format(tensor) || add_storage_extent(tensor, &low, &high));
    if (!found || __builtin_mul_overflow(low, bits, &low_bits) || high == INT64_MAX ||
        __builtin_mul_overflow(high + 1, bits, &high_bits)) {
        return false;
    }
    *first = (uintptr_t)tensor->data + (uintptr_t)(low_bits >> 3);
    *bytes = (uint64_t)((high_bits + 7) >> 3) - (uint64_t)(low_bits >> 3);
    return true;
}

/* Whether two addresses are on one device: its shadow is one piece. */
static bool is_same_device(uintptr_t first, const void *data) {
    return first + stub_device_bytes_from((const void *)first) == (uintptr_t)data + stub_device_bytes_from(data);
}

/* What is wrong with where the tensor lies; NULL when a kernel may touch all of it. */
static const char *find_fault(const aclTensor *tensor) {
    uintptr_t first = 0;
    uint64_t bytes = 0;
    if (tensor->data == NULL) {
        return "has no address; give aclCreateTensor device memory";
    }
    if (stub_device_bytes_from(tensor->data) == 0) {
        return "lies in no device memory; allocate with aclrtMalloc and copy to it";
    }
    if (!find_bytes(tensor, &first, &bytes) || !is_same_device(first, tensor->data)) {
        return "reaches outside device memory with its strides and offset";
    }
    const size_t room = stub_block_bytes_from((const void *)first);
    if (room == 0) {
        return "lies in no live allocation; it was freed, or never allocated";
    }
    return bytes <= room ? NULL : "reaches beyond the end of its allocation with its shape, strides and offset";
}

static aclnnStatus refuse(const stub_call *call, uint32_t arg, const aclTensor *tensor, const char *why) {
    char text[160];
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %s (%s) at %p %s", call->op->name, call->op->params[arg].name,
                     stub_describe(tensor, text, sizeof text), tensor->data, why);
}

aclnnStatus stub_tensor_open(const stub_call *call, uint32_t arg, const aclTensor *tensor, void **host) {
    *host = NULL;
    if (stub_tensor_numel(tensor) == 0) {
        return ACL_SUCCESS;
    }
    const char *fault = find_fault(tensor);
    if (fault != NULL) {
        return refuse(call, arg, tensor, fault);
    }
    *host = stub_shadow(tensor->data);
    return *host != NULL ? ACL_SUCCESS : ACL_ERROR_RT_AICORE_EXCEPTION;
}
