/* What the upsampling operators share: their signatures tell forward from backward, the number of axes, and which of
 * alignCorners and the scales they have. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_UPSAMPLE_H
#define ASCEND_STUB_OPAPI_IMAGES_UPSAMPLE_H

#include "opapi/images/resample.h"

typedef struct {
    stub_filter filter;
    uint32_t axes;
    stub_dtypes allowed;
    bool takes_last;   /* NHWC, NDHWC */
    bool wide_is_last; /* DOUBLE is for channels-last images alone */
    bool no_negative;  /* scales below 0 are refused, not ignored */
    bool agrees;       /* given scales must lead to outputSize */
    double most;       /* the largest step (or scale, of gradients) that is allowed; 0: any */
} stub_upsample;

/* A call's geometry: lengths of the spatial axes in the image and in the resampled one. */
typedef struct {
    uint32_t out; /* number of the output argument */
    bool backward, corners;
    int64_t inputs[STUB_MAX_SPATIAL], outputs[STUB_MAX_SPATIAL];
    double scales[STUB_MAX_SPATIAL]; /* 0: not given */
    double steps[STUB_MAX_SPATIAL];
} stub_upsample_call;

aclnnStatus stub_upsample_check(const stub_call *call, stub_plan *plan, const stub_upsample *data);
/* After a successful check. */
void stub_upsample_read(const stub_call *call, const stub_upsample *data, stub_upsample_call *found);

#endif
