/* aclnnGroupedMatmul and its versions: y[i] = x[i] @ weight[i] + bias[i], where the groups are tensors of their own or
 * ranges of rows of one tensor. What their phases share. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_GROUPED_H
#define ASCEND_STUB_OPAPI_MATMUL_GROUPED_H

#include "opapi/kernel.h"
#include "opapi/matmul/activations.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"

/* An operator, by the numbers of its arguments, from 1; 0: it has none. */
typedef struct {
    uint32_t x, weight, bias, scale, offset, antiquant_scale, antiquant_offset, token, y;
    uint32_t ends_array, ends_tensor; /* the group list, in one of two forms */
    uint32_t split_item, group_type, list_type, act_type;
    uint32_t reserved[5]; /* lists that must be absent */
    uint32_t group_size;  /* an integer that must be 0 */
} stub_grouped;

/* Which axis is divided into groups. */
enum { STUB_SPLIT_NONE = -1, STUB_SPLIT_M = 0, STUB_SPLIT_K = 2 };
/* What the group list says: where groups end, how long they are, or which ones there are and how long. */
enum { STUB_ENDS, STUB_COUNTS, STUB_SPARSE };

typedef enum { STUB_GROUPED_FLOATS, STUB_GROUPED_INT8, STUB_GROUPED_WEIGHTS } stub_grouped_kind;

/* A list argument; none when it is absent. An empty list counts as absent. */
typedef struct {
    uint32_t arg;
    uint64_t count;
    aclTensor *const *items;
} stub_list;

typedef struct {
    stub_list x, weight, bias, scale, antiquant_scale, antiquant_offset, token, y;
    int64_t type, list_type; /* of the groups and their list */
    uint64_t groups;
    bool one_weight; /* [groups, k, n] */
    int64_t k, n;    /* of the first weight */
    stub_grouped_kind kind;
} stub_grouped_plan;

/* Everything that shapes and types say; 161001, 161002 and 561003 with a text. */
aclnnStatus stub_grouped_plan_call(const stub_call *call, const stub_grouped *op, stub_grouped_plan *plan);

aclnnStatus stub_grouped_check(const stub_call *call, stub_plan *plan, const stub_grouped *op);

#endif
