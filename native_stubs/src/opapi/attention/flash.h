/* Attention for training: FlashAttentionScore and FlashAttentionVarLenScore in their versions, and their gradients,
 * whose arguments are the same, with the results among the inputs. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_FLASH_H
#define ASCEND_STUB_OPAPI_ATTENTION_FLASH_H

#include "opapi/attention/attention.h"
#include "opapi/attention/layout.h"
#include "opapi/kernel.h"

typedef struct {
    bool by_tokens; /* TND */
} stub_flash_family;

typedef enum {
    FLASH_QUERY,
    FLASH_KEY,
    FLASH_VALUE,
    FLASH_QUERY_ROPE,
    FLASH_KEY_ROPE,
    FLASH_PSE,
    FLASH_DROP,
    FLASH_MASK,
    FLASH_MAX,
    FLASH_SUM,
    FLASH_OUT,
    FLASH_TENSORS,
    FLASH_PREFIX = FLASH_TENSORS,
    FLASH_Q_LENGTHS,
    FLASH_KV_LENGTHS,
    FLASH_Q_START,
    FLASH_KV_START,
    FLASH_SCALE,
    FLASH_KEEP,
    FLASH_PRE_TOKENS,
    FLASH_NEXT_TOKENS,
    FLASH_HEADS,
    FLASH_LAYOUT,
    FLASH_SPARSE_MODE,
    FLASH_PSE_TYPE,
    FLASH_STATISTICS_LAYOUT,
    FLASH_ARGUMENTS
} stub_flash_argument;

typedef struct {
    const stub_call *call;
    const stub_flash_family *family;
    int arg[FLASH_ARGUMENTS]; /* -1: the operator has no such argument */
    stub_layout q, k, v, out, q_rope, k_rope;
    int64_t batches, heads, kv_heads;
    int64_t sparse_mode, pse_type;
    bool statistics_by_token; /* [T, N, 8] instead of [N, tokens of the batch, 8] for each batch */
} stub_flash;

const aclTensor *stub_flash_tensor(const stub_flash *flash, stub_flash_argument argument);
int64_t stub_flash_number(const stub_flash *flash, stub_flash_argument argument, int64_t otherwise);
const aclIntArray *stub_flash_ints(const stub_flash *flash, stub_flash_argument argument);

/* All of phase one but the question of whether there is anything to run; fills what follows from the arguments. */
aclnnStatus stub_flash_read(const stub_call *call, const stub_flash_family *family, stub_flash *flash);

/* Tokens of a batch: where they start and how many. */
typedef struct {
    int64_t start, count;
} stub_flash_span;
stub_flash_span stub_flash_rows(const stub_flash *flash, int64_t batch);
stub_flash_span stub_flash_columns(const stub_flash *flash, int64_t batch);

/* Phase two: makes the sequences, and calls `use` with the attention over them. */
typedef aclnnStatus stub_flash_use(const stub_flash *flash, const stub_attention *attention, void *user);
aclnnStatus stub_flash_run(const stub_flash *flash, stub_flash_use *use, void *user);

#endif
