/* Whether two strided accesses share a byte, exactly: both are cut at their outermost dimensions until what is left
 * meets or cannot. */
#include "watch/access.h"

/* Pairs of parts that are looked at before it is given up; every one takes some dozen nanoseconds. */
#define MOST_STEPS 20000u

/* What is left of an access: its dimensions from `depth` on, of the outermost one `count` indices. */
typedef struct {
    const stub_access *access;
    uintptr_t first;
    size_t count;
    uint32_t depth;
} part;

static part part_of(const stub_access *access, uintptr_t first, uint32_t depth) {
    return (part){access, first, depth < access->rank ? access->dims[depth].count : 1, depth};
}

static bool is_run(const part *a) {
    return a->depth == a->access->rank;
}

static size_t stride_of(const part *a) {
    return is_run(a) ? 0 : a->access->dims[a->depth].stride;
}

/* One index of the outermost dimension. */
static part inner_part(const part *a, size_t index) {
    return part_of(a->access, a->first + index * stride_of(a), a->depth + 1);
}

/* Bytes from the first to behind the last, of one index of the outermost dimension. */
static size_t inner_span(const part *a) {
    size_t span = a->access->run;
    for (uint32_t i = a->depth + 1; i < a->access->rank; i++) {
        span += (a->access->dims[i].count - 1) * a->access->dims[i].stride;
    }
    return span;
}

static size_t span_of(const part *a) {
    return is_run(a) ? a->access->run : inner_span(a) + (a->count - 1) * stride_of(a);
}

static bool spans_meet(const part *a, const part *b) {
    return a->first < b->first ? b->first - a->first < span_of(a) : a->first - b->first < span_of(b);
}

/* Drops indices of the outermost dimension that lie outside of [begin, end), but for one when all do; a dimension of
 * one index is none. */
static void clip(part *a, uintptr_t begin, uintptr_t end) {
    while (!is_run(a)) {
        const size_t stride = stride_of(a);
        const size_t span = inner_span(a);
        const size_t before = begin >= a->first + span ? (begin - a->first - span) / stride + 1 : 0;
        const size_t skipped = before < a->count ? before : a->count - 1;
        a->first += skipped * stride;
        a->count -= skipped;
        const size_t reached = end > a->first ? (end - a->first - 1) / stride + 1 : 1;
        a->count = reached < a->count ? reached : a->count;
        if (a->count > 1) {
            return;
        }
        *a = inner_part(a, 0);
    }
}

static size_t common_divisor(size_t a, size_t b) {
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static size_t divisor_of(const part *a, size_t divisor) {
    for (uint32_t i = a->depth; i < a->access->rank; i++) {
        divisor = common_divisor(a->access->dims[i].stride, divisor);
    }
    return divisor;
}

/* All strides are multiples of one number: every run keeps its place within it. Tells columns of a matrix apart. */
static bool places_meet(const part *a, const part *b) {
    const size_t divisor = divisor_of(b, divisor_of(a, 0));
    if (divisor == 0 || a->access->run >= divisor || b->access->run >= divisor) {
        return true;
    }
    const size_t between = (b->first % divisor + divisor - a->first % divisor) % divisor;
    return between < a->access->run || divisor - between < b->access->run;
}

typedef enum { APART, MEET, UNDECIDED } verdict;

static verdict parts_meet(part a, part b, unsigned *steps);

/* Equal strides, `a` begins first: only the distance between the indices matters, and as no index reaches into the
 * next one there are two distances at which the inner parts can meet. */
static verdict same_strides_meet(const part *a, const part *b, unsigned *steps) {
    const size_t nearest = (b->first - a->first) / stride_of(a);
    const part other = inner_part(b, 0);
    verdict found = APART;
    for (size_t i = nearest; i < a->count && i <= nearest + 1 && found != MEET; i++) {
        const verdict next = parts_meet(inner_part(a, i), other, steps);
        found = next == APART ? found : next;
    }
    return found;
}

/* Index by index of the one with the larger stride, `a`. */
static verdict each_index_meets(const part *a, const part *b, unsigned *steps) {
    verdict found = APART;
    for (size_t i = 0; i < a->count && found == APART; i++) {
        found = parts_meet(inner_part(a, i), *b, steps);
    }
    return found;
}

static verdict cut_parts_meet(const part *a, const part *b, unsigned *steps) {
    if (stride_of(a) == stride_of(b)) {
        return a->first <= b->first ? same_strides_meet(a, b, steps) : same_strides_meet(b, a, steps);
    }
    return stride_of(a) > stride_of(b) ? each_index_meets(a, b, steps) : each_index_meets(b, a, steps);
}

static verdict parts_meet(part a, part b, unsigned *steps) {
    if (++*steps > MOST_STEPS) {
        return UNDECIDED;
    }
    if (!spans_meet(&a, &b)) {
        return APART;
    }
    clip(&a, b.first, b.first + span_of(&b));
    clip(&b, a.first, a.first + span_of(&a));
    if (!spans_meet(&a, &b) || !places_meet(&a, &b)) {
        return APART;
    }
    return is_run(&a) && is_run(&b) ? MEET : cut_parts_meet(&a, &b, steps);
}

bool stub_accesses_overlap(const stub_access *a, const stub_access *b) {
    unsigned steps = 0;
    return !a->bounding && !b->bounding && parts_meet(part_of(a, a->first, 0), part_of(b, b->first, 0), &steps) == MEET;
}
