/* Boxes: views as address, shape and steps, to be cut and turned, and copied one to another. Most operators that move
 * elements are a few lines of this. */
#ifndef ASCEND_STUB_OPAPI_BOX_H
#define ASCEND_STUB_OPAPI_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opapi/view.h"

/* Axes may be split on the way: twice what a tensor may have. */
enum { STUB_BOX_RANK = 2 * STUB_MAX_RANK };

typedef struct {
    uint8_t *first; /* element at index 0; NULL in empty boxes */
    aclDataType dtype;
    uint32_t rank;
    int64_t shape[STUB_BOX_RANK];
    int64_t steps[STUB_BOX_RANK]; /* bytes */
} stub_box;

/* Argument `arg` of a running call, a tensor; or `tensor`, an item of that argument, a list. */
aclnnStatus stub_box_open(const stub_call *call, uint32_t arg, stub_box *box);
aclnnStatus stub_box_open_item(const stub_call *call, uint32_t arg, const aclTensor *tensor, stub_box *box);

int64_t stub_box_size(const stub_box *box);  /* elements */
int64_t stub_box_width(const stub_box *box); /* bytes of one */

/* A new contiguous box over memory of the caller's. */
stub_box stub_box_over(void *memory, aclDataType dtype, const int64_t *shape, uint32_t rank);

/* `count` indices of an axis, from `start` on, `step` (may be negative, or 0) apart. */
void stub_box_take(stub_box *box, uint32_t axis, int64_t start, int64_t count, int64_t step);
/* One index of an axis; the axis is gone. */
void stub_box_pick(stub_box *box, uint32_t axis, int64_t index);
/* A new axis in front of axis `axis`. */
void stub_box_insert(stub_box *box, uint32_t axis, int64_t size, int64_t step);
/* Axis [n] becomes [outer, n / outer]. */
void stub_box_split(stub_box *box, uint32_t axis, int64_t outer);
/* Axis i of the result is axis order[i]. */
void stub_box_permute(stub_box *box, const uint32_t *order);
/* Broadcasts to a shape, whose last axes are the box's; axes of size 1 repeat. */
void stub_box_expand(stub_box *box, const int64_t *shape, uint32_t rank);

/* Elements of `from` to `to`, of the same shape: as bits where the types are the same, else converted as stub_store
 * does. On all cores. `from` may repeat elements. */
void stub_copy(const stub_box *to, const stub_box *from);
/* The same by way of a type between the two. */
void stub_copy_as(const stub_box *to, const stub_box *from, aclDataType as);
/* One element, of the given type, to all places. */
void stub_fill(const stub_box *to, aclDataType dtype, const void *element);
void stub_fill_zero(const stub_box *to);

/* n elements of `width` bytes along a line; from_step 0 repeats one. */
void stub_move(int64_t width, uint8_t *to, int64_t to_step, const uint8_t *from, int64_t from_step, int64_t n);

#endif
