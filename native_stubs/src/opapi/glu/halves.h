/* The two halves of a tensor along one axis, as views: what gated activations are made of. */
#ifndef ASCEND_STUB_OPAPI_HALVES_H
#define ASCEND_STUB_OPAPI_HALVES_H

#include "opapi/validate.h"
#include "opapi/view.h"

typedef struct {
    aclTensor tensor;
    int64_t shape[STUB_MAX_RANK];
    stub_view view;
} stub_halves_part;

/* The half with the lower (part 0) or the higher (part 1) indices along `axis`, whose length is even. */
void stub_halves_take(const stub_view *whole, uint32_t axis, int part, stub_halves_part *half);

/* 161002 when x, of rank 1 to 8, has no axis `dim` of even length, or `out` (absent ones pass) is not half of it. */
aclnnStatus stub_halves_check_axis(const stub_call *call, uint32_t x, int64_t dim);
aclnnStatus stub_halves_check_half(const stub_call *call, uint32_t out, uint32_t x, int64_t dim);

#endif
