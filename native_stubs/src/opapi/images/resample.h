/* Resampling of images, axis by axis: each output position is a weighted sum of input positions, its taps. A gradient
 * is the same with the taps transposed. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_RESAMPLE_H
#define ASCEND_STUB_OPAPI_IMAGES_RESAMPLE_H

#include "opapi/images/planes.h"

typedef enum {
    STUB_NEAREST,       /* the position at floor(output * step) */
    STUB_NEAREST_EXACT, /* at floor((output + 0.5) * step) */
    STUB_LINEAR,        /* two neighbours */
    STUB_CUBIC,         /* four neighbours, a = -0.75; beyond the edge it is the edge's value that counts */
    STUB_LINEAR_AA,     /* antialiased: the filter is widened when shrinking, and its weights sum to 1 */
    STUB_CUBIC_AA       /* the same, a = -0.5 */
} stub_filter;

typedef struct {
    int64_t outputs, inputs;
    int64_t *first; /* outputs + 1 entries: taps of output o are first[o] .. first[o + 1] - 1 */
    int64_t *index; /* of the input position */
    double *weight;
} stub_taps;

/* `step`: input positions per output position. False without host memory; free with stub_taps_free either way. */
bool stub_taps_make(stub_taps *taps, stub_filter filter, int64_t inputs, int64_t outputs, double step, bool corners);
bool stub_taps_transpose(const stub_taps *taps, stub_taps *transposed);
void stub_taps_free(stub_taps *taps);

/* Every plane of `in`, along its `spatial` last axes (in front of the channels, if those are last), to `out`: in fp32,
 * DOUBLE in fp64. */
aclnnStatus stub_resample(const stub_call *call, const stub_view *in, const stub_view *out, const stub_taps *taps,
                          uint32_t spatial);

#endif
