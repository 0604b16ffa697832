/* Columns: for each channel of the large image and each place in the kernel a row, with the element that meets that
 * place at each position of the small image. Matrix products do the rest. */
#ifndef ASCEND_STUB_OPAPI_CONVOLUTION_CONV_COLUMNS_H
#define ASCEND_STUB_OPAPI_CONVOLUTION_CONV_COLUMNS_H

#include "opapi/convolution/conv.h"

/* Rows of the small image (all axes but the last one, counted through). */
typedef struct {
    int64_t from, to;
} stub_conv_rows;

/* `large`: the first of `channels` planes. columns: [channels * kernel][positions of the rows]. */
void stub_conv_gather(const stub_conv *conv, const float *large, int64_t channels, stub_conv_rows rows, float *columns);
/* The transpose: adds each number of the columns to the element that it came from. */
void stub_conv_scatter(const stub_conv *conv, const float *columns, int64_t channels, stub_conv_rows rows,
                       float *large);

#endif
