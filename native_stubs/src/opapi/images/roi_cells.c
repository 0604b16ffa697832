/* Sampling the cells of regions, as torchvision and ONNX define it. */
#include "opapi/images/roi_align.h"

#include <math.h>

#include "core/parallel.h"

/* One axis of a region: its start, the size of a cell, and samples in a cell. */
typedef struct {
    float start, cell;
    int64_t samples;
} extent;

typedef struct {
    int64_t at[4];
    float weight[4];
    bool outside; /* of the image: counts as 0 */
} sample;

static extent extent_of(const stub_roi_shape *shape, float from, float to, int64_t cells) {
    const float shift = shape->aligned ? 0.5f : 0.0f;
    const float start = from * shape->scale - shift, end = to * shape->scale - shift;
    const float size = shape->aligned ? end - start : fmaxf(end - start, 1);
    const float cell = size / (float)cells, most = fminf(fmaxf(ceilf(cell), 0), 1 << 20);
    return (extent){start, cell, shape->samples > 0 ? shape->samples : (int64_t)most};
}

static float place_of(const extent *e, int64_t cell, int64_t index) {
    return e->start + (float)cell * e->cell + ((float)index + 0.5f) * e->cell / (float)e->samples;
}

/* The lower neighbour of a place, and how far behind it the place lies. False outside of the image. */
static bool neighbours(float place, int64_t length, int64_t *low, int64_t *high, float *part) {
    if (!(place >= -1 && place <= (float)length)) {
        return false;
    }
    const float inside = fmaxf(place, 0);
    *low = (int64_t)inside;
    *high = *low + 1;
    if (*low >= length - 1) {
        *low = *high = length - 1;
        *part = 0;
    } else {
        *part = inside - (float)*low;
    }
    return true;
}

static sample sample_at(const stub_roi_shape *shape, float y, float x) {
    int64_t top, bottom, left, right;
    float down, across;
    if (!neighbours(y, shape->height, &top, &bottom, &down) || !neighbours(x, shape->width, &left, &right, &across)) {
        return (sample){.outside = true};
    }
    const int64_t w = shape->width;
    return (sample){{top * w + left, top * w + right, bottom * w + left, bottom * w + right},
                    {(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across},
                    false};
}

static float value_at(const sample *s, const float *plane) {
    return s->outside ? 0
                      : s->weight[0] * plane[s->at[0]] + s->weight[1] * plane[s->at[1]] +
                            s->weight[2] * plane[s->at[2]] + s->weight[3] * plane[s->at[3]];
}

static bool has_image(const stub_roi_shape *shape, const stub_regions *regions, int64_t region) {
    return regions->image[region] >= 0 && regions->image[region] < shape->images;
}

/* Result of one cell for one plane, or its gradient spread over the plane. */
static float cell_of(const stub_roi_shape *shape, const extent *y, const extent *x, int64_t row, int64_t column,
                     const float *plane) {
    float value = shape->largest ? -INFINITY : 0;
    for (int64_t i = 0; i < y->samples; i++) {
        for (int64_t j = 0; j < x->samples; j++) {
            const sample s = sample_at(shape, place_of(y, row, i), place_of(x, column, j));
            const float v = value_at(&s, plane);
            value = !shape->largest ? value + v : v > value || v != v ? v : value;
        }
    }
    const int64_t count = y->samples * x->samples;
    return shape->largest ? value : value / (float)(count > 0 ? count : 1);
}

static void spread_cell(const stub_roi_shape *shape, const extent *y, const extent *x, int64_t row, int64_t column,
                        float gradient, float *plane) {
    const float part = gradient / (float)(y->samples * x->samples);
    for (int64_t i = 0; i < y->samples; i++) {
        for (int64_t j = 0; j < x->samples; j++) {
            const sample s = sample_at(shape, place_of(y, row, i), place_of(x, column, j));
            for (int k = 0; k < 4 && !s.outside; k++) {
                plane[s.at[k]] += part * s.weight[k];
            }
        }
    }
}

typedef struct {
    const stub_roi_shape *shape;
    const stub_regions *regions;
    const float *images;
    float *result;
} job;

static void do_region(void *state, size_t index) {
    const job *work = state;
    const stub_roi_shape *shape = work->shape;
    const int64_t region = (int64_t)index, cells = shape->rows * shape->columns;
    const float *box = work->regions->boxes + region * 4;
    const extent y = extent_of(shape, box[1], box[3], shape->rows),
                 x = extent_of(shape, box[0], box[2], shape->columns);
    const bool given = has_image(shape, work->regions, region);
    float *result = work->result + region * shape->channels * cells;
    for (int64_t i = 0; i < shape->channels * cells; i++) {
        const int64_t plane = work->regions->image[region] * shape->channels + i / cells;
        result[i] = given ? cell_of(shape, &y, &x, i % cells / shape->columns, i % shape->columns,
                                    work->images + plane * shape->height * shape->width)
                          : 0;
    }
}

void stub_roi_forward(const stub_roi_shape *shape, const stub_regions *regions, const float *images, float *result) {
    job work = {shape, regions, images, result};
    stub_parallel((size_t)shape->regions, do_region, &work);
}

void stub_roi_backward(const stub_roi_shape *shape, const stub_regions *regions, const float *result, float *gradient) {
    const int64_t cells = shape->rows * shape->columns;
    for (int64_t i = 0; i < shape->regions * shape->channels * cells; i++) {
        const int64_t region = i / cells / shape->channels, channel = i / cells % shape->channels;
        const float *box = regions->boxes + region * 4;
        const extent y = extent_of(shape, box[1], box[3], shape->rows);
        const extent x = extent_of(shape, box[0], box[2], shape->columns);
        if (has_image(shape, regions, region)) {
            spread_cell(shape, &y, &x, i % cells / shape->columns, i % shape->columns, result[i],
                        gradient + (regions->image[region] * shape->channels + channel) * shape->height * shape->width);
        }
    }
}
