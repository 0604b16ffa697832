/* Arguments by their names, and layouts of queries, keys and values by their letters: B batch, S sequence, T tokens of
 * all batches, N heads, D head size, H = N * D. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_LAYOUT_H
#define ASCEND_STUB_OPAPI_ATTENTION_LAYOUT_H

#include <stdbool.h>

#include "opapi/attention/attention.h"
#include "opapi/view.h"

/* The argument of that name, "Optional" behind it or not; -1: the operator has none. */
int stub_argument(const stub_call *call, const char *name);

typedef struct {
    int64_t batches, tokens, heads, d;                       /* batches: 1 where the layout has none */
    int64_t batch_step, token_step, head_step, element_step; /* in elements */
} stub_layout;

/* The axes of a tensor in the layout that `letters` (the first `count` of them) spell; `heads` divide its H. False when
 * rank or heads do not fit. */
bool stub_layout_of(const aclTensor *tensor, const char *letters, uint32_t count, int64_t heads, stub_layout *layout);

/* The vectors of one batch, from a token on. `base`: of the tensor's storage. */
stub_heads stub_layout_heads(const stub_layout *layout, const aclTensor *tensor, void *base, int64_t batch,
                             int64_t token);

/* All elements of a view in row-major order, as numbers of `size` bytes. */
void stub_load_all(const stub_view *view, aclDataType as, size_t size, void *array);

#endif
