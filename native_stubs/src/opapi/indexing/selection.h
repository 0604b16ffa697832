/* self[indices] as NumPy and PyTorch have it: a list of index tensors and masks for the first axes of a tensor. */
#ifndef ASCEND_STUB_OPAPI_SELECTION_H
#define ASCEND_STUB_OPAPI_SELECTION_H

#include "opapi/indexing/places.h"

typedef struct {
    uint32_t rank; /* of the tensor */
    bool used[STUB_MAX_RANK];
    stub_box index[STUB_MAX_RANK]; /* of used axes */
    int64_t *owned[STUB_MAX_RANK]; /* coordinates that a mask became */
    bool has_mask;
    int64_t common[STUB_MAX_RANK]; /* the shape that the indices broadcast to */
    uint32_t common_rank;
    uint32_t at; /* where that shape stands among the axes left alone */
} stub_selection;

/* Phase one: types, ranks, shapes. With masks, `common` is not known yet. NULL and empty tensors leave an axis alone.
 */
aclnnStatus stub_selection_plan(const stub_call *call, uint32_t arg, const aclTensor *self, stub_selection *selection);
/* A running call: opens the tensors and turns masks into coordinates. End it in any case. */
aclnnStatus stub_selection_open(const stub_call *call, uint32_t arg, const aclTensor *self, stub_selection *selection);
void stub_selection_end(stub_selection *selection);

/* The shape of self[indices]; its rank, or -1 when there are too many axes. */
int stub_selection_shape(const stub_selection *selection, const aclTensor *self, int64_t shape[STUB_MAX_RANK]);
/* Places and axes of a job whose boxes are set; values have the selection's shape. */
aclnnStatus stub_selection_describe(const stub_call *call, uint32_t arg, const stub_selection *selection,
                                    stub_indexing *job);

#endif
