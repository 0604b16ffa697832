/* Elements at places that index tensors name: reading them, writing them, reducing into them.
 *
 * Index tensors become places: for each point of their shape the distance, in bytes, from the indexed box's first
 * element. All of them are checked before any element moves: a place outside is 507015, as an NPU answers to a bad
 * access. An operator then says, axis by axis, how its boxes and the places advance. */
#ifndef ASCEND_STUB_OPAPI_PLACES_H
#define ASCEND_STUB_OPAPI_PLACES_H

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/moves/arrange.h"
#include "opapi/moves/box.h"

typedef struct {
    int64_t *bytes; /* row-major */
    uint32_t rank;
    int64_t shape[STUB_MAX_RANK];
    int64_t steps[STUB_MAX_RANK]; /* bytes in the array */
} stub_places;

/* 561101 without memory. All places are 0 at first. */
aclnnStatus stub_places_start(const stub_call *call, stub_places *places, const int64_t *shape, uint32_t rank);
/* Adds index * step for each point; `index` broadcasts to the points. Indices are 0 .. size - 1, and with `wraps` from
 * -size on. `arg` is for the text. */
aclnnStatus stub_places_add(const stub_call *call, stub_places *places, uint32_t arg, const stub_box *index,
                            int64_t size, int64_t step, bool wraps);
/* Adds places of the flattened box `of`: row-major positions. */
aclnnStatus stub_places_add_flat(const stub_call *call, stub_places *places, uint32_t arg, const stub_box *index,
                                 const stub_box *of, bool wraps);

typedef enum {
    STUB_SET, /* the last one stays */
    STUB_ADD,
    STUB_MULTIPLY
} stub_reduction;

typedef struct {
    stub_box indexed, values;
    stub_places places;
    uint32_t rank;
    struct {
        int64_t size, indexed, values, place; /* steps in bytes */
    } axes[STUB_MAX_RANK];
    /* Of writing: */
    stub_box target;
    stub_reduction reduction;
    void *numbers;
} stub_indexing;

void stub_indexing_axis(stub_indexing *job, int64_t size, int64_t indexed, int64_t values, int64_t place);

/* The index tensor (argument `arg`) stands for axis `axis` of the indexed box: values have the axes before it, then
 * the index's, then those behind. The first `batch` axes are common to both. */
aclnnStatus stub_index_axis(const stub_call *call, stub_indexing *job, uint32_t arg, uint32_t axis, uint32_t batch,
                            bool wraps);
/* One index for each element of `values`, along axis `axis`; the other coordinates are the element's own. */
aclnnStatus stub_index_along(const stub_call *call, stub_indexing *job, uint32_t arg, uint32_t axis, bool wraps);
/* The last axis of the index tensor holds coordinates. */
aclnnStatus stub_index_coordinates(const stub_call *call, stub_indexing *job, uint32_t arg, bool wraps);

/* values = indexed[places], on all cores. */
void stub_gather(const stub_indexing *job);

/* indexed[places] = reduction(indexed[places], alpha * values), in row-major order. Numbers are computed in the class
 * of the type (FLOAT16 and BF16 in fp32) and rounded once, when all are there.
 * Starting sets job->indexed, which the axes are then described for. */
aclnnStatus stub_scatter_start(const stub_call *call, stub_indexing *job, const stub_box *target,
                               stub_reduction reduction);
void stub_scatter(const stub_indexing *job, const aclScalar *alpha);

/* Frees what the job holds; in any case. */
void stub_indexing_end(stub_indexing *job);

/* One element of the type of `box` to stand for values of any shape: `room` holds it. */
stub_box stub_box_of_scalar(const aclScalar *value, const stub_box *like, uint8_t room[16]);

#endif
