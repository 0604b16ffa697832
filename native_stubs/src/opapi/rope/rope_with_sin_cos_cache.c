/* aclnnRopeWithSinCosCache: heads of queries and keys turned by the cosines and sines that a cache has for their
 * positions. A row of the cache is [cosines, sines], each for half of the elements that are turned; the rest of a head
 * is copied. */
#include <string.h>

#include "opapi/rope/rope.h"

enum { POSITIONS, QUERY, KEY, CACHE, SECTIONS, HEAD_SIZE, NEOX, QUERY_OUT, KEY_OUT };
enum { SECTION_COUNT = 3, MOST_TURNED = 2 * STUB_STRETCH };

typedef struct {
    const stub_call *call;
    stub_view positions, cache;
    int64_t head_size, turned; /* elements of a head; those that are turned */
    bool neox;                 /* pairs (k, k + turned/2), else (2k, 2k + 1) */
    int64_t section[SECTION_COUNT];
} job;

static aclnnStatus refuse(const stub_call *call, const char *what) {
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s", call->op->name, what);
}

static bool has_sections(const stub_call *call) {
    return stub_tensor_arg(call, POSITIONS)->rank == 2;
}

static aclnnStatus check_sizes(const stub_call *call) {
    const aclTensor *query = stub_tensor_arg(call, QUERY), *key = stub_tensor_arg(call, KEY);
    const aclTensor *positions = stub_tensor_arg(call, POSITIONS);
    const int64_t size = call->args[HEAD_SIZE].integer, turned = stub_last_dim(stub_tensor_arg(call, CACHE));
    if (size <= 0 || query->shape[1] % size != 0 || key->shape[1] % size != 0) {
        return refuse(call, "headSize must divide the second dimensions of queryIn and keyIn");
    }
    if (turned <= 0 || turned % 2 != 0 || turned > size || turned > MOST_TURNED) {
        return refuse(call, "the second dimension of cosSinCache must be even and at most headSize");
    }
    if (key->shape[0] != query->shape[0] || stub_last_dim(positions) != query->shape[0]) {
        return refuse(call, "positions, queryIn and keyIn must have the same number of tokens");
    }
    const aclIntArray *sections = call->args[SECTIONS].ints;
    if (!has_sections(call)) {
        return ACLNN_SUCCESS;
    }
    if (positions->shape[0] != SECTION_COUNT || !sections || sections->size != SECTION_COUNT) {
        return refuse(call, "positions of rank 2 are [3, tokens], and mropeSection has 3 values");
    }
    const int64_t *part = sections->values;
    return part[0] >= 0 && part[1] >= 0 && part[2] >= 0 && part[0] + part[1] + part[2] == turned / 2
               ? ACLNN_SUCCESS
               : refuse(call, "mropeSection must add up to half of cosSinCache's second dimension");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    static const uint32_t tensors[] = {POSITIONS, QUERY, KEY, CACHE, QUERY_OUT, KEY_OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 6));
    const stub_dtypes indices = STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64);
    const stub_dtype_rule rules[] = {{POSITIONS, STUB_ON_ALL(indices)}, {QUERY, STUB_ON_ALL(STUB_FLOATS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    for (uint32_t i = 2; i < 6; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], QUERY));
    }
    STUB_REQUIRE(stub_check_rank(call, POSITIONS, 1, 2));
    for (uint32_t arg = QUERY; arg <= CACHE; arg++) {
        STUB_REQUIRE(stub_check_rank(call, arg, 2, 2));
    }
    STUB_REQUIRE(stub_check_same_shape(call, QUERY_OUT, QUERY));
    STUB_REQUIRE(stub_check_same_shape(call, KEY_OUT, KEY));
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, QUERY)) == 0 && stub_tensor_numel(stub_tensor_arg(call, KEY)) == 0;
    return check_sizes(call);
}

/* Some numbers of the cache's row for a token's position; 0 means that there is no such row. */
static int load_cache(const job *work, int64_t which, int64_t token, int64_t column, int64_t n, float *numbers) {
    const aclTensor *positions = work->positions.tensor, *cache = work->cache.tensor;
    const int64_t steps = positions->rank == 2 ? which * positions->strides[0] : 0;
    const int64_t at = positions->offset + steps + token * positions->strides[positions->rank - 1];
    const int64_t bytes = work->positions.bits / 8, size = work->cache.bits / 8;
    int64_t row = 0;
    stub_load(positions->dtype, work->positions.base + at * bytes, bytes, 1, ACL_INT64, &row);
    if (row < 0 || row >= cache->shape[0]) {
        return 0;
    }
    const int64_t from = cache->offset + row * cache->strides[0] + column * cache->strides[1];
    stub_load(cache->dtype, work->cache.base + from * size, cache->strides[1] * size, (size_t)n, ACL_FLOAT, numbers);
    return 1;
}

/* One of the two halves of a token's row, each number at both places of its pair. */
static int load_half(const job *work, int64_t token, int64_t first, float *numbers) {
    float loaded[STUB_STRETCH];
    const int64_t half = work->turned / 2;
    int64_t column = 0;
    for (int64_t which = 0; which < SECTION_COUNT && column < half; which++) {
        if (!load_cache(work, which, token, first + column, work->section[which], loaded + column)) {
            return 0;
        }
        column += work->section[which];
    }
    for (int64_t k = 0; k < half; k++) {
        numbers[work->neox ? k : 2 * k] = loaded[k];
        numbers[work->neox ? k + half : 2 * k + 1] = loaded[k];
    }
    return 1;
}

static aclnnStatus turn_token(const void *constants, void *const *array, const int64_t *length, int64_t position,
                              void *scratch) {
    (void)scratch;
    const job *work = constants;
    float cosines[MOST_TURNED], sines[MOST_TURNED];
    if (!load_half(work, position, 0, cosines) || !load_half(work, position, work->turned / 2, sines)) {
        return ACL_ERROR_RT_AICORE_EXCEPTION;
    }
    const float *x = array[0];
    float *y = array[1];
    memcpy(y, x, (size_t)length[0] * sizeof(float));
    for (int64_t head = 0; head < length[0]; head += work->head_size) {
        stub_rope_turn(work->neox ? STUB_ROPE_HALF : STUB_ROPE_INTERLEAVE, work->turned, x + head, cosines, sines,
                       y + head);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus turn_tokens(const job *work, uint32_t in, uint32_t out) {
    stub_view x, y;
    STUB_REQUIRE(stub_view_open(work->call, in, &x));
    STUB_REQUIRE(stub_view_open(work->call, out, &y));
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&x, 2, ACL_FLOAT}, {&y, 2, ACL_FLOAT}},
                              .line = turn_token,
                              .constants = work};
    return stub_lines_run(work->call, &lines);
}

static aclnnStatus run(const stub_call *call) {
    job work = {.call = call, .head_size = call->args[HEAD_SIZE].integer, .neox = call->args[NEOX].flag};
    work.turned = stub_last_dim(stub_tensor_arg(call, CACHE));
    work.section[0] = work.turned / 2;
    for (uint32_t i = 0; has_sections(call) && i < SECTION_COUNT; i++) {
        work.section[i] = call->args[SECTIONS].ints->values[i];
    }
    STUB_REQUIRE(stub_view_open(call, POSITIONS, &work.positions));
    STUB_REQUIRE(stub_view_open(call, CACHE, &work.cache));
    const aclnnStatus status = turn_tokens(&work, QUERY, QUERY_OUT);
    const aclnnStatus both = status == ACLNN_SUCCESS ? turn_tokens(&work, KEY, KEY_OUT) : status;
    return both != ACL_ERROR_RT_AICORE_EXCEPTION
               ? both
               : stub_fail(both, "%s: a position is outside of cosSinCache", call->op->name);
}

STUB_KERNEL(aclnnRopeWithSinCosCache, check, run)
