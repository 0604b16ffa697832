/* Gathering columns from the large image, and adding them to it. */
#include "opapi/convolution/conv_columns.h"

#include <string.h>

/* One row of columns and the row of the large image that it meets: positions from .. to meet an element, the first of
 * them `element`, the next ones `stride` further each. */
typedef struct {
    int64_t from, to, element, stride, width;
    int64_t row; /* of the large plane; -1: in the padding */
} meeting;

static int64_t clamp(int64_t value, int64_t high) {
    return value < 0 ? 0 : value > high ? high : value;
}

/* The positions o with 0 <= o * stride + shift < length. */
static void find_positions(meeting *m, int64_t shift, int64_t length, int64_t count) {
    m->from = clamp(shift >= 0 ? 0 : (-shift + m->stride - 1) / m->stride, count);
    const int64_t last = length - 1 - shift;
    m->to = clamp(last < 0 ? 0 : last / m->stride + 1, count);
    m->to = m->to < m->from ? m->from : m->to;
    m->element = m->from * m->stride + shift;
}

static int64_t element_of(const stub_conv *conv, uint32_t axis, int64_t position, int64_t place) {
    const int64_t at = position * conv->stride[axis] - conv->before[axis] + place * conv->dilation[axis];
    return at < 0 || at >= conv->large[axis] ? -1 : at;
}

static meeting meet(const stub_conv *conv, int64_t small_row, int64_t place) {
    const int64_t *kernel = conv->kernel;
    meeting m = {.stride = conv->stride[2], .width = conv->small[2]};
    find_positions(&m, place % kernel[2] * conv->dilation[2] - conv->before[2], conv->large[2], conv->small[2]);
    const int64_t d = element_of(conv, 0, small_row / conv->small[1], place / kernel[2] / kernel[1]);
    const int64_t h = element_of(conv, 1, small_row % conv->small[1], place / kernel[2] % kernel[1]);
    m.row = d < 0 || h < 0 ? -1 : d * conv->large[1] + h;
    return m;
}

static void gather_row(const meeting *m, const float *large, float *column) {
    const int64_t n = m->to - m->from;
    if (m->row < 0 || n == 0) {
        memset(column, 0, (size_t)m->width * sizeof *column);
        return;
    }
    memset(column, 0, (size_t)m->from * sizeof *column);
    memset(column + m->to, 0, (size_t)(m->width - m->to) * sizeof *column);
    const float *x = large + m->element;
    if (m->stride == 1) {
        memcpy(column + m->from, x, (size_t)n * sizeof *column);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        column[m->from + i] = x[i * m->stride];
    }
}

static void scatter_row(const meeting *m, const float *column, float *large) {
    float *x = large + m->element;
    for (int64_t i = 0; m->row >= 0 && i < m->to - m->from; i++) {
        x[i * m->stride] += column[m->from + i];
    }
}

void stub_conv_gather(const stub_conv *conv, const float *large, int64_t channels, stub_conv_rows rows,
                      float *columns) {
    const int64_t places = stub_conv_count(conv->kernel), plane = stub_conv_count(conv->large);
    for (int64_t i = 0; i < channels * places; i++) {
        for (int64_t row = rows.from; row < rows.to; row++, columns += conv->small[2]) {
            const meeting m = meet(conv, row, i % places);
            gather_row(&m, large + i / places * plane + (m.row < 0 ? 0 : m.row * conv->large[2]), columns);
        }
    }
}

void stub_conv_scatter(const stub_conv *conv, const float *columns, int64_t channels, stub_conv_rows rows,
                       float *large) {
    const int64_t places = stub_conv_count(conv->kernel), plane = stub_conv_count(conv->large);
    for (int64_t i = 0; i < channels * places; i++) {
        for (int64_t row = rows.from; row < rows.to; row++, columns += conv->small[2]) {
            const meeting m = meet(conv, row, i % places);
            scatter_row(&m, columns, large + i / places * plane + (m.row < 0 ? 0 : m.row * conv->large[2]));
        }
    }
}
