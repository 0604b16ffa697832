/* Numbers in order: each as a key, an unsigned integer that compares as the number does, with the place it came from.
 *
 * Zeros of both signs are equal; a NaN is larger than every number, and all NaNs are equal (PyTorch's order: last when
 * ascending, first when descending). Equal elements keep the order of their places, always. */
#ifndef ASCEND_STUB_OPAPI_ORDERING_ORDER_H
#define ASCEND_STUB_OPAPI_ORDERING_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opapi/elements.h"

typedef struct {
    uint64_t key;
    int64_t place;
} stub_ordered;

/* Of n numbers of any class but complex ones. */
void stub_order_keys(stub_class class_, const void *numbers, size_t n, bool descending, stub_ordered *to);
/* How many of them are no NaNs. */
size_t stub_order_numbers(stub_class class_, const void *numbers, size_t n);

/* `room`: n more. */
void stub_order_sort(stub_ordered *items, size_t n, stub_ordered *room);
/* The first k of the sorted items, at the front; the others behind them in any order. */
void stub_order_top(stub_ordered *items, size_t n, size_t k, stub_ordered *room);

/* to[i] = numbers[items[i].place], and the places alone. */
void stub_order_pick(stub_class class_, const void *numbers, const stub_ordered *items, size_t n, void *to);
void stub_order_places(const stub_ordered *items, size_t n, int64_t *to);

#endif
