/* Operators that work line by line: softmax, norms, sorting, sums along axes.
 *
 * A line is all elements of an operand along some of its axes, for one index of the others. The machinery brings every
 * line of the inputs as an array of numbers and stores those that the kernel wrote; a kernel is one function of one
 * line. Lines run on all cores. */
#ifndef ASCEND_STUB_OPAPI_LINES_H
#define ASCEND_STUB_OPAPI_LINES_H

#include "opapi/elements.h"
#include "opapi/view.h"

enum { STUB_MAX_LINES = 8 };

/* An operand: an opened view, how many of its axes form a line, and the type its numbers are of. Axes of the line are
 * the view's axes in `axes`; the remaining ones, in order, are the index (broadcast against the other operands', from
 * the right). A view without remaining axes (gamma, say) gives the same line each time. NULL view: absent, its array is
 * NULL. */
typedef struct {
    const stub_view *view;
    uint32_t axes; /* bit i: axis i is part of the line */
    aclDataType as;
} stub_line_operand;

typedef struct {
    uint32_t inputs, outputs;
    stub_line_operand operand[STUB_MAX_LINES]; /* inputs, then outputs */
    size_t scratch;                            /* bytes that the kernel wants beside them, for each line */
    /* The kernel does not change its inputs, and its first output may be the array of its first input. */
    bool in_place;
    /* One line: array[k] holds length[k] numbers in the class of operand k's type; outputs are to be written whole.
     * `position`: row-major, of the line among all lines. Arrays may be changed, but for in_place. A status other than
     * 0 ends the run. */
    aclnnStatus (*line)(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch);
    const void *constants;
} stub_lines;

/* 561101 with a text when the host has no memory for a line. */
aclnnStatus stub_lines_run(const stub_call *call, const stub_lines *lines);

/* All axes from `first` on, as bits. */
static inline uint32_t stub_axes_from(uint32_t first, uint32_t rank) {
    return ((1u << rank) - 1) & ~((1u << first) - 1);
}

/* The axis that `dim` names (-rank .. rank - 1; a scalar has axis 0), or -1. */
static inline int stub_axis(int64_t dim, uint32_t rank) {
    const int64_t bound = rank > 0 ? rank : 1;
    return dim < -bound || dim >= bound ? -1 : (int)(dim < 0 ? dim + bound : dim);
}

#endif
