/* Where each token of aclnnDequantRopeQuantKvcache goes in the caches. CANN checks no index and would write anywhere;
 * here each one is checked before anything is written. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "opapi/attention/dequant_rope_job.h"
#include "opapi/rows.h"
#include "opapi/validate.h"

static aclnnStatus read_indices(stub_rope_job *job, int64_t count) {
    stub_view view;
    stub_row row;
    STUB_REQUIRE(stub_view_open(job->call, ROPE_INDICES, &view));
    stub_row_start(&row, &view, 0, 0);
    for (int64_t first = 0; first < count; first += STUB_CHUNK) {
        stub_chunk chunk;
        int32_t indices[STUB_CHUNK];
        const size_t n = stub_chunk_length(count, first);
        memcpy(indices, stub_row_read(&row, first, n, &chunk), n * sizeof *indices);
        for (size_t i = 0; i < n; i++) {
            job->rows[first + (int64_t)i] = indices[i];
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus refuse_start(const stub_rope_job *job, int64_t batch, int64_t start) {
    const stub_rope_sizes *sizes = &job->sizes;
    if (sizes->length > sizes->cache_rows) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                         "%s: indices[%lld] is %lld, but with cacheMode contiguous no start row will do: x has %lld "
                         "tokens a batch, the caches have %lld rows",
                         job->call->op->name, (long long)batch, (long long)start, (long long)sizes->length,
                         (long long)sizes->cache_rows);
    }
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                     "%s: indices[%lld] is %lld; with cacheMode contiguous it must be 0 to %lld, where the %lld tokens "
                     "of x still fit the %lld rows of a batch in the caches",
                     job->call->op->name, (long long)batch, (long long)start,
                     (long long)(sizes->cache_rows - sizes->length), (long long)sizes->length,
                     (long long)sizes->cache_rows);
}

static aclnnStatus check_starts(const stub_rope_job *job) {
    const stub_rope_sizes *sizes = &job->sizes;
    for (int64_t batch = 0; batch < sizes->batches; batch++) {
        const int64_t start = job->rows[batch];
        if (start < 0 || start > sizes->cache_rows - sizes->length) {
            return refuse_start(job, batch, start);
        }
    }
    return ACLNN_SUCCESS;
}

/* From the start rows in the front of job->rows; from the last batch on, so that none is overwritten unread. */
static aclnnStatus load_batches(stub_rope_job *job) {
    const stub_rope_sizes *sizes = &job->sizes;
    STUB_REQUIRE(check_starts(job));
    for (int64_t batch = sizes->batches - 1; batch >= 0; batch--) {
        const int64_t start = batch * sizes->cache_rows + job->rows[batch];
        for (int64_t s = 0; s < sizes->length; s++) {
            job->rows[batch * sizes->length + s] = start + s;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_pages(const stub_rope_job *job, int64_t limit) {
    const stub_rope_sizes *sizes = &job->sizes;
    for (int64_t token = 0; token < sizes->tokens; token++) {
        if (job->rows[token] >= limit) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: indices[%lld] is %lld; with cacheMode page it must be below %lld, the %lld * %lld "
                             "rows of the caches, or negative for a token without a row",
                             job->call->op->name, (long long)token, (long long)job->rows[token], (long long)limit,
                             (long long)sizes->cache_batches, (long long)sizes->cache_rows);
        }
    }
    return ACLNN_SUCCESS;
}

/* A set of cache rows, open addressing over 2^bits places that are at most half full. */
typedef struct {
    uint32_t *places; /* row + 1, or 0 */
    int bits;
} row_set;

/* False when it is there already. */
static bool add_row(const row_set *set, uint32_t row) {
    const uint64_t last = (UINT64_C(1) << set->bits) - 1;
    uint64_t place = row * UINT64_C(0x9E3779B97F4A7C15) >> (64 - set->bits);
    while (set->places[place] != 0) {
        if (set->places[place] == row + 1) {
            return false;
        }
        place = (place + 1) & last;
    }
    set->places[place] = row + 1;
    return true;
}

static aclnnStatus drop_duplicates(stub_rope_job *job) {
    row_set set = {.bits = 1};
    while (INT64_C(1) << set.bits < 2 * job->sizes.tokens) {
        set.bits++;
    }
    set.places = calloc((size_t)1 << set.bits, sizeof *set.places);
    if (set.places == NULL) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory to compare indices", job->call->op->name);
    }
    for (int64_t token = job->sizes.tokens - 1; token >= 0; token--) {
        const int64_t row = job->rows[token];
        if (row >= 0 && !add_row(&set, (uint32_t)row)) {
            job->rows[token] = -1;
        }
    }
    free(set.places);
    return ACLNN_SUCCESS;
}

static aclnnStatus load_pages(stub_rope_job *job) {
    int64_t limit;
    if (__builtin_mul_overflow(job->sizes.cache_batches, job->sizes.cache_rows, &limit) || limit > INT32_MAX) {
        limit = (int64_t)INT32_MAX + 1; /* what an index can say */
    }
    STUB_REQUIRE(check_pages(job, limit));
    return drop_duplicates(job);
}

aclnnStatus stub_rope_load_rows(stub_rope_job *job) {
    const bool paged = stub_dequant_rope_is_paged(job->call);
    job->rows = stub_rope_allocate(job, (size_t)job->sizes.tokens * sizeof *job->rows, "the cache rows of all tokens");
    if (job->rows == NULL) {
        return ACLNN_ERR_INNER;
    }
    STUB_REQUIRE(read_indices(job, paged ? job->sizes.tokens : job->sizes.batches));
    return paged ? load_pages(job) : load_batches(job);
}
