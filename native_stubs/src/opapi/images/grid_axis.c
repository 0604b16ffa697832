/* Coordinates of a grid as elements of an axis. Where the documents are silent (values that are not finite, derivatives
 * exactly at the edges), as PyTorch has it. */
#include "opapi/images/grid_axis.h"

#include <math.h>

/* A place on the axis, in elements, and its derivative by the coordinate. */
typedef struct {
    double at, slope;
} place;

static place clip(place p, int64_t length) {
    const double last = (double)(length - 1);
    if (!(p.at > 0)) { /* NaN too */
        return (place){0, 0};
    }
    return p.at >= last ? (place){last, 0} : p;
}

/* Back and forth between the edges, which are the outermost elements' centres or their outer sides. */
static place reflect(place p, int64_t length, bool corners) {
    const double low = corners ? 0 : -0.5, span = corners ? (double)(length - 1) : (double)length;
    if (span == 0) {
        return (place){0, 0};
    }
    const bool mirrored = p.at < low;
    const double distance = fabs(p.at - low), turns = floor(distance / span), rest = fmod(distance, span);
    const double sign = mirrored ? -p.slope : p.slope;
    return fmod(turns, 2) == 0 ? (place){rest + low, sign} : (place){span - rest + low, -sign};
}

static place pad(place p, const stub_grid_rule *rule, int64_t length) {
    if (rule->padding == STUB_GRID_REFLECTION) {
        p = reflect(p, length, rule->corners);
    }
    return rule->padding == STUB_GRID_ZEROS ? p : clip(p, length);
}

static place unnormalised(double coordinate, int64_t length, bool corners) {
    const double n = (double)length;
    return corners ? (place){(coordinate + 1) / 2 * (n - 1), (n - 1) / 2}
                   : (place){((coordinate + 1) * n - 1) / 2, n / 2};
}

static int64_t inside(double at, int64_t length) {
    return at >= 0 && at < (double)length ? (int64_t)at : -1;
}

static void append(stub_grid_taps *taps, int64_t index, double weight, double slope) {
    taps->index[taps->count] = index;
    taps->weight[taps->count] = weight;
    taps->slope[taps->count++] = slope;
}

static const double a = -0.75;

static double cubic(double d) {
    d = fabs(d);
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

static double cubic_slope(double d) {
    const double m = fabs(d), slope = m <= 1 ? (3 * (a + 2) * m - 2 * (a + 3)) * m : (3 * a * m - 10 * a) * m + 8 * a;
    return d < 0 ? -slope : slope;
}

/* Each of the four elements is padded by itself. */
static void find_cubic(stub_grid_taps *taps, const stub_grid_rule *rule, place p, int64_t length) {
    const double left = floor(p.at);
    for (int k = -1; k <= 2; k++) {
        const double d = p.at - left - k;
        const place element = pad((place){left + k, 0}, rule, length);
        append(taps, inside(element.at, length), cubic(d), p.slope * cubic_slope(d));
    }
}

void stub_grid_find(stub_grid_taps *taps, const stub_grid_rule *rule, double coordinate, int64_t length) {
    taps->count = 0;
    place p = unnormalised(coordinate, length, rule->corners);
    if (!isfinite(p.at)) {
        p = (place){-100, 0};
    }
    if (rule->mode == STUB_GRID_BICUBIC) {
        find_cubic(taps, rule, p, length);
        return;
    }
    p = pad(p, rule, length);
    if (rule->mode == STUB_GRID_NEAREST) {
        append(taps, inside(nearbyint(p.at), length), 1, 0);
        return;
    }
    const double left = floor(p.at);
    append(taps, inside(left, length), left + 1 - p.at, -p.slope);
    append(taps, inside(left + 1, length), p.at - left, p.slope);
}
