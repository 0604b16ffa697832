/* Which blocks of keys matter to a token: by the attention it pays to compressed keys, each of which stands for some
 * tokens in a row. What NsaCompressAttention and its form for inference find beside their attention. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_NSA_IMPORTANCE_H
#define ASCEND_STUB_OPAPI_ATTENTION_NSA_IMPORTANCE_H

#include "opapi/attention/attention.h"

/* Of one sequence: how many blocks there are, and where the numbers of the chosen ones go. Steps in elements. */
typedef struct {
    int64_t blocks;
    stub_plane wanted; /* [row][block]: not 0 where a block comes before all others */
    int32_t *chosen;
    int64_t token, head, element;
} stub_choice;

/* The attention has been run, and its sequences' `largest` and `sum` hold what it found. */
typedef struct {
    const stub_attention *attention;
    const stub_choice *choices; /* for each sequence */
    int64_t stride;             /* compressed keys from one block to the next */
    int64_t overlap;            /* such strides that one compressed key stands for; at most `stride` */
    int64_t count;              /* blocks to choose, at most as many as there are */
    bool ends;                  /* the first and the last two blocks come before all others */
} stub_importance;

/* On all cores. 561000 without host memory. */
aclnnStatus stub_importance_run(const stub_call *call, const stub_importance *importance);

#endif
