/* Operators that write values at places of a tensor, or of a copy of it: what their phases have in common. */
#ifndef ASCEND_STUB_OPAPI_WRITES_H
#define ASCEND_STUB_OPAPI_WRITES_H

#include "opapi/indexing/places.h"

#define STUB_INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))

enum { STUB_NO_ARGUMENT = 99 };

typedef struct {
    stub_dtypes allowed;
    uint32_t index, values, out; /* arguments; out 0: in place */
    stub_reduction reduction;
    aclnnStatus (*check)(const stub_call *call); /* of attributes, ranks and shapes */
    aclnnStatus (*describe)(const stub_call *call, stub_indexing *job);
    uint32_t alpha;      /* argument, a scalar; 0: none */
    uint32_t accumulate; /* argument, a flag that makes STUB_SET STUB_ADD; 0: none */
} stub_writes;

aclnnStatus stub_writes_check(const stub_call *call, stub_plan *plan, const stub_writes *data);
aclnnStatus stub_writes_run(const stub_call *call, const stub_writes *data);

/* The shape of argument `arg` is, in turn, parts of the shapes of others. */
typedef struct {
    int64_t dims[3 * STUB_MAX_RANK];
    uint32_t rank;
} stub_shape;

static inline void stub_shape_add(stub_shape *shape, const aclTensor *tensor, uint32_t from, uint32_t end) {
    for (uint32_t i = from; i < end && i < tensor->rank; i++) {
        shape->dims[shape->rank++] = tensor->shape[i];
    }
}

#endif
