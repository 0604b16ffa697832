/* Gradients of scaled dot-product attention. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_BACKWARD_H
#define ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_BACKWARD_H

#include "opapi/attention/attention.h"

/* Blocks of `size` columns, at most STUB_ATTENTION_COLUMNS of them, that each row and head of the keys sees alone.
 * Steps in numbers. A block that is chosen twice counts twice. */
typedef struct {
    const int64_t *first; /* NULL: rows see all columns */
    int64_t token, head, count, size;
} stub_chosen_blocks;

/* Of one sequence: the result's gradient, and where those of its inputs go. */
typedef struct {
    stub_heads dy, dq, dk, dv;
    stub_heads dq_more, dk_more; /* of the second parts, or absent */
    stub_chosen_blocks chosen;
} stub_gradients;

/* Reads the sequences' results and statistics (`out`, `largest`, `sum`), as an attention wrote them. On all cores;
 * 561000 without host memory. */
aclnnStatus stub_attention_backward(const stub_call *call, const stub_attention *attention,
                                    const stub_gradients *gradients);

#endif
