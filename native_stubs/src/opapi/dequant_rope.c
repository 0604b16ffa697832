/* aclnnDequantRopeQuantKvcache on Atlas A2 and A3: dequantises the int32 result of a matrix product (or takes fp16 and
 * bf16 as they are), splits it into q, k and v, rotates q and k, and quantises k and v to int8 rows of the caches.
 *
 * With fp16 tables the rotation rounds to fp16 after every operation; with bf16 tables it is fp32 throughout, and the
 * cache sees k unrounded. Hardware leaves the columns of an Nkv*D behind the last multiple of 64 unscaled; here every
 * column follows the documented formula. */
#include "opapi/dequant_rope.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "opapi/dequant_rope_job.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

enum { PIECE_BYTES = 256 << 10 }; /* of x; some 20 us and more */

static aclnnStatus open_views(stub_rope_job *job) {
    const stub_call *call = job->call;
    STUB_REQUIRE(stub_view_open(call, ROPE_X, &job->x));
    STUB_REQUIRE(stub_view_open(call, ROPE_COS, &job->cosine));
    STUB_REQUIRE(stub_view_open(call, ROPE_SIN, &job->sine));
    STUB_REQUIRE(stub_view_open(call, ROPE_K_CACHE, &job->k_cache));
    STUB_REQUIRE(stub_view_open(call, ROPE_V_CACHE, &job->v_cache));
    STUB_REQUIRE(stub_view_open(call, ROPE_Q, &job->q));
    if (job->kv_output) {
        STUB_REQUIRE(stub_view_open(call, ROPE_K, &job->k));
        STUB_REQUIRE(stub_view_open(call, ROPE_V, &job->v));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus allocate_scratch(stub_rope_job *job, size_t pieces) {
    job->scratch_bytes = stub_rope_scratch_bytes(job);
    job->scratch = calloc(pieces, job->scratch_bytes);
    if (job->scratch == NULL) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for heads of %lld elements", job->call->op->name,
                         (long long)job->sizes.d);
    }
    return ACLNN_SUCCESS;
}

static void run_piece(void *state, size_t index) {
    const stub_rope_job *job = state;
    const int64_t first = (int64_t)index * job->piece, left = job->sizes.tokens - first;
    const int64_t end = first + (left < job->piece ? left : job->piece);
    stub_rope_run_tokens(job, first, end, job->scratch + index * job->scratch_bytes);
}

static aclnnStatus run_job(stub_rope_job *job) {
    STUB_REQUIRE(open_views(job));
    STUB_REQUIRE(stub_rope_load_parameters(job));
    STUB_REQUIRE(stub_rope_load_rows(job));
    const int64_t token_bytes = job->sizes.columns * job->x.bits / 8;
    job->piece = token_bytes < PIECE_BYTES ? PIECE_BYTES / token_bytes : 1;
    const size_t pieces = (size_t)((job->sizes.tokens - 1) / job->piece + 1);
    STUB_REQUIRE(allocate_scratch(job, pieces));
    stub_parallel(pieces, run_piece, job);
    return ACLNN_SUCCESS;
}

static void end_job(stub_rope_job *job) {
    void *const owned[] = {job->scale_k,    job->scale_v, job->offset_k,     job->offset_v, job->weight,
                           job->activation, job->bias,    job->integer_bias, job->rows,     job->scratch};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        free(owned[i]);
    }
}

static aclnnStatus run(const stub_call *call) {
    stub_rope_job job = {
        .call = call,
        .loops = stub_get_rope_loops(),
        .sizes = stub_dequant_rope_sizes(call),
        .half = stub_half_of(stub_tensor_arg(call, ROPE_COS)),
        .is_integer = stub_dequant_rope_is_integer(call),
        .kv_output = call->args[ROPE_KV_OUTPUT].flag,
        .lead = stub_tensor_arg(call, ROPE_X)->rank - 1,
    };
    const aclnnStatus status = run_job(&job);
    end_job(&job);
    return status;
}

extern const stub_kernel stub_kernel_aclnnDequantRopeQuantKvcache;
const stub_kernel stub_kernel_aclnnDequantRopeQuantKvcache = {stub_dequant_rope_check, run};
