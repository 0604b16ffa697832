/* Operators that read each axis of their input at a function of the output's index: pads and rolls. The function is
 * cut into runs of equal steps, and each combination of runs is one copy of boxes. */
#ifndef ASCEND_STUB_OPAPI_PATCHES_H
#define ASCEND_STUB_OPAPI_PATCHES_H

#include "opapi/moves/arrange.h"

typedef enum { STUB_PAD_CONSTANT, STUB_PAD_REFLECT, STUB_PAD_REPLICATE, STUB_PAD_CIRCULAR } stub_pad;

/* One axis: output index i is input index i - before, and what lies outside is found by the rule. */
typedef struct {
    int64_t size, before, length; /* of the input's axis; elements in front; of the output's axis */
} stub_patch_axis;

/* The index to read, or -1: none. */
int64_t stub_patch_source(stub_pad rule, const stub_patch_axis *axis, int64_t i);

/* Copies all that has a source. `to` has the axes' lengths, `from` their sizes. */
void stub_patch(stub_pad rule, const stub_patch_axis *axes, const stub_box *to, const stub_box *from);

/* The axes of `tensor` with paddings from the last axis on: (before, after), as many pairs as argument `arg` has.
 * 161002 when an axis becomes negative, or the rule does not reach that far. */
aclnnStatus stub_read_padding(const stub_call *call, uint32_t arg, stub_pad rule, const aclTensor *tensor,
                              stub_patch_axis *axes);

#endif
