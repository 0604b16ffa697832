/* Memory of one run, and small tensors brought there as plain arrays. */
#include <stdlib.h>
#include <string.h>

#include "opapi/attention/infer.h"

typedef struct {
    _Alignas(64) void *before;
} block;

void *stub_infer_take(stub_infer_memory *memory, int64_t count, size_t size) {
    const size_t bytes = ((size_t)count * size + sizeof(block) - 1) / sizeof(block) * sizeof(block);
    block *taken = aligned_alloc(_Alignof(block), sizeof(block) + bytes);
    if (!taken) {
        return NULL;
    }
    taken->before = memory->last;
    memory->last = taken;
    return memset(taken + 1, 0, bytes);
}

void stub_infer_free(stub_infer_memory *memory) {
    for (block *at = memory->last; at;) {
        block *before = at->before;
        free(at);
        at = before;
    }
}

static aclnnStatus bring(const stub_infer *infer, stub_infer_argument argument, stub_infer_memory *memory,
                         aclDataType as, size_t size, void **array) {
    const aclTensor *tensor = stub_infer_tensor(infer, argument);
    *array = NULL;
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    stub_view view;
    STUB_REQUIRE(stub_view_open(infer->call, (uint32_t)infer->arg[argument], &view));
    *array = stub_infer_take(memory, stub_tensor_numel(tensor), size);
    if (!*array) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a copy of %s", infer->call->op->name,
                         infer->call->op->params[infer->arg[argument]].name);
    }
    stub_load_all(&view, as, size, *array);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_infer_floats(const stub_infer *infer, stub_infer_argument argument, stub_infer_memory *memory,
                              const float **floats) {
    void *array;
    STUB_REQUIRE(bring(infer, argument, memory, ACL_FLOAT, sizeof(float), &array));
    *floats = array;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_infer_integers(const stub_infer *infer, stub_infer_argument argument, stub_infer_memory *memory,
                                const int64_t **integers) {
    void *array;
    STUB_REQUIRE(bring(infer, argument, memory, ACL_INT64, sizeof(int64_t), &array));
    *integers = array;
    return ACLNN_SUCCESS;
}
