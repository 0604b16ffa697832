/* See ranges.h. */
#include "check/ranges.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256u

/* The first range that ends behind the address. */
static size_t first_behind(const stub_ranges *ranges, uintptr_t address) {
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].end > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool make_room(stub_ranges *ranges, size_t count) {
    if (count <= ranges->capacity) {
        return true;
    }
    const size_t capacity = ranges->capacity == 0 ? FIRST_CAPACITY : 2 * ranges->capacity;
    stub_range *items = realloc(ranges->items, capacity * sizeof *items);
    if (items != NULL) {
        ranges->items = items;
        ranges->capacity = capacity;
    }
    return items != NULL;
}

/* Replaces items [from, to) by `count` others. */
static void replace(stub_ranges *ranges, size_t from, size_t to, const stub_range *others, size_t count) {
    stub_range *items = ranges->items;
    if (to < ranges->count) {
        memmove(items + from + count, items + to, (ranges->count - to) * sizeof *items);
    }
    for (size_t i = 0; i < count; i++) {
        items[from + i] = others[i];
    }
    ranges->count = ranges->count - (to - from) + count;
}

void stub_ranges_put(stub_ranges *ranges, uintptr_t begin, uintptr_t end, stub_object *object) {
    if (!make_room(ranges, ranges->count + 2)) {
        return;
    }
    const size_t from = first_behind(ranges, begin);
    size_t to = from;
    while (to < ranges->count && ranges->items[to].begin < end) {
        to++;
    }
    stub_range pieces[3];
    size_t count = 0;
    if (to > from && ranges->items[from].begin < begin) {
        pieces[count++] = (stub_range){ranges->items[from].begin, begin, ranges->items[from].object};
    }
    pieces[count++] = (stub_range){begin, end, object};
    if (to > from && ranges->items[to - 1].end > end) {
        pieces[count++] = (stub_range){end, ranges->items[to - 1].end, ranges->items[to - 1].object};
    }
    replace(ranges, from, to, pieces, count);
}

void stub_ranges_drop(stub_ranges *ranges, uintptr_t begin, uintptr_t end, const stub_object *object) {
    const size_t first = first_behind(ranges, begin);
    size_t kept = first;
    size_t i = first;
    for (; i < ranges->count && ranges->items[i].begin < end; i++) {
        if (ranges->items[i].object != object) {
            ranges->items[kept++] = ranges->items[i];
        }
    }
    replace(ranges, kept, i, NULL, 0);
}

stub_object *stub_ranges_find(const stub_ranges *ranges, uintptr_t address) {
    const size_t at = first_behind(ranges, address);
    return at < ranges->count && ranges->items[at].begin <= address ? ranges->items[at].object : NULL;
}
