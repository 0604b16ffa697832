/* All elements of several views at once, in rows: broadcasting, any strides, on all cores.
 *
 * A walk has one shape; each operand is a view broadcast to it. Axes are put in the order that suits operand 0 (the
 * output, by custom) and neighbours that allow it are merged, so that contiguous operands are one long row. Views that
 * lie across the others are visited in copies, tile by tile. */
#ifndef ASCEND_STUB_OPAPI_WALK_H
#define ASCEND_STUB_OPAPI_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "opapi/elements.h"
#include "opapi/view.h"

enum { STUB_MAX_OPERANDS = 12 };

typedef struct {
    uint32_t rank, count; /* axes; operands */
    int64_t shape[STUB_MAX_RANK];
    uint8_t *first[STUB_MAX_OPERANDS];
    int64_t steps[STUB_MAX_OPERANDS][STUB_MAX_RANK]; /* bytes from one index to the next; 0 where broadcast */
    int64_t width[STUB_MAX_OPERANDS];                /* bytes of an element, of views; else 0 */
    uint32_t reads;                                  /* bit k: nobody writes to operand k */
} stub_walk;

/* n <= STUB_STRETCH elements along one axis. */
typedef struct {
    size_t n;
    uint8_t *at[STUB_MAX_OPERANDS];  /* the first element */
    int64_t step[STUB_MAX_OPERANDS]; /* bytes between elements */
} stub_piece;

void stub_walk_start(stub_walk *walk, const int64_t *shape, uint32_t rank);
/* The next operand: its axes are the walk's last ones; those of size 1 are broadcast. The caller has checked that the
 * shapes agree. Whole-byte types. */
void stub_walk_add(stub_walk *walk, const stub_view *view);
/* The same with everything given: an address, bytes of an element, shape and strides in elements. */
void stub_walk_add_raw(stub_walk *walk, void *first, int64_t size, const int64_t *shape, const int64_t *strides,
                       uint32_t rank);

/* Says that visits do not write to the operand that was added last, whose copies then need not go back. */
void stub_walk_only_reads(stub_walk *walk);

/* Calls visit once for every piece, in any order, from several threads when there is enough to do. Empty shapes have
 * no pieces. */
void stub_walk_run(stub_walk *walk, void (*visit)(void *state, const stub_piece *piece), void *state);

/* The same in row-major order on this thread, whatever the operands' layouts: for pieces that write to one place. */
void stub_walk_in_order(stub_walk *walk, void (*visit)(void *state, const stub_piece *piece), void *state);

/* The shape that the tensors broadcast to, NULLs left out: its rank, or -1 when they do not fit or have more than
 * STUB_MAX_RANK axes. */
int stub_broadcast(const aclTensor *const *tensors, size_t count, int64_t shape[STUB_MAX_RANK]);

#endif
