/* Folding elements into accumulators along some axes of a tensor: what sums, extremes, moments and norms share.
 *
 * A fold is data: an accumulator, how numbers go into it, how two become one, how results come out of it. The engine
 * chooses the way through memory: along the reduced axes, or across them with a row of accumulators, always in
 * stretches; and it splits large folds into parts, by their shape alone, so that results do not depend on the number of
 * threads. */
#ifndef ASCEND_STUB_OPAPI_REDUCTION_FOLD_H
#define ASCEND_STUB_OPAPI_REDUCTION_FOLD_H

#include "opapi/elements.h"
#include "opapi/loops.h"
#include "opapi/view.h"

enum { STUB_FOLD_RESULTS = 2, STUB_MAX_ACCUMULATOR = 32 /* bytes */, STUB_FOLD_LANES = 16 };

/* n numbers into accumulators: all of them into the one `acc`, or number i into acc[i]. `c`: the operator's constants.
 */
typedef void stub_fold_step(const void *numbers, size_t n, const double *c, void *acc);

/* Rows of at most STUB_FOLD_LANES numbers, `pitch` apart, at least one row: lane i goes into acc[i]. Their indices
 * along the reduced axis: at + row * down + lane * beside. */
typedef struct {
    size_t rows, lanes;
    int64_t pitch, at, down, beside;
} stub_fold_tile;
typedef void stub_fold_tile_step(const void *numbers, const stub_fold_tile *tile, const double *c, void *acc);

typedef struct {
    size_t size; /* of an accumulator */
    void (*start)(size_t n, void *acc);
    stub_fold_step *along[2], *across[2];                  /* baseline, AVX2; or both ways in one: */
    stub_fold_tile_step *tile[2];                          /* for accumulators that are more than a number */
    void (*merge)(const void *other, size_t n, void *acc); /* acc[i] takes other[i] in, whose elements come later */
    /* results[k][i] of acc[i], which has taken in `count` elements. */
    void (*finish)(const void *acc, size_t n, int64_t count, const double *c, void *const *results);
} stub_fold;

typedef struct {
    const stub_fold *fold;
    const double *constants;
    const stub_view *in;
    aclDataType as; /* the type that elements are loaded as */
    uint32_t axes;  /* bit i: axis i is folded */
    bool keeps;     /* outputs have the folded axes, of size 1 */
    uint32_t outputs;
    const stub_view *out[STUB_FOLD_RESULTS];
    aclDataType gives[STUB_FOLD_RESULTS]; /* the types of the results */
} stub_folding;

/* False when the host has no memory. */
bool stub_fold_run(const stub_folding *folding);

/* start and merge (of a and b), which the steps use: as <name>_joined, since a call from AVX2 code would wait for the
 * upper halves of the registers. */
#define STUB_FOLD_MERGE(name, A_, start_, merge_)                                                                      \
    STUB_INLINE A_ name##_joined(A_ a, A_ b) {                                                                         \
        return (merge_);                                                                                               \
    }                                                                                                                  \
    static void name##_start(size_t n, void *acc) {                                                                    \
        A_ *const to = acc;                                                                                            \
        for (size_t i = 0; i < n; i++) {                                                                               \
            to[i] = start_;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_merge(const void *other, size_t n, void *acc) {                                                 \
        const A_ *const from = other;                                                                                  \
        A_ *const to = acc;                                                                                            \
        for (size_t i = 0; i < n; i++) {                                                                               \
            to[i] = name##_joined(to[i], from[i]);                                                                     \
        }                                                                                                              \
    }

/* The steps of a fold from expressions. T: class of the numbers, A: accumulator. `step` sees a, x
 * and c. */
#define STUB_FOLD_STEPS(name, T_, A_, start_, step_)                                                                   \
    STUB_INLINE A_ name##_step(A_ a, T_ x, const double *c) {                                                          \
        (void)c;                                                                                                       \
        return (A_)(step_);                                                                                            \
    }                                                                                                                  \
    STUB_VERSIONS(void, name##_along, (const void *numbers, size_t n, const double *c, void *acc), {                   \
        const T_ *const xs = numbers;                                                                                  \
        A_ parts[16], *const to = acc;                                                                                 \
        size_t i = 0;                                                                                                  \
        for (size_t j = 0; j < 16; j++) {                                                                              \
            parts[j] = start_;                                                                                         \
        }                                                                                                              \
        for (; i + 16 <= n; i += 16) {                                                                                 \
            STUB_EACH_LANE for (size_t j = 0; j < 16; j++) {                                                           \
                parts[j] = name##_step(parts[j], xs[i + j], c);                                                        \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            parts[i % 16] = name##_step(parts[i % 16], xs[i], c);                                                      \
        }                                                                                                              \
        for (size_t j = 0; j < 16 && j < n; j++) {                                                                     \
            *to = name##_joined(*to, parts[j]);                                                                        \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, name##_across, (const void *numbers, size_t n, const double *c, void *acc), {                  \
        const T_ *const xs = numbers;                                                                                  \
        A_ *const to = acc;                                                                                            \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            to[i] = name##_step(to[i], xs[i], c);                                                                      \
        }                                                                                                              \
    })

#define STUB_FOLD_FINISH(name, A_, R0_, first_, R1_, second_)                                                          \
    static void name##_finish(const void *acc, size_t n, int64_t count, const double *c, void *const *results) {       \
        const A_ *const from = acc;                                                                                    \
        R0_ *const to0 = results[0];                                                                                   \
        R1_ *const to1 = results[1];                                                                                   \
        (void)count, (void)c;                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const A_ a = from[i];                                                                                      \
            to0[i] = (R0_)(first_);                                                                                    \
            to1[i] = (R1_)(second_);                                                                                   \
        }                                                                                                              \
    }

/* A fold of those steps; the results are expressions of a, count and c. */
#define STUB_FOLD_OF(name, steps, A_, R0_, first_, R1_, second_)                                                       \
    STUB_FOLD_FINISH(name, A_, R0_, first_, R1_, second_)                                                              \
    static const stub_fold name = {.size = sizeof(A_),                                                                 \
                                   .start = steps##_start,                                                             \
                                   .along = STUB_BOTH(steps##_along),                                                  \
                                   .across = STUB_BOTH(steps##_across),                                                \
                                   .merge = steps##_merge,                                                             \
                                   .finish = name##_finish};

/* The step of a fold by tiles. The body sees `lanes`, which is a constant for whole tiles, numbers, tile, c and acc. */
#define STUB_FOLD_TILE(name, ...)                                                                                      \
    STUB_INLINE void name##_lanes(size_t lanes, const void *numbers, const stub_fold_tile *tile, const double *c,      \
                                  void *acc)                                                                           \
        __VA_ARGS__ STUB_VERSIONS(void, name##_tile,                                                                   \
                                  (const void *numbers, const stub_fold_tile *tile, const double *c, void *acc), {     \
                                      if (tile->lanes == STUB_FOLD_LANES) {                                            \
                                          name##_lanes(STUB_FOLD_LANES, numbers, tile, c, acc);                        \
                                      } else {                                                                         \
                                          name##_lanes(tile->lanes, numbers, tile, c, acc);                            \
                                      }                                                                                \
                                  })

#define STUB_FOLD_OF_TILES(name, steps, A_, R0_, first_, R1_, second_)                                                 \
    STUB_FOLD_FINISH(name, A_, R0_, first_, R1_, second_)                                                              \
    static const stub_fold name = {.size = sizeof(A_),                                                                 \
                                   .start = steps##_start,                                                             \
                                   .tile = STUB_BOTH(steps##_tile),                                                    \
                                   .merge = steps##_merge,                                                             \
                                   .finish = name##_finish};

/* A whole fold with one result, of type R. */
#define STUB_FOLD(name, T_, A_, R_, start_, step_, merge_, finish_)                                                    \
    STUB_FOLD_MERGE(name, A_, start_, merge_)                                                                          \
    STUB_FOLD_STEPS(name, T_, A_, start_, step_)                                                                       \
    STUB_FOLD_OF(name, name, A_, R_, finish_, R_, 0)

#endif
