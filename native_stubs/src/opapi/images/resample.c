/* Resampling planes: the innermost axis first, element by element; the others by whole rows. */
#include "opapi/images/resample.h"

#include "opapi/lines.h"
#include "opapi/loops.h"

typedef struct {
    uint32_t axes;
    const stub_taps *taps;
} job;

#define ROWS(name, T)                                                                                                  \
    STUB_VERSIONS(void, name##_weigh, (T * y, const T *x, T weight, int64_t n), {                                      \
        STUB_EACH for (int64_t i = 0; i < n; i++) {                                                                    \
            y[i] = x[i] * weight;                                                                                      \
        }                                                                                                              \
    })                                                                                                                 \
    STUB_VERSIONS(void, name##_add, (T * y, const T *x, T weight, int64_t n), {                                        \
        STUB_EACH for (int64_t i = 0; i < n; i++) {                                                                    \
            y[i] += x[i] * weight;                                                                                     \
        }                                                                                                              \
    })                                                                                                                 \
    static void name##_row(const stub_taps *taps, int64_t o, int64_t n, const T *x, T *y) {                            \
        const int64_t from = taps->first[o], to = taps->first[o + 1];                                                  \
        for (int64_t i = 0; i < n && from == to; i++) {                                                                \
            y[i] = 0;                                                                                                  \
        }                                                                                                              \
        for (int64_t k = from; k < to; k++) {                                                                          \
            const T *row = x + taps->index[k] * n;                                                                     \
            (k == from ? STUB_BEST(name##_weigh) : STUB_BEST(name##_add))(y, row, (T)taps->weight[k], n);              \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_elements(const stub_taps *taps, const T *x, T *y) {                                             \
        for (int64_t o = 0; o < taps->outputs; o++) {                                                                  \
            T sum = 0;                                                                                                 \
            for (int64_t k = taps->first[o]; k < taps->first[o + 1]; k++) {                                            \
                sum += x[taps->index[k]] * (T)taps->weight[k];                                                         \
            }                                                                                                          \
            y[o] = sum;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_pass(const stub_taps *taps, int64_t outer, int64_t inner, const T *x, T *y) {                   \
        for (int64_t i = 0; i < outer; i++, x += taps->inputs * inner, y += taps->outputs * inner) {                   \
            for (int64_t o = 0; o < taps->outputs && inner > 1; o++) {                                                 \
                name##_row(taps, o, inner, x, y + o * inner);                                                          \
            }                                                                                                          \
            if (inner == 1) {                                                                                          \
                name##_elements(taps, x, y);                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static aclnnStatus name##_plane(const void *constants, void *const *array, const int64_t *length,                  \
                                    int64_t position, void *scratch) {                                                 \
        const job *work = constants;                                                                                   \
        (void)position;                                                                                                \
        const T *x = array[0];                                                                                         \
        T *room = scratch;                                                                                             \
        int64_t outer = length[0], inner = 1;                                                                          \
        for (uint32_t axis = work->axes; axis-- > 0;) {                                                                \
            const stub_taps *taps = &work->taps[axis];                                                                 \
            T *y = axis == 0 ? array[1] : room;                                                                        \
            outer /= taps->inputs;                                                                                     \
            name##_pass(taps, outer, inner, x, y);                                                                     \
            inner *= taps->outputs;                                                                                    \
            room += outer * inner;                                                                                     \
            x = y;                                                                                                     \
        }                                                                                                              \
        return ACLNN_SUCCESS;                                                                                          \
    }

ROWS(f32, float)
ROWS(f64, double)

/* Numbers between the passes. */
static int64_t intermediate_count(const stub_taps *taps, uint32_t axes) {
    int64_t count = 0;
    for (uint32_t done = 1; done < axes; done++) {
        int64_t plane = 1;
        for (uint32_t axis = 0; axis < axes; axis++) {
            plane *= axis >= axes - done ? taps[axis].outputs : taps[axis].inputs;
        }
        count += plane;
    }
    return count;
}

aclnnStatus stub_resample(const stub_call *call, const stub_view *in, const stub_view *out, const stub_taps *taps,
                          uint32_t spatial) {
    const bool is_wide = in->tensor->dtype == ACL_DOUBLE;
    const aclDataType as = is_wide ? ACL_DOUBLE : ACL_FLOAT;
    const job work = {.axes = spatial, .taps = taps};
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{in, stub_spatial_axes(in->tensor, spatial), as},
                                          {out, stub_spatial_axes(out->tensor, spatial), as}},
                              .scratch = (size_t)intermediate_count(taps, spatial) * sizeof(double),
                              .line = is_wide ? f64_plane : f32_plane,
                              .constants = &work};
    return stub_lines_run(call, &lines);
}
