/* One run of aclnnDequantRopeQuantKvcache on the stream's worker: what is prepared once, and the work per token. */
#ifndef ASCEND_STUB_OPAPI_DEQUANT_ROPE_JOB_H
#define ASCEND_STUB_OPAPI_DEQUANT_ROPE_JOB_H

#include "opapi/dequant_rope.h"
#include "opapi/dequant_rope_loops.h"
#include "opapi/view.h"

typedef struct {
    const stub_call *call;
    const stub_rope_loops *loops;
    stub_rope_sizes sizes;
    stub_half half;             /* of the tables and outputs */
    bool is_integer, kv_output; /* x is int32; k and v are written */
    uint32_t lead;              /* dimensions of x before the last */
    stub_view x, cosine, sine, q, k, v, k_cache, v_cache;
    float *scale_k, *scale_v;   /* per column of k and v */
    float *offset_k, *offset_v; /* NULL without */
    float *weight, *activation; /* per column of x, per token; NULL without */
    float *bias;                /* per column of x; NULL when there is none or an integer one */
    int32_t *integer_bias;      /* likewise */
    int64_t *rows;              /* per token: its row in the caches seen as [C1 * C2, Nkv, D]; negative for none */
    uint8_t *scratch;           /* a part per piece of work */
    size_t scratch_bytes;       /* of one part */
    int64_t piece;              /* tokens of a piece */
} stub_rope_job;

/* Reads scales, offsets, weightScale, activationScale and bias. The memory is the job's. */
aclnnStatus stub_rope_load_parameters(stub_rope_job *job);

/* Reads indices into job->rows; 507015 with a text for a value that leads outside of the caches. Of several tokens
 * with the same row only the last one keeps it: on hardware any of them may be the last to write. */
aclnnStatus stub_rope_load_rows(stub_rope_job *job);

/* Bytes that stub_rope_run_tokens needs as scratch memory. */
size_t stub_rope_scratch_bytes(const stub_rope_job *job);

void stub_rope_run_tokens(const stub_rope_job *job, int64_t first, int64_t end, void *scratch);

#endif
