/* Attention to chosen blocks of keys: NsaSelectedAttention and its form for inference. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_NSA_SELECTED_H
#define ASCEND_STUB_OPAPI_ATTENTION_NSA_SELECTED_H

#include "opapi/attention/layout.h"
#include "opapi/kernel.h"

/* Arguments that both have, then those of one of them (-1 in the other). */
typedef struct {
    int query, key, value, indices, mask, table, q_lengths, kv_lengths, scale, heads, kv_heads, layout, mode, size,
        count, page, largest, sum, out;
} stub_selected_places;

typedef struct {
    stub_selected_places at;
    bool paged; /* Infer: keys in blocks, lengths of each batch; else TND and the ends of the batches */
    aclnnStatus misfit;
} stub_selected_family;

/* A call, read. */
typedef struct {
    const stub_call *call;
    const stub_selected_family *data;
    stub_layout q, k, v, out;
    int64_t batches, heads, kv_heads, size, count, page, blocks;
    bool causal;
} stub_selection;

const aclTensor *stub_selected_tensor(const stub_selection *read, int place);
/* Checks the arguments and reads them. */
aclnnStatus stub_selected_read(const stub_call *call, const stub_selected_family *data, stub_selection *read);
/* Tokens of a batch's query or keys; `start`: the first of them. */
int64_t stub_selected_rows(const stub_selection *read, int64_t batch, int64_t *start);
int64_t stub_selected_length(const stub_selection *read, int place, int64_t batch, int64_t otherwise, int64_t *start);

#endif
