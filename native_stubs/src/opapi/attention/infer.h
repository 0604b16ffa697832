/* Attention for inference: FusedInferAttentionScore, PromptFlashAttention, IncreFlashAttention in all their versions.
 *
 * Their interfaces differ in which arguments there are, and little in what those mean: arguments are found by name. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_INFER_H
#define ASCEND_STUB_OPAPI_ATTENTION_INFER_H

#include "opapi/attention/attention.h"
#include "opapi/attention/layout.h"
#include "opapi/kernel.h"

typedef struct {
    bool incremental; /* one query token; actualSeqLengths are the keys' */
    const char *layouts;
} stub_infer_family;

typedef enum {
    INFER_QUERY,
    INFER_KEY,
    INFER_VALUE,
    INFER_PSE,
    INFER_MASK,
    INFER_LENGTHS,
    INFER_KV_LENGTHS,
    INFER_OUT_SCALE,
    INFER_OUT_OFFSET,
    INFER_SCALE, /* antiquantScale */
    INFER_OFFSET,
    INFER_TABLE,
    INFER_QUERY_PADDING,
    INFER_KV_PADDING,
    INFER_KEY_SCALE,
    INFER_KEY_OFFSET,
    INFER_VALUE_SCALE,
    INFER_VALUE_OFFSET,
    INFER_QUERY_ROPE,
    INFER_KEY_ROPE,
    INFER_SINK,
    INFER_HEADS,
    INFER_SCALE_VALUE,
    INFER_PRE_TOKENS,
    INFER_NEXT_TOKENS,
    INFER_LAYOUT,
    INFER_KV_HEADS,
    INFER_SPARSE_MODE,
    INFER_BLOCK_SIZE,
    INFER_MODE, /* antiquantMode */
    INFER_LSE_FLAG,
    INFER_KEY_MODE,
    INFER_VALUE_MODE,
    INFER_OUT,
    INFER_LSE,
    INFER_ARGUMENTS
} stub_infer_argument;

/* A call, read. */
typedef struct {
    const stub_call *call;
    const stub_infer_family *family;
    int arg[INFER_ARGUMENTS]; /* -1: the operator has no such argument */
    const char *letters;      /* of the query's and the keys' layout */
    uint32_t letter_count;
    const char *out_letters;
    uint32_t out_letter_count;
    bool by_tokens, paged, listed;  /* TND; with a block table; a tensor of keys for each batch */
    int64_t batches, rows, columns; /* tokens of one batch, at most */
    int64_t heads, kv_heads, d, dv;
    int64_t block_size, block_count, blocks; /* of a cache; in it; of a sequence, at most */
    int64_t sparse_mode;
    stub_layout q, k, v, out;
} stub_infer;

bool stub_infer_has(const stub_infer *infer, stub_infer_argument argument);
const aclTensor *stub_infer_tensor(const stub_infer *infer, stub_infer_argument argument);
int64_t stub_infer_number(const stub_infer *infer, stub_infer_argument argument, int64_t otherwise);
const aclIntArray *stub_infer_ints(const stub_infer *infer, stub_infer_argument argument);
/* Item `i` of the keys or values, which some of the operators take as a list. */
const aclTensor *stub_infer_item(const stub_infer *infer, stub_infer_argument argument, uint64_t i);
uint64_t stub_infer_items(const stub_infer *infer, stub_infer_argument argument);

/* Finds the arguments, and refuses those that there is no kernel for. */
aclnnStatus stub_infer_read(const stub_call *call, const stub_infer_family *family, stub_infer *infer);
/* Ranks and shapes; fills what follows from them. */
aclnnStatus stub_infer_shapes(stub_infer *infer);
/* A tensor of keys or values; false when rank or heads do not fit. */
bool stub_infer_key_layout(const stub_infer *infer, const aclTensor *tensor, stub_layout *layout);
/* Whether the mask says no more than the sparse mode: a triangle of [2048, 2048]. */
bool stub_infer_is_compressed(const stub_infer *infer);
/* Tokens of a batch's query and keys, and where they start in a tensor. */
typedef struct {
    int64_t start, count;
} stub_infer_span;
stub_infer_span stub_infer_rows(const stub_infer *infer, int64_t batch);
stub_infer_span stub_infer_columns(const stub_infer *infer, int64_t batch);

/* Memory of one run. */
typedef struct {
    void *last; /* block, which knows the one before it */
} stub_infer_memory;
/* NULL without memory. */
void *stub_infer_take(stub_infer_memory *memory, int64_t count, size_t size);
void stub_infer_free(stub_infer_memory *memory);
/* All elements of a tensor as floats. */
aclnnStatus stub_infer_floats(const stub_infer *infer, stub_infer_argument argument, stub_infer_memory *memory,
                              const float **floats);
aclnnStatus stub_infer_integers(const stub_infer *infer, stub_infer_argument argument, stub_infer_memory *memory,
                                const int64_t **integers);
/* The factors of integer keys and values, for each batch. `table`: the batch's blocks. */
aclnnStatus stub_infer_check_factors(const stub_infer *infer);
aclnnStatus stub_infer_factors(const stub_infer *infer, stub_infer_memory *memory, const int32_t *table,
                               stub_sequence *sequences);

aclnnStatus stub_infer_family_check(const stub_call *call, stub_plan *plan, const stub_infer_family *family);
aclnnStatus stub_infer_family_run(const stub_call *call, const stub_infer_family *family);

#endif
