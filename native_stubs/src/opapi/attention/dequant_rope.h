/* aclnnDequantRopeQuantKvcache: what its two phases share. */
#ifndef ASCEND_STUB_OPAPI_DEQUANT_ROPE_H
#define ASCEND_STUB_OPAPI_DEQUANT_ROPE_H

#include "nnopbase/call.h"

/* Arguments in the order of the prototype. */
enum {
    ROPE_X,
    ROPE_COS,
    ROPE_SIN,
    ROPE_K_CACHE,
    ROPE_V_CACHE,
    ROPE_INDICES,
    ROPE_SCALE_K,
    ROPE_SCALE_V,
    ROPE_OFFSET_K,
    ROPE_OFFSET_V,
    ROPE_WEIGHT_SCALE,
    ROPE_ACTIVATION_SCALE,
    ROPE_BIAS,
    ROPE_SIZE_SPLITS,
    ROPE_QUANT_MODE,
    ROPE_LAYOUT,
    ROPE_KV_OUTPUT,
    ROPE_CACHE_MODE,
    ROPE_Q,
    ROPE_K,
    ROPE_V
};

/* The operator's sizes, of arguments whose shapes passed phase one. */
typedef struct {
    int64_t batches, length;           /* B and S; S is 1 for an x of rank 2 */
    int64_t tokens;                    /* B * S */
    int64_t q_heads, kv_heads, d;      /* Nq, Nkv, D */
    int64_t columns;                   /* H = (Nq + 2 Nkv) D */
    int64_t cache_batches, cache_rows; /* C1, C2 */
} stub_rope_sizes;

stub_rope_sizes stub_dequant_rope_sizes(const stub_call *call);

/* Whether indices name a cache row per token; else they name a start row per batch. */
bool stub_dequant_rope_is_paged(const stub_call *call);

/* x is the int32 result of a matrix product; else the three dequantisation parameters have no effect. */
bool stub_dequant_rope_is_integer(const stub_call *call);

/* Offsets count only when there are both. */
bool stub_dequant_rope_has_offsets(const stub_call *call);

aclnnStatus stub_dequant_rope_check(const stub_call *call, stub_plan *plan);

#endif
