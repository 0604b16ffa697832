/* Keys of numbers, a stable merge sort of them, and the first k by a heap. */
#include "opapi/ordering/order.h"

#include <string.h>

#include "core/half.h"

enum { RUN = 16 }; /* items that are sorted by insertion */

static uint64_t key_of_float(float x) {
    return x != x ? UINT64_MAX : (uint64_t)((int64_t)stub_order_key(stub_float_bits(x + 0.0f)) + INT32_MAX + 1);
}

static uint64_t key_of_double(double x) {
    const double positive_zero = x + 0.0;
    uint64_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    return x != x ? UINT64_MAX : bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t key_of_int(int64_t x) {
    return (uint64_t)x ^ UINT64_C(1) << 63;
}

#define KEYS(T, key_of)                                                                                                \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        const uint64_t key = key_of(((const T *)numbers)[i]);                                                          \
        to[i] = (stub_ordered){descending ? ~key : key, (int64_t)i};                                                   \
    }                                                                                                                  \
    break;

void stub_order_keys(stub_class class_, const void *numbers, size_t n, bool descending, stub_ordered *to) {
    switch (class_) {
    case STUB_F32:
        KEYS(float, key_of_float)
    case STUB_F64:
        KEYS(double, key_of_double)
    case STUB_I64:
        KEYS(int64_t, key_of_int)
    default:
        KEYS(uint8_t, (uint64_t))
    }
}

size_t stub_order_numbers(stub_class class_, const void *numbers, size_t n) {
    size_t nans = 0;
    for (size_t i = 0; i < n && (class_ == STUB_F32 || class_ == STUB_F64); i++) {
        const double x = class_ == STUB_F32 ? (double)((const float *)numbers)[i] : ((const double *)numbers)[i];
        nans += x != x;
    }
    return n - nans;
}

static void insert_sort(stub_ordered *items, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const stub_ordered item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key > item.key; j--) {
            items[j] = items[j - 1];
        }
        items[j] = item;
    }
}

static void merge(const stub_ordered *a, const stub_ordered *a_end, const stub_ordered *b, const stub_ordered *b_end,
                  stub_ordered *to) {
    while (a < a_end && b < b_end) {
        const bool first = a->key <= b->key;
        *to++ = first ? *a : *b;
        a += first;
        b += !first;
    }
    memcpy(to, a, (size_t)(a_end - a) * sizeof *a);
    memcpy(to + (a_end - a), b, (size_t)(b_end - b) * sizeof *b);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void stub_order_sort(stub_ordered *items, size_t n, stub_ordered *room) {
    stub_ordered *from = items, *to = room;
    for (size_t i = 0; i < n; i += RUN) {
        insert_sort(items + i, smaller(RUN, n - i));
    }
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            const size_t middle = smaller(i + width, n), end = smaller(i + 2 * width, n);
            merge(from + i, from + middle, from + middle, from + end, to + i);
        }
        stub_ordered *const sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items) {
        memcpy(items, from, n * sizeof *items);
    }
}

static bool is_later(stub_ordered a, stub_ordered b) {
    return a.key > b.key || (a.key == b.key && a.place > b.place);
}

/* The heap's root is its last item in order. */
static void sink(stub_ordered *heap, size_t n, size_t at) {
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && is_later(heap[child + 1], heap[child]);
        if (!is_later(heap[child], heap[at])) {
            return;
        }
        const stub_ordered item = heap[at];
        heap[at] = heap[child];
        heap[child] = item;
        at = child;
    }
}

void stub_order_top(stub_ordered *items, size_t n, size_t k, stub_ordered *room) {
    if (k > n / 8) {
        stub_order_sort(items, n, room);
        return;
    }
    for (size_t i = k / 2; i-- > 0;) {
        sink(items, k, i);
    }
    for (size_t i = k; i < n && k > 0; i++) {
        if (is_later(items[0], items[i])) {
            const stub_ordered item = items[0];
            items[0] = items[i];
            items[i] = item;
            sink(items, k, 0);
        }
    }
    for (size_t left = k; left > 1; left--) {
        const stub_ordered item = items[0];
        items[0] = items[left - 1];
        items[left - 1] = item;
        sink(items, left - 1, 0);
    }
}

#define PICK(T)                                                                                                        \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        ((T *)to)[i] = ((const T *)numbers)[items[i].place];                                                           \
    }                                                                                                                  \
    break;

void stub_order_pick(stub_class class_, const void *numbers, const stub_ordered *items, size_t n, void *to) {
    switch (class_) {
    case STUB_F32:
        PICK(float)
    case STUB_F64:
        PICK(double)
    case STUB_I64:
        PICK(int64_t)
    default:
        PICK(uint8_t)
    }
}

void stub_order_places(const stub_ordered *items, size_t n, int64_t *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = items[i].place;
    }
}
