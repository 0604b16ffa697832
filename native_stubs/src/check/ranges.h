/* Which memory an address belongs to: ranges that do not overlap, sorted by address. Not thread-safe. */
#ifndef ASCEND_STUB_CHECK_RANGES_H
#define ASCEND_STUB_CHECK_RANGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct stub_object stub_object;

typedef struct {
    uintptr_t begin, end;
    stub_object *object;
} stub_range;

typedef struct {
    stub_range *items;
    size_t count, capacity;
} stub_ranges;

/* The object's bytes, which hide what older objects had there. Without memory nothing changes. */
void stub_ranges_put(stub_ranges *ranges, uintptr_t begin, uintptr_t end, stub_object *object);

/* Forgets what is left of an object that was put at [begin, end). */
void stub_ranges_drop(stub_ranges *ranges, uintptr_t begin, uintptr_t end, const stub_object *object);

/* NULL when the address belongs to none. */
stub_object *stub_ranges_find(const stub_ranges *ranges, uintptr_t address);

#endif
