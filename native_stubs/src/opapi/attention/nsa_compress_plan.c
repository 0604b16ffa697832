/* How the work of aclnnNsaCompress is cut: for caches, for few conversions of the same token, and for all threads. */
#include "core/parallel.h"
#include "opapi/attention/nsa_compress_job.h"

enum {
    WINDOWS_BYTES = 16 * 1024,                /* of input, at least: so that tiles are worth their beginning */
    TILE_BYTES = 256 * 1024,                  /* of input: half of a usual second cache */
    MOST_PLANES = 4,                          /* that are widened at once: a line of the input */
    TOKEN_BYTES = STUB_PLANE * sizeof(float), /* of a plane */
    PLANES_BYTES = 26 * 1024,                 /* what a usual first cache holds, with the sums */
    LONGEST_PLANES = 192 * 1024,              /* and a usual second cache */
    REUSE = 4,                                /* tokens that are widened for each one that the next tile widens again */
    SPAN_BYTES = 256 * 1024,                  /* of input, at least */
    SPANS_PER_THREAD = 8
};

static int64_t row_bytes(const stub_compression *job, int64_t heads) {
    return job->stride * heads * job->columns * STUB_HALF_BYTES;
}

/* Windows whose tokens, of all planes, fit in `bytes`; one at least. */
static int64_t fitting_windows(const stub_compression *job, int64_t bytes) {
    const int64_t tokens = bytes / TOKEN_BYTES / job->cut.planes;
    return tokens < job->block ? 1 : (tokens - job->block) / job->stride + 1;
}

static void cut_planes(stub_compression *job) {
    stub_compression_cut *cut = &job->cut;
    const int64_t planes = stub_pieces(job->columns, STUB_PLANE);
    const int64_t wanted = 1 + REUSE * (job->block - job->stride) / job->stride;
    cut->planes = stub_pieces(planes, stub_pieces(planes, MOST_PLANES));
    while (cut->planes > 1 && fitting_windows(job, LONGEST_PLANES) < wanted) {
        cut->planes /= 2;
    }
    cut->at_once = fitting_windows(job, PLANES_BYTES);
    cut->rows = stub_larger(stub_smaller(wanted, fitting_windows(job, LONGEST_PLANES)), cut->at_once);
}

static void cut_spans(stub_compression *job) {
    stub_compression_cut *cut = &job->cut;
    const int64_t fair = job->rows * cut->head_tiles / ((int64_t)stub_parallel_threads() * SPANS_PER_THREAD);
    const int64_t rows = stub_larger(stub_larger(fair, SPAN_BYTES / row_bytes(job, cut->heads)), 1);
    cut->span_rows = stub_pieces(rows, cut->rows) * cut->rows;
    cut->spans_in_line = stub_pieces(job->rows, cut->span_rows);
}

void stub_compression_plan(stub_compression *job) {
    stub_compression_cut *cut = &job->cut;
    job->direct = stub_is_dense(&job->input) && job->columns >= STUB_DIRECT_UNIT &&
                  stub_pieces(job->block, job->stride) <= job->loops->most_direct;
    if (job->direct) {
        cut->rows = stub_pieces(WINDOWS_BYTES, row_bytes(job, job->heads));
    } else {
        cut_planes(job);
    }
    cut->rows = stub_smaller(cut->rows, job->rows);
    cut->tokens = (cut->rows - 1) * job->stride + job->block;
    cut->at_once = stub_smaller(cut->at_once, cut->rows);
    cut->head_tiles = stub_pieces(job->heads, stub_larger(1, TILE_BYTES / (cut->rows * row_bytes(job, 1))));
    cut->heads = stub_pieces(job->heads, cut->head_tiles);
    cut_spans(job);
}
