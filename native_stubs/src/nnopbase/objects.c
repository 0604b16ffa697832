/* Liveness of descriptors, and what their create and destroy functions have in common. */
#include "nnopbase/objects.h"

#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"

_Static_assert(STUB_OBJECT_SCALAR_LIST - STUB_OBJECT_TENSOR == STUB_MAGIC_SCALAR_LIST - STUB_MAGIC_TENSOR,
               "magics and kinds of objects are in one order");

const char *stub_magic_name(stub_magic magic) {
    static const char *const names[] = {"aclTensor",    "aclScalar",     "aclIntArray",  "aclFloatArray",
                                        "aclBoolArray", "aclTensorList", "aclScalarList"};
    return names[magic - STUB_MAGIC_TENSOR];
}

aclnnStatus stub_require(const void *object, stub_magic magic, const char *function) {
    if (object == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: the %s is NULL", function, stub_magic_name(magic));
    }
    if (!stub_is_alive(object, magic)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: %p is not a live %s: it was destroyed (perhaps with a list that held it), or is a handle "
                         "of another kind",
                         function, object, stub_magic_name(magic));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_destroy(const void *object, stub_magic magic, const char *function) {
    if (object == NULL) {
        return ACLNN_SUCCESS;
    }
    if (stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_check_destroyed(stub_magic_object(magic), object, function);
    }
    const aclnnStatus status = stub_require(object, magic, function);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    /* Volatile: a plain store just before free() is dropped by the compiler. */
    *(volatile uint32_t *)(uintptr_t)object = 0;
    free((void *)(uintptr_t)object);
    return ACLNN_SUCCESS;
}

void *stub_new_with_values(size_t header, const void *values, uint64_t count, size_t width, const char *function) {
    size_t bytes;
    size_t total;
    void *object = NULL;
    if (!__builtin_mul_overflow(count, width, &bytes) && !__builtin_add_overflow(bytes, header, &total)) {
        object = malloc(total);
    }
    if (object == NULL) {
        stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %llu values", function, (unsigned long long)count);
    } else if (bytes > 0) {
        memcpy((char *)object + header, values, bytes);
    }
    return object;
}
