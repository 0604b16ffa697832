/* Sampling images at a grid of coordinates, and the gradients. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_GRID_SAMPLER_H
#define ASCEND_STUB_OPAPI_IMAGES_GRID_SAMPLER_H

#include "opapi/images/grid_axis.h"
#include "opapi/images/planes.h"

typedef struct {
    stub_grid_rule rule;
    uint32_t spatial;
    int64_t in[STUB_MAX_SPATIAL]; /* lengths of the image, trivial axes first */
    int64_t channels, points;
    int64_t in_channel, in_position; /* from one channel or position of the image to the next */
    int64_t out_channel, out_position;
} stub_grid_job;

/* One image as lines.h calls them. Forward: input, grid; out. Backward: gradOutput, input, grid; the gradients of
 * input and grid, or NULL. [0]: float, [1]: double. */
typedef aclnnStatus stub_grid_image(const void *job, void *const *array, const int64_t *length, int64_t position,
                                    void *scratch);
extern stub_grid_image *const stub_grid_forward[2], *const stub_grid_backward[2];

#endif
