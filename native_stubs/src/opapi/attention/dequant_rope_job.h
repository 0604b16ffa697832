/* One run of aclnnDequantRopeQuantKvcache on the stream's worker: what is prepared once, and the work per token. */
#ifndef ASCEND_STUB_OPAPI_DEQUANT_ROPE_JOB_H
#define ASCEND_STUB_OPAPI_DEQUANT_ROPE_JOB_H

#include <stdatomic.h>

#include "opapi/attention/dequant_rope.h"
#include "opapi/attention/dequant_rope_loops.h"
#include "opapi/view.h"

/* A tensor with something for each token, or for each row of the caches: [batches, length, ...] or [batches, ...]. */
typedef struct {
    stub_view view;
    int64_t batch, token; /* elements from one to the next */
    uint32_t axis;        /* the first of what one token has */
    bool whole;           /* the elements of one token are neighbours in memory, in order */
} stub_rope_tensor;

enum { STUB_ROPE_MOST_OWNED = 9 }; /* four for k and v, three for an int32 x, rows, scratch */

typedef struct {
    const stub_call *call;
    const stub_rope_loops *loops;
    stub_rope_sizes sizes;
    stub_half half;             /* of the tables and outputs */
    bool is_integer, kv_output; /* x is int32; k and v are written */
    stub_rope_tensor x, cosine, sine, q, k, v, k_cache, v_cache;
    const float *scale_k, *scale_v;   /* per column of k and v */
    const float *offset_k, *offset_v; /* NULL without */
    const float *weight, *activation; /* per column of x, per token; NULL without */
    const float *bias;                /* per column of x; NULL when there is none or an integer one */
    const int32_t *integer_bias;      /* likewise */
    int64_t *rows;                    /* per token: its row in the caches seen as [C1 * C2, ...]; negative for none */
    uint8_t *scratch;                 /* a part per worker */
    size_t scratch_bytes;             /* of one part */
    int64_t step;                     /* tokens that a worker takes at a time */
    atomic_int_fast64_t next;         /* the first token that no worker has taken */
    void *owned[STUB_ROPE_MOST_OWNED];
    size_t owned_count;
} stub_rope_job;

/* Uninitialised memory that the job frees at its end; NULL with a text that says what it was for. */
void *stub_rope_allocate(stub_rope_job *job, size_t bytes, const char *purpose);

/* Reads scales, offsets, weightScale, activationScale and bias. */
aclnnStatus stub_rope_load_parameters(stub_rope_job *job);

/* Reads indices into job->rows; 507015 with a text for a value that leads outside of the caches. Of several tokens
 * with the same row only the last one keeps it: on hardware any of them may be the last to write. */
aclnnStatus stub_rope_load_rows(stub_rope_job *job);

/* Opens the tensors that tokens have a part of. */
aclnnStatus stub_rope_open_tensors(stub_rope_job *job);

/* Bytes that stub_rope_run_tokens needs as scratch memory, a multiple of a cache line. */
size_t stub_rope_scratch_bytes(const stub_rope_job *job);

void stub_rope_run_tokens(const stub_rope_job *job, int64_t first, int64_t end, void *scratch);

#endif
