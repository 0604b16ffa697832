/* Sampling at a grid's coordinates: what one coordinate means along one axis of the image. */
#ifndef ASCEND_STUB_OPAPI_IMAGES_GRID_AXIS_H
#define ASCEND_STUB_OPAPI_IMAGES_GRID_AXIS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { STUB_GRID_BILINEAR, STUB_GRID_NEAREST, STUB_GRID_BICUBIC } stub_grid_mode;
typedef enum { STUB_GRID_ZEROS, STUB_GRID_BORDER, STUB_GRID_REFLECTION } stub_grid_padding;

typedef struct {
    stub_grid_mode mode;
    stub_grid_padding padding;
    bool corners;
} stub_grid_rule;

enum { STUB_GRID_MOST = 4 };

/* Elements of the axis: index (-1: outside, which counts as 0), weight, and the weight's derivative by the grid's
 * coordinate. */
typedef struct {
    int count;
    int64_t index[STUB_GRID_MOST];
    double weight[STUB_GRID_MOST], slope[STUB_GRID_MOST];
} stub_grid_taps;

/* `coordinate`: -1 .. 1 is the image of `length` elements. */
void stub_grid_find(stub_grid_taps *taps, const stub_grid_rule *rule, double coordinate, int64_t length);

#endif
