/* Attention to compressed keys, and the choice of blocks for the attention to chosen ones: NsaCompressAttention and its
 * form for inference. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_NSA_COMPRESSED_H
#define ASCEND_STUB_OPAPI_ATTENTION_NSA_COMPRESSED_H

#include "opapi/attention/layout.h"
#include "opapi/kernel.h"

/* Arguments that both have, then those of one of them (-1 in the other). */
typedef struct {
    int query, key, value, mask, wanted, table, q_lengths, kv_lengths, all_lengths, scale, heads, kv_heads, layout,
        mode, block, stride, size, count, page, largest, sum, out, chosen;
} stub_compressed_places;

typedef struct {
    stub_compressed_places at;
    bool paged; /* Infer: keys in pages, lengths of each batch; else TND and the ends of the batches */
} stub_compressed_family;

/* A call, read. */
typedef struct {
    const stub_call *call;
    const stub_compressed_family *data;
    stub_layout q, k, v, out, chosen;
    int64_t batches, heads, kv_heads, block, stride, size, count, page, pages;
    int64_t most_rows, most_columns; /* of one batch */
} stub_compressed;

/* One batch: its first tokens and their number, of the query and of the compressed keys. */
typedef struct {
    int64_t batch, row, rows, column, columns;
} stub_compressed_batch;

const aclTensor *stub_compressed_tensor(const stub_compressed *read, int place);
/* Checks the arguments and reads them. */
aclnnStatus stub_compressed_read(const stub_call *call, const stub_compressed_family *data, stub_compressed *read);
/* From batch to batch; start with `batch` -1 and zeros. */
bool stub_compressed_next(const stub_compressed *read, stub_compressed_batch *batch);
/* Blocks that so many compressed keys cover. */
int64_t stub_compressed_blocks(const stub_compressed *read, int64_t columns);
/* How many of a batch's first tokens do not see the last compressed key, which holds tokens behind theirs. */
int64_t stub_compressed_blind(const stub_compressed *read, const stub_compressed_batch *batch);

#endif
