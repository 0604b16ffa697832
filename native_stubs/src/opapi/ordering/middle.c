/* One element of each sorted line: medians (the lower of two middle ones) and the k-th smallest. A median of numbers
 * with a NaN among them is NaN, as in PyTorch; the Nan forms leave NaNs out unless there is nothing else. */
#include "opapi/ordering/along.h"
#include "opapi/ordering/order.h"

#include <string.h>

#define INT64 STUB_DTYPE(ACL_INT64)

/* The element at `rank` in order into the arrays that there are. */
static void give(const stub_along_line *line, void *const *array, size_t n, size_t rank, stub_ordered *items) {
    stub_order_keys(line->class_, array[0], n, false, items);
    stub_order_top(items, n, rank + 1, items + n);
    stub_order_pick(line->class_, array[0], items + rank, 1, array[1]);
    if (array[2]) {
        stub_order_places(items + rank, 1, array[2]);
    }
}

/* Of no elements: NaN, or 0 for integers. */
static void give_nothing(const stub_along_line *line, void *const *array) {
    if (line->class_ == STUB_F32) {
        *(float *)array[1] = __builtin_nanf("");
    } else {
        *(int64_t *)array[1] = 0;
    }
}

static aclnnStatus median_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                               void *scratch) {
    const stub_along_line *line = constants;
    const size_t n = (size_t)length[0], numbers = stub_order_numbers(line->class_, array[0], n);
    (void)position;
    if (n == 0) {
        give_nothing(line, array);
    } else {
        give(line, array, n, numbers < n ? numbers : (n - 1) / 2, scratch);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus nan_median_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                   void *scratch) {
    const stub_along_line *line = constants;
    const size_t n = (size_t)length[0], numbers = stub_order_numbers(line->class_, array[0], n);
    (void)position;
    if (n == 0) {
        give_nothing(line, array);
    } else {
        give(line, array, n, numbers == 0 ? 0 : (numbers - 1) / 2, scratch);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus kth_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    const stub_along_line *line = constants;
    (void)position;
    give(line, array, (size_t)length[0], (size_t)line->k - 1, scratch);
    return ACLNN_SUCCESS;
}

#define ONE(line_)                                                                                                     \
    .allowed = STUB_FLOATS | STUB_INTEGERS, .length = STUB_ALONG_ONE, .index_types = INT64,                            \
    .scratch = 2 * sizeof(stub_ordered), .line = (line_)
#define WHOLE(line_) {.values = 1, .empty_runs = true, ONE(line_)}
#define ALONG(line_) {.dim = 1, .keep = 2, .values = 3, .indices = 4, .pairs_only = true, ONE(line_)}

STUB_FAMILY_KERNEL(aclnnMedian, stub_along, WHOLE(median_line))
STUB_FAMILY_KERNEL(aclnnNanMedian, stub_along, WHOLE(nan_median_line))
STUB_FAMILY_KERNEL(aclnnMedianDim, stub_along, ALONG(median_line))
STUB_FAMILY_KERNEL(aclnnNanMedianDim, stub_along, ALONG(nan_median_line))
STUB_FAMILY_KERNEL(aclnnKthvalue, stub_along, {.k = 1, .dim = 2, .keep = 3, .values = 4, .indices = 5, ONE(kth_line)})
