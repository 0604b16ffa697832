/* A thread-safe set of address ranges that do not overlap, sorted by address. */
#ifndef ASCEND_STUB_CORE_REGION_SET_H
#define ASCEND_STUB_CORE_REGION_SET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uintptr_t begin, end;
    unsigned flags; /* the owner's */
} stub_region;

typedef struct {
    pthread_rwlock_t lock;
    stub_region *regions;
    size_t count, capacity;
} stub_region_set;

#define STUB_REGION_SET {.lock = PTHREAD_RWLOCK_INITIALIZER}

typedef enum { STUB_REGION_ADDED, STUB_REGION_OVERLAPS, STUB_REGION_NO_MEMORY } stub_region_result;

stub_region_result stub_region_add(stub_region_set *set, stub_region region);

/* Removes the region that begins at `begin`. */
bool stub_region_remove(stub_region_set *set, uintptr_t begin, stub_region *removed);

/* The region that contains all of [begin, end). */
bool stub_region_find(stub_region_set *set, uintptr_t begin, uintptr_t end, stub_region *found);

#endif
