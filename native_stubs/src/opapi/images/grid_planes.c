/* Sampling one image: the taps of a point are the products of the taps of its axes. */
#include <string.h>

#include "opapi/images/grid_sampler.h"

enum { MOST = STUB_GRID_MOST * STUB_GRID_MOST * STUB_GRID_MOST };

typedef struct {
    int count;
    int64_t position[MOST];
    double weight[MOST];
    double slope[STUB_MAX_SPATIAL][MOST]; /* by x, y, z */
} point_taps;

static void multiply(point_taps *taps, const stub_grid_job *job, const stub_grid_taps *z, const stub_grid_taps *y,
                     const stub_grid_taps *x, const int *at) {
    const int d = at[0], h = at[1], w = at[2], n = taps->count;
    if (z->index[d] < 0 || y->index[h] < 0 || x->index[w] < 0) {
        return;
    }
    taps->position[n] = (z->index[d] * job->in[1] + y->index[h]) * job->in[2] + x->index[w];
    taps->weight[n] = z->weight[d] * y->weight[h] * x->weight[w];
    taps->slope[0][n] = z->weight[d] * y->weight[h] * x->slope[w];
    taps->slope[1][n] = z->weight[d] * y->slope[h] * x->weight[w];
    taps->slope[2][n] = z->slope[d] * y->weight[h] * x->weight[w];
    taps->count++;
}

/* `grid`: the point's coordinates, x first. */
static void find_point(point_taps *taps, const stub_grid_job *job, const double *grid) {
    stub_grid_taps axis[STUB_MAX_SPATIAL] = {{.count = 1, .weight = {1}}, {.count = 1, .weight = {1}}};
    for (uint32_t k = 0; k < job->spatial; k++) {
        const uint32_t at = STUB_MAX_SPATIAL - 1 - k;
        stub_grid_find(&axis[at], &job->rule, grid[k], job->in[at]);
    }
    taps->count = 0;
    for (int d = 0; d < axis[0].count; d++) {
        for (int h = 0; h < axis[1].count; h++) {
            for (int w = 0; w < axis[2].count; w++) {
                multiply(taps, job, &axis[0], &axis[1], &axis[2], (int[]){d, h, w});
            }
        }
    }
}

#define GRID(name, T)                                                                                                  \
    static void name##_find(point_taps *taps, const stub_grid_job *job, const T *grid) {                               \
        double coordinates[STUB_MAX_SPATIAL];                                                                          \
        for (uint32_t k = 0; k < job->spatial; k++) {                                                                  \
            coordinates[k] = (double)grid[k];                                                                          \
        }                                                                                                              \
        find_point(taps, job, coordinates);                                                                            \
    }                                                                                                                  \
    static aclnnStatus name##_forward(const void *constants, void *const *array, const int64_t *length,                \
                                      int64_t position, void *scratch) {                                               \
        (void)length, (void)position, (void)scratch;                                                                   \
        const stub_grid_job *job = constants;                                                                          \
        point_taps taps;                                                                                               \
        for (int64_t p = 0; p < job->points; p++) {                                                                    \
            name##_find(&taps, job, (const T *)array[1] + p * job->spatial);                                           \
            for (int64_t c = 0; c < job->channels; c++) {                                                              \
                const T *x = (const T *)array[0] + c * job->in_channel;                                                \
                T sum = 0;                                                                                             \
                for (int k = 0; k < taps.count; k++) {                                                                 \
                    sum += x[taps.position[k] * job->in_position] * (T)taps.weight[k];                                 \
                }                                                                                                      \
                ((T *)array[2])[c * job->out_channel + p * job->out_position] = sum;                                   \
            }                                                                                                          \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }                                                                                                                  \
    static void name##_scatter(const stub_grid_job *job, const point_taps *taps, const T *dy, T *dx) {                 \
        for (int64_t c = 0; c < job->channels; c++) {                                                                  \
            for (int k = 0; k < taps->count; k++) {                                                                    \
                dx[c * job->in_channel + taps->position[k] * job->in_position] +=                                      \
                    dy[c * job->out_channel] * (T)taps->weight[k];                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_slopes(const stub_grid_job *job, const point_taps *taps, const T *dy, const T *x, T *dgrid) {   \
        for (uint32_t axis = 0; axis < job->spatial; axis++) {                                                         \
            T sum = 0;                                                                                                 \
            for (int64_t c = 0; c < job->channels; c++) {                                                              \
                for (int k = 0; k < taps->count; k++) {                                                                \
                    sum += dy[c * job->out_channel] * (T)taps->slope[axis][k] *                                        \
                           x[c * job->in_channel + taps->position[k] * job->in_position];                              \
                }                                                                                                      \
            }                                                                                                          \
            dgrid[axis] = sum;                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static aclnnStatus name##_backward(const void *constants, void *const *array, const int64_t *length,               \
                                       int64_t position, void *scratch) {                                              \
        (void)position, (void)scratch;                                                                                 \
        const stub_grid_job *job = constants;                                                                          \
        point_taps taps;                                                                                               \
        if (array[3]) {                                                                                                \
            memset(array[3], 0, (size_t)length[3] * sizeof(T));                                                        \
        }                                                                                                              \
        for (int64_t p = 0; p < job->points; p++) {                                                                    \
            const T *dy = (const T *)array[0] + p * job->out_position;                                                 \
            name##_find(&taps, job, (const T *)array[2] + p * job->spatial);                                           \
            if (array[3]) {                                                                                            \
                name##_scatter(job, &taps, dy, array[3]);                                                              \
            }                                                                                                          \
            if (array[4]) {                                                                                            \
                name##_slopes(job, &taps, dy, array[1], (T *)array[4] + p * job->spatial);                             \
            }                                                                                                          \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }

GRID(f32, float)
GRID(f64, double)

stub_grid_image *const stub_grid_forward[2] = {f32_forward, f64_forward};
stub_grid_image *const stub_grid_backward[2] = {f32_backward, f64_backward};
