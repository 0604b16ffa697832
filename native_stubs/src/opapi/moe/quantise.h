/* Tokens on their way to experts, quantised to int8. */
#ifndef ASCEND_STUB_OPAPI_MOE_QUANTISE_H
#define ASCEND_STUB_OPAPI_MOE_QUANTISE_H

#include "opapi/moe/rows.h"

/* Row i of `to` becomes round(scale * row source[i] of `from` + offset), in FLOAT16 throughout, half to even; zeros
 * where source[i] is negative. */
void stub_quantise_rows(const stub_token_rows *from, const int64_t *source, float scale, float offset,
                        const stub_token_rows *to);

/* Row i of `to` becomes round(x / scale[i]), where x is the source's row times row smooth_row[i] of `smooth` (NULL: as
 * it is), and scale[i] its largest magnitude / 127. The quotient is cut to FLOAT16 and rounded half away from 0, as
 * A2's kernel does. Zeros, and a scale of 0, where source[i] is negative. */
typedef struct {
    const stub_token_rows *from, *to;
    const int64_t *source, *smooth_row;
    const float *smooth;
    float *scale;
} stub_row_quantisation;
aclnnStatus stub_quantise_rows_each(const stub_call *call, const stub_row_quantisation *by);

#endif
