/* aclnnSort, aclnnArgsort and aclnnTopk. Every sort is stable; of equal elements Topk takes the first ones. */
#include "opapi/ordering/along.h"
#include "opapi/ordering/order.h"

#define INT64 STUB_DTYPE(ACL_INT64)

static aclnnStatus sort_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    const stub_along_line *line = constants;
    const size_t n = (size_t)length[0];
    stub_ordered *items = scratch;
    (void)position;
    stub_order_keys(line->class_, array[0], n, line->flag, items);
    stub_order_sort(items, n, items + n);
    stub_order_pick(line->class_, array[0], items, n, array[1]);
    stub_order_places(items, n, array[2]);
    return ACLNN_SUCCESS;
}

static aclnnStatus argsort_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                void *scratch) {
    const stub_along_line *line = constants;
    const size_t n = (size_t)length[0];
    stub_ordered *items = scratch;
    (void)position;
    stub_order_keys(line->class_, array[0], n, line->flag, items);
    stub_order_sort(items, n, items + n);
    stub_order_places(items, n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus top_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    const stub_along_line *line = constants;
    const size_t n = (size_t)length[0], k = (size_t)line->k;
    stub_ordered *items = scratch;
    (void)position;
    stub_order_keys(line->class_, array[0], n, line->flag, items);
    stub_order_top(items, n, k, items + n);
    stub_order_pick(line->class_, array[0], items, k, array[1]);
    stub_order_places(items, k, array[2]);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnSort, stub_along,
                   {.allowed = STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS,
                    .dim = 2,
                    .flag = 3,
                    .values = 4,
                    .indices = 5,
                    .index_types = INT64,
                    .value_types = STUB_NUMBERS,
                    .scratch = 2 * sizeof(stub_ordered),
                    .pairs_only = true,
                    .line = sort_line})
STUB_FAMILY_KERNEL(aclnnArgsort, stub_along,
                   {.allowed = STUB_FLOATS | STUB_INTEGERS,
                    .dim = 1,
                    .flag = 2,
                    .indices = 3,
                    .index_types = INT64,
                    .scratch = 2 * sizeof(stub_ordered),
                    .pairs_only = true,
                    .line = argsort_line})
STUB_FAMILY_KERNEL(aclnnTopk, stub_along,
                   {.allowed = STUB_REALS | STUB_INTEGERS,
                    .k = 1,
                    .dim = 2,
                    .flag = 3,
                    .values = 5,
                    .indices = 6,
                    .length = STUB_ALONG_K,
                    .index_types = INT64,
                    .scratch = 2 * sizeof(stub_ordered),
                    .line = top_line})
