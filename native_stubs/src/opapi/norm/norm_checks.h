/* What the first phases of norms check alike. Arguments that an operator lacks are STUB_NO_ARGUMENT and pass, as absent
 * optional tensors do. The axes that are normalised are the last ones of x. */
#ifndef ASCEND_STUB_OPAPI_NORM_CHECKS_H
#define ASCEND_STUB_OPAPI_NORM_CHECKS_H

#include <stddef.h>

#include "opapi/line_set.h"
#include "opapi/validate.h"

/* The number of entries of an array of arguments, for the functions below. */
#define STUB_COUNT(array) (sizeof(array) / sizeof *(array))

aclnnStatus stub_norm_given(const stub_call *call, const int *args, size_t count);
aclnnStatus stub_norm_dtype(const stub_call *call, int arg, stub_dtypes allowed);
aclnnStatus stub_norm_dtypes(const stub_call *call, const int *args, size_t count, stub_dtypes allowed);
aclnnStatus stub_norm_same_dtype(const stub_call *call, int arg, int like);
aclnnStatus stub_norm_same_dtypes(const stub_call *call, const int *args, size_t count, int like);
/* FLOAT, or the type of `like`. */
aclnnStatus stub_norm_same_or_float(const stub_call *call, int arg, int like);
aclnnStatus stub_norm_same_shapes(const stub_call *call, const int *args, size_t count, int like);
/* The last `count` dimensions of x. */
aclnnStatus stub_norm_last_dims(const stub_call *call, int arg, int x, uint32_t count);
/* The last dimensions of x, or [1, the last one]. */
aclnnStatus stub_norm_gamma_shape(const stub_call *call, int gamma, int x);
/* How many axes such a gamma normalises. */
uint32_t stub_norm_axes(const stub_call *call, int gamma, int x);
/* That of x with 1 for each of the last `count` axes, or without these. */
aclnnStatus stub_norm_statistic_shape(const stub_call *call, int arg, int x, uint32_t count);
/* The axes of such a statistic that are part of a line. */
uint32_t stub_norm_statistic_axes(const stub_call *call, int arg, int x, uint32_t count);

#endif
