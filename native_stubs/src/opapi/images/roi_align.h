/* Averages (or largest values) of bilinear samples in the cells of regions of interest. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_ROI_ALIGN_H
#define ASCEND_STUB_OPAPI_IMAGES_ROI_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t images, channels, height, width; /* of the images */
    int64_t regions, rows, columns;          /* of the result [regions, channels, rows, columns] */
    int64_t samples;                         /* along each axis of a cell; 0: as many as it has elements, rounded up */
    float scale;                             /* of the regions' coordinates */
    bool aligned;                            /* coordinates are half an element further, and regions may be thin */
    bool largest;                            /* not the average */
} stub_roi_shape;

/* boxes: for each region x1, y1, x2, y2. image: number of its image; a region of no image has zeros for its result. */
typedef struct {
    const float *boxes;
    const int64_t *image;
} stub_regions;

void stub_roi_forward(const stub_roi_shape *shape, const stub_regions *regions, const float *images, float *result);
/* Adds to `gradient`, the images'. Averages only. */
void stub_roi_backward(const stub_roi_shape *shape, const stub_regions *regions, const float *result, float *gradient);

#endif
