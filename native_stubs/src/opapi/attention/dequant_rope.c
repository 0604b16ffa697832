/* aclnnDequantRopeQuantKvcache on Atlas A2 and A3: dequantises the int32 result of a matrix product (or takes fp16 and
 * bf16 as they are), splits it into q, k and v, rotates q and k, and quantises k and v to int8 rows of the caches.
 *
 * With fp16 tables the rotation rounds to fp16 after every operation; with bf16 tables it is fp32 throughout, and the
 * cache sees k unrounded. Hardware leaves the columns of an Nkv*D behind the last multiple of 64 unscaled; here every
 * column follows the documented formula. */
#include "opapi/attention/dequant_rope.h"
#include "opapi/kernel.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/parallel.h"
#include "opapi/attention/dequant_rope_job.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

/* Of x: what is worth another thread, some 15 us, and what a thread takes at a time. */
enum { WORKER_BYTES = 128 << 10, STEP_BYTES = 48 << 10 };

void *stub_rope_allocate(stub_rope_job *job, size_t bytes, const char *purpose) {
    void *memory = malloc(bytes + 1); /* never of no bytes */
    if (memory == NULL) {
        stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %s (%zu bytes)", job->call->op->name, purpose, bytes);
        return NULL;
    }
    job->owned[job->owned_count++] = memory;
    return memory;
}

static void run_worker(void *state, size_t index) {
    stub_rope_job *job = state;
    void *scratch = job->scratch + index * job->scratch_bytes;
    for (int64_t first;
         (first = atomic_fetch_add_explicit(&job->next, job->step, memory_order_relaxed)) < job->sizes.tokens;) {
        const int64_t left = job->sizes.tokens - first;
        stub_rope_run_tokens(job, first, first + (left < job->step ? left : job->step), scratch);
    }
}

static size_t count_workers(const stub_rope_job *job, int64_t token_bytes) {
    const int64_t worth = job->sizes.tokens / (WORKER_BYTES / token_bytes + 1), threads = stub_parallel_threads();
    return worth < 1 ? 1 : (size_t)(worth < threads ? worth : threads);
}

static aclnnStatus run_job(stub_rope_job *job) {
    STUB_REQUIRE(stub_rope_open_tensors(job));
    STUB_REQUIRE(stub_rope_load_parameters(job));
    STUB_REQUIRE(stub_rope_load_rows(job));
    const int64_t token_bytes = job->sizes.columns * job->x.view.bits / 8;
    const size_t workers = count_workers(job, token_bytes);
    job->step = STEP_BYTES / token_bytes + 1;
    job->scratch_bytes = stub_rope_scratch_bytes(job);
    job->scratch = stub_rope_allocate(job, workers * job->scratch_bytes, "heads with gaps and the tables of a token");
    if (job->scratch == NULL) {
        return ACLNN_ERR_INNER;
    }
    stub_parallel(workers, run_worker, job);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_rope_job job = {
        .call = call,
        .loops = stub_get_rope_loops(),
        .sizes = stub_dequant_rope_sizes(call),
        .half = stub_half_of(stub_tensor_arg(call, ROPE_COS)),
        .is_integer = stub_dequant_rope_is_integer(call),
        .kv_output = call->args[ROPE_KV_OUTPUT].flag,
    };
    const aclnnStatus status = run_job(&job);
    while (job.owned_count > 0) {
        free(job.owned[--job.owned_count]);
    }
    return status;
}

STUB_KERNEL(aclnnDequantRopeQuantKvcache, stub_dequant_rope_check, run)
