/* The taps of one axis, by filter; and their transpose. Nearest positions are found in fp32, as the documents'
 * reference has it, the others in fp64. */
#include <math.h>
#include <stdlib.h>

#include "opapi/images/resample.h"

static bool allocate(stub_taps *taps, int64_t inputs, int64_t outputs, size_t room) {
    *taps = (stub_taps){.outputs = outputs, .inputs = inputs};
    taps->first = calloc((size_t)outputs + 1, sizeof *taps->first);
    taps->index = malloc((room + 1) * sizeof *taps->index);
    taps->weight = malloc((room + 1) * sizeof *taps->weight);
    return taps->first && taps->index && taps->weight;
}

void stub_taps_free(stub_taps *taps) {
    free(taps->first);
    free(taps->index);
    free(taps->weight);
}

static int64_t inside(int64_t index, int64_t inputs) {
    return index < 0 ? 0 : index >= inputs ? inputs - 1 : index;
}

/* Taps of one output position are appended at *at. */
static void append(stub_taps *taps, int64_t *at, int64_t index, double weight) {
    taps->index[*at] = inside(index, taps->inputs);
    taps->weight[(*at)++] = weight;
}

static double cubic(double distance, double a) {
    const double d = fabs(distance);
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static void nearest(stub_taps *taps, int64_t *at, int64_t o, double step, float shift) {
    append(taps, at, (int64_t)fminf(floorf(((float)o + shift) * (float)step), (float)taps->inputs), 1);
}

static void linear(stub_taps *taps, int64_t *at, int64_t o, double step, bool corners) {
    const double place = corners ? (double)o * step : fmax(((double)o + 0.5) * step - 0.5, 0);
    const int64_t left = inside((int64_t)fmin(place, (double)taps->inputs), taps->inputs);
    const double right = fmin(place - (double)left, 1);
    append(taps, at, left, 1 - right);
    append(taps, at, left + 1, right);
}

static void cubic_four(stub_taps *taps, int64_t *at, int64_t o, double step, bool corners) {
    const double place = corners ? (double)o * step : ((double)o + 0.5) * step - 0.5;
    const double left = fmin(floor(place), (double)taps->inputs);
    for (int k = -1; k <= 2; k++) {
        append(taps, at, (int64_t)left + k, cubic(place - left - k, -0.75));
    }
}

/* `reach`: half the width of the filter in units of its own. */
static void antialiased(stub_taps *taps, int64_t *at, int64_t o, double step, double reach) {
    const double wide = fmax(step, 1), centre = ((double)o + 0.5) * step, most = (double)taps->inputs;
    const int64_t from = (int64_t)fmin(fmax(centre - reach * wide + 0.5, 0), most);
    const int64_t to = (int64_t)fmin(centre + reach * wide + 0.5, most), start = *at;
    double sum = 0;
    for (int64_t i = from; i < to; i++) {
        const double d = ((double)i - centre + 0.5) / wide;
        const double weight = reach == 1 ? fmax(1 - fabs(d), 0) : cubic(d, -0.5);
        append(taps, at, i, weight);
        sum += weight;
    }
    for (int64_t i = start; i < *at && sum != 0; i++) {
        taps->weight[i] /= sum;
    }
}

/* The most taps that one output position has. */
static double widest(stub_filter filter, double step, int64_t inputs) {
    switch (filter) {
    case STUB_LINEAR:
        return 2;
    case STUB_CUBIC:
        return 4;
    case STUB_LINEAR_AA:
        return fmin(2 * fmax(step, 1) + 2, (double)inputs);
    case STUB_CUBIC_AA:
        return fmin(4 * fmax(step, 1) + 2, (double)inputs);
    default:
        return 1;
    }
}

bool stub_taps_make(stub_taps *taps, stub_filter filter, int64_t inputs, int64_t outputs, double step, bool corners) {
    if (!allocate(taps, inputs, outputs, (size_t)outputs * (size_t)widest(filter, step, inputs))) {
        return false;
    }
    int64_t at = 0;
    for (int64_t o = 0; o < outputs; o++) {
        if (filter == STUB_LINEAR) {
            linear(taps, &at, o, step, corners);
        } else if (filter == STUB_CUBIC) {
            cubic_four(taps, &at, o, step, corners);
        } else if (filter == STUB_LINEAR_AA || filter == STUB_CUBIC_AA) {
            antialiased(taps, &at, o, step, filter == STUB_LINEAR_AA ? 1 : 2);
        } else {
            nearest(taps, &at, o, step, filter == STUB_NEAREST ? 0.0f : 0.5f);
        }
        taps->first[o + 1] = at;
    }
    return true;
}

bool stub_taps_transpose(const stub_taps *taps, stub_taps *transposed) {
    const int64_t count = taps->first[taps->outputs];
    if (!allocate(transposed, taps->outputs, taps->inputs, (size_t)count)) {
        return false;
    }
    int64_t *first = transposed->first;
    for (int64_t i = 0; i < count; i++) {
        first[taps->index[i] + 1]++;
    }
    for (int64_t i = 0; i < taps->inputs; i++) {
        first[i + 1] += first[i];
    }
    for (int64_t o = taps->outputs; o-- > 0;) { /* first[i + 1] counts down to first[i]'s end */
        for (int64_t i = taps->first[o + 1]; i-- > taps->first[o];) {
            const int64_t place = --first[taps->index[i] + 1];
            transposed->index[place] = o;
            transposed->weight[place] = taps->weight[i];
        }
    }
    for (int64_t i = 0; i < taps->inputs; i++) { /* each entry has become its own group's start: shift them back */
        first[i] = first[i + 1];
    }
    first[taps->inputs] = count;
    return true;
}
