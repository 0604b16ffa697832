/* Reading, writing and reducing at places. */
#include <stdlib.h>
#include <string.h>

#include "opapi/elements.h"
#include "opapi/indexing/places.h"
#include "opapi/loops.h"
#include "opapi/walk.h"

enum { VALUES, INDEXED, PLACES };

static void start(stub_walk *walk, const stub_indexing *job) {
    int64_t shape[STUB_MAX_RANK], steps[3][STUB_MAX_RANK];
    for (uint32_t i = 0; i < job->rank; i++) {
        shape[i] = job->axes[i].size;
        steps[VALUES][i] = job->axes[i].values;
        steps[INDEXED][i] = job->axes[i].indexed;
        steps[PLACES][i] = job->axes[i].place;
    }
    uint8_t *const first[] = {job->values.first, job->indexed.first, (uint8_t *)job->places.bytes};
    stub_walk_start(walk, shape, job->rank);
    for (int k = 0; k < 3; k++) {
        stub_walk_add_raw(walk, first[k], 1, shape, steps[k], job->rank);
    }
}

static int64_t place_at(const stub_piece *piece, size_t i) {
    int64_t place;
    memcpy(&place, piece->at[PLACES] + (int64_t)i * piece->step[PLACES], sizeof place);
    return place;
}

#define MOVE_EACH(type, to, to_step, to_place, from, from_step, from_place)                                            \
    for (size_t i = 0; i < piece->n; i++) {                                                                            \
        const int64_t place = place_at(piece, i);                                                                      \
        type v;                                                                                                        \
        memcpy(&v, (from) + (int64_t)i * (from_step) + (from_place), sizeof v);                                        \
        memcpy((to) + (int64_t)i * (to_step) + (to_place), &v, sizeof v);                                              \
    }                                                                                                                  \
    return;

typedef struct {
    uint64_t words[2];
} wide;

#define BY_WIDTH(...)                                                                                                  \
    switch (width) {                                                                                                   \
    case 1:                                                                                                            \
        MOVE_EACH(uint8_t, __VA_ARGS__)                                                                                \
    case 2:                                                                                                            \
        MOVE_EACH(uint16_t, __VA_ARGS__)                                                                               \
    case 4:                                                                                                            \
        MOVE_EACH(uint32_t, __VA_ARGS__)                                                                               \
    case 8:                                                                                                            \
        MOVE_EACH(uint64_t, __VA_ARGS__)                                                                               \
    default:                                                                                                           \
        MOVE_EACH(wide, __VA_ARGS__)                                                                                   \
    }

static void read_piece(void *state, const stub_piece *piece) {
    const int64_t width = *(const int64_t *)state;
    uint8_t *values = piece->at[VALUES];
    const uint8_t *indexed = piece->at[INDEXED];
    if (piece->step[PLACES] == 0) {
        stub_move(width, values, piece->step[VALUES], indexed + place_at(piece, 0), piece->step[INDEXED],
                  (int64_t)piece->n);
        return;
    }
    BY_WIDTH(values, piece->step[VALUES], 0, indexed, piece->step[INDEXED], place)
}

static void write_piece(void *state, const stub_piece *piece) {
    const int64_t width = *(const int64_t *)state;
    const uint8_t *values = piece->at[VALUES];
    uint8_t *indexed = piece->at[INDEXED];
    if (piece->step[PLACES] == 0) {
        stub_move(width, indexed + place_at(piece, 0), piece->step[INDEXED], values, piece->step[VALUES],
                  (int64_t)piece->n);
        return;
    }
    BY_WIDTH(indexed, piece->step[INDEXED], place, values, piece->step[VALUES], 0)
}

void stub_gather(const stub_indexing *job) {
    stub_walk walk;
    int64_t width = stub_box_width(&job->values);
    start(&walk, job);
    stub_walk_run(&walk, read_piece, &width);
}

/* Reducing: `indexed` is an array of numbers of one class. */
typedef struct {
    stub_reduction reduction;
    aclDataType from, as; /* of values; of the numbers */
    const aclScalar *alpha;
    void (*reduce)(const void *state, const stub_piece *piece, const void *values);
} reducer;

#define REDUCE(name, T, add_, multiply_)                                                                               \
    static void name(const void *state, const stub_piece *piece, const void *values) {                                 \
        const reducer *job = state;                                                                                    \
        const bool adds = job->reduction == STUB_ADD;                                                                  \
        const T *from = values;                                                                                        \
        for (size_t i = 0; i < piece->n; i++) {                                                                        \
            T *at = (T *)(void *)(piece->at[INDEXED] + place_at(piece, i) + (int64_t)i * piece->step[INDEXED]);        \
            const T x = *at, y = from[i];                                                                              \
            *at = adds ? (T)(add_) : (T)(multiply_);                                                                   \
        }                                                                                                              \
    }

REDUCE(reduce_f32, float, x + y, x *y)
REDUCE(reduce_f64, double, x + y, x *y)
REDUCE(reduce_i64, int64_t, (uint64_t)x + (uint64_t)y, (uint64_t)x *(uint64_t)y)
REDUCE(reduce_b8, uint8_t, x | y, x &y)
REDUCE(reduce_c128, double complex, x + y, x *y)

static const aclDataType wide_types[] = {ACL_FLOAT, ACL_DOUBLE, ACL_INT64, ACL_BOOL, ACL_COMPLEX128};

#define SCALE(T, multiply_)                                                                                            \
    {                                                                                                                  \
        T factor, *each = numbers;                                                                                     \
        stub_load(alpha->dtype, alpha->value.bytes, 0, 1, as, &factor);                                                \
        for (size_t i = 0; i < n; i++) {                                                                               \
            each[i] = (T)(multiply_);                                                                                  \
        }                                                                                                              \
        return;                                                                                                        \
    }

static void scale(const aclScalar *alpha, aclDataType as, void *numbers, size_t n) {
    switch (stub_class_of(as)) {
    case STUB_F32:
        SCALE(float, each[i] * factor)
    case STUB_F64:
        SCALE(double, each[i] * factor)
    case STUB_I64:
        SCALE(int64_t, (uint64_t)each[i] * (uint64_t)factor)
    case STUB_B8:
        SCALE(uint8_t, each[i] & factor)
    default:
        SCALE(double complex, each[i] * factor)
    }
}

static void reduce_piece(void *state, const stub_piece *piece) {
    const reducer *job = state;
    stub_stretch values;
    stub_load(job->from, piece->at[VALUES], piece->step[VALUES], piece->n, job->as, values.bytes);
    if (job->alpha != NULL) {
        scale(job->alpha, job->as, values.bytes, piece->n);
    }
    job->reduce(job, piece, values.bytes);
}

/* What reducing needs: the target's numbers side by side, in the widest type of their class. */
aclnnStatus stub_scatter_start(const stub_call *call, stub_indexing *job, const stub_box *target,
                               stub_reduction reduction) {
    job->target = job->indexed = *target;
    job->reduction = reduction;
    if (reduction == STUB_SET) {
        return ACLNN_SUCCESS;
    }
    const aclDataType as = wide_types[stub_class_of(target->dtype)];
    const int64_t count = stub_box_size(target);
    job->numbers = malloc((size_t)(count > 0 ? count : 1) * stub_class_size(stub_class_of(as)));
    if (job->numbers == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for %lld sums", call->op->name, (long long)count);
    }
    job->indexed = stub_box_over(job->numbers, as, target->shape, target->rank);
    stub_copy(&job->indexed, target);
    return ACLNN_SUCCESS;
}

void stub_scatter(const stub_indexing *job, const aclScalar *alpha) {
    static void (*const loops[])(const void *, const stub_piece *, const void *) = {reduce_f32, reduce_f64, reduce_i64,
                                                                                    reduce_b8, reduce_c128};
    int64_t width = stub_box_width(&job->indexed);
    stub_walk walk;
    start(&walk, job);
    if (job->reduction == STUB_SET) {
        stub_walk_in_order(&walk, write_piece, &width);
        return;
    }
    reducer work = {.reduction = job->reduction,
                    .from = job->values.dtype,
                    .as = job->indexed.dtype,
                    .alpha = alpha,
                    .reduce = loops[stub_class_of(job->indexed.dtype)]};
    stub_walk_in_order(&walk, reduce_piece, &work);
    stub_copy(&job->target, &job->indexed);
}

void stub_indexing_end(stub_indexing *job) {
    free(job->places.bytes);
    free(job->numbers);
}
