/* Turning pairs, and the checks that all operators share. */
#include "opapi/rope/rope.h"

#include "opapi/loops.h"

/* Where the pairs of a mode are: `parts` stretches of the vector, in each of them a = k * step, b = a + gap. */
typedef struct {
    int64_t parts, step, gap, out_step, out_gap;
} pairs;

static pairs pairs_of(stub_rope_mode mode, int64_t d) {
    switch (mode) {
    case STUB_ROPE_INTERLEAVE:
        return (pairs){1, 2, 1, 2, 1};
    case STUB_ROPE_QUARTER:
        return (pairs){2, 1, d / 4, 1, d / 4};
    case STUB_ROPE_INTERLEAVE_HALF:
        return (pairs){1, 2, 1, 1, d / 2};
    default:
        return (pairs){1, 1, d / 2, 1, d / 2};
    }
}

STUB_INLINE void turn(pairs at, int64_t count, const float *x, const float *cosines, const float *sines, float *y) {
    STUB_EACH for (int64_t k = 0; k < count; k++) {
        const float a = x[k * at.step], b = x[k * at.step + at.gap];
        const int64_t to = k * at.out_step, other = to + at.out_gap;
        y[to] = a * cosines[to] - b * sines[to];
        y[other] = b * cosines[other] + a * sines[other];
    }
}

STUB_INLINE void turn_back(pairs at, int64_t count, const float *dy, const float *cosines, const float *sines,
                           float *dx) {
    STUB_EACH for (int64_t k = 0; k < count; k++) {
        const int64_t from = k * at.out_step, other = from + at.out_gap;
        dx[k * at.step] = dy[from] * cosines[from] + dy[other] * sines[other];
        dx[k * at.step + at.gap] = dy[other] * cosines[other] - dy[from] * sines[from];
    }
}

/* Neighbours on their own, so that they become vector code. */
STUB_VERSIONS(void, turn_all,
              (pairs at, int64_t count, const float *x, const float *cosines, const float *sines, float *y), {
                  if (at.step == 1 && at.out_step == 1) {
                      at.step = at.out_step = 1;
                      turn(at, count, x, cosines, sines, y);
                  } else {
                      turn(at, count, x, cosines, sines, y);
                  }
              })

void stub_rope_turn(stub_rope_mode mode, int64_t d, const float *x, const float *cosines, const float *sines,
                    float *y) {
    const pairs at = pairs_of(mode, d);
    const int64_t size = d / at.parts;
    for (int64_t part = 0; part < at.parts; part++) {
        const int64_t first = part * size;
        STUB_BEST(turn_all)(at, size / 2, x + first, cosines + first, sines + first, y + first);
    }
}

void stub_rope_turn_back(stub_rope_mode mode, int64_t d, const float *dy, const float *cosines, const float *sines,
                         float *dx) {
    const pairs at = pairs_of(mode, d);
    const int64_t size = d / at.parts;
    for (int64_t part = 0; part < at.parts; part++) {
        const int64_t first = part * size;
        turn_back(at, size / 2, dy + first, cosines + first, sines + first, dx + first);
    }
}

void stub_rope_factors(stub_rope_mode mode, int64_t d, const float *x, float *for_cosines, float *for_sines) {
    const pairs at = pairs_of(mode, d);
    const int64_t size = d / at.parts;
    for (int64_t i = 0; i < d / 2; i++) {
        const int64_t first = i / (size / 2) * size, k = i % (size / 2);
        const int64_t from = first + k * at.step, to = first + k * at.out_step;
        for_cosines[to] = x[from];
        for_cosines[to + at.out_gap] = x[from + at.gap];
        for_sines[to] = -x[from + at.gap];
        for_sines[to + at.out_gap] = x[from];
    }
}

static aclnnStatus turn_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    (void)position, (void)scratch;
    stub_rope_turn(*(const stub_rope_mode *)constants, length[0], array[0], array[1], array[2], array[3]);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_rope_run(const stub_call *call, stub_rope_mode mode, const stub_view *x, const stub_view *cosines,
                          const stub_view *sines, const stub_view *out) {
    const uint32_t last = 1u << (x->tensor->rank - 1);
    const stub_lines lines = {
        .inputs = 3,
        .outputs = 1,
        .operand = {{x, last, ACL_FLOAT}, {cosines, last, ACL_FLOAT}, {sines, last, ACL_FLOAT}, {out, last, ACL_FLOAT}},
        .line = turn_line,
        .constants = &mode};
    return stub_lines_run(call, &lines);
}

aclnnStatus stub_rope_check_size(const stub_call *call, uint32_t arg, stub_rope_mode mode) {
    const int64_t d = stub_last_dim(stub_tensor_arg(call, arg)), unit = mode == STUB_ROPE_QUARTER ? 4 : 2;
    return d % unit == 0 ? ACLNN_SUCCESS
                         : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                                     "%s: the last dimension of %s is %lld; it must be a multiple of %lld in this mode",
                                     call->op->name, call->op->params[arg].name, (long long)d, (long long)unit);
}

aclnnStatus stub_rope_check_broadcast(const stub_call *call, uint32_t x, uint32_t cosines, uint32_t sines) {
    const aclTensor *whole = stub_tensor_arg(call, x), *part = stub_tensor_arg(call, cosines);
    const aclTensor *other = stub_tensor_arg(call, sines);
    bool fits = part->rank == whole->rank && other->rank == whole->rank;
    for (uint32_t i = 0; fits && i < whole->rank; i++) {
        const bool last = i + 1 == whole->rank;
        fits =
            other->shape[i] == part->shape[i] && (part->shape[i] == whole->shape[i] || (!last && part->shape[i] == 1));
    }
    char given[160], wanted[160];
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                            "%s: %s is %s and %s %s; cos and sin must have the same shape, that of the latter or 1 for "
                            "some of the axes in front of the last",
                            call->op->name, call->op->params[cosines].name, stub_describe(part, given, sizeof given),
                            call->op->params[x].name, stub_describe(whole, wanted, sizeof wanted));
}
