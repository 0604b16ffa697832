/* A tensor of quantised values as an output of lines: INT8, INT4 (two in a byte) or INT32 (eight int4 in a word, the
 * lower index in the low bits). Kernels hand over floats, and get the rounding and packing from here. */
#ifndef ASCEND_STUB_OPAPI_QUANTISED_H
#define ASCEND_STUB_OPAPI_QUANTISED_H

#include "opapi/line_set.h"
#include "opapi/validate.h"

#define STUB_QUANTISED (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))

typedef enum { STUB_ROUND, STUB_FLOOR, STUB_CEIL, STUB_TRUNC, STUB_ROUNDING_COUNT } stub_rounding;

typedef struct {
    stub_view view;   /* of what the lines store: INT4 as bytes */
    aclTensor tensor; /* the view's, where it is not the argument's */
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK];
    aclDataType as;    /* the type that lines store */
    size_t per_number; /* values that one stored number holds */
    float limit;       /* values lie in -limit-1 .. limit */
} stub_quantised;

/* 161002 when y has not the type and shape of quantised values of these dimensions. */
aclnnStatus stub_quantised_check(const stub_call *call, int y, const int64_t *dims, uint32_t rank, stub_dtypes allowed);

/* y as the next output of the set, with its last `axes` axes as the line. 561003 for an INT4 tensor whose rows do not
 * lie in whole bytes. Absent: no operand's array. */
void stub_quantised_output(stub_line_set *set, int y, uint32_t axes, stub_quantised *quantised);

/* Rounds n values (NaN to 0), keeps them within the limits, and packs them. `values` is changed. */
void stub_quantised_put(const stub_quantised *quantised, stub_rounding mode, float *values, size_t n, int64_t *numbers);

/* "round", "floor", "ceil", "trunc"; 161002 for others and NULL. */
aclnnStatus stub_rounding_of(const stub_call *call, int arg, stub_rounding *mode);

/* What a row of values is quantised with so that its largest magnitude becomes the limit. */
typedef struct {
    float factor; /* values are multiplied with it */
    float scale;  /* 1 / factor: what the quantised values are to be multiplied with */
} stub_row_scale;
stub_row_scale stub_quantised_row_scale(const stub_quantised *quantised, const float *values, size_t n);

/* Refuses the products whose quantising kernels compute in another way than those of A2 and A3. */
aclnnStatus stub_quantised_product(const stub_call *call, const char *what);

#endif
