/* Sorted array of ranges under a read-write lock: look-ups are frequent, changes rare. */
#include "core/region_set.h"

#include <stdlib.h>
#include <string.h>

/* Number of regions that begin at or before `address`. */
static size_t upper_bound(const stub_region_set *set, uintptr_t address) {
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->regions[middle].begin <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool make_room(stub_region_set *set) {
    if (set->count < set->capacity) {
        return true;
    }
    size_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
    stub_region *regions = realloc(set->regions, capacity * sizeof *regions);
    if (regions == NULL) {
        return false;
    }
    set->regions = regions;
    set->capacity = capacity;
    return true;
}

static stub_region_result add(stub_region_set *set, stub_region region) {
    size_t at = upper_bound(set, region.begin);
    bool meets_left = at > 0 && set->regions[at - 1].end > region.begin;
    bool meets_right = at < set->count && set->regions[at].begin < region.end;
    if (meets_left || meets_right) {
        return STUB_REGION_OVERLAPS;
    }
    if (!make_room(set)) {
        return STUB_REGION_NO_MEMORY;
    }
    memmove(set->regions + at + 1, set->regions + at, (set->count - at) * sizeof region);
    set->regions[at] = region;
    set->count++;
    return STUB_REGION_ADDED;
}

stub_region_result stub_region_add(stub_region_set *set, stub_region region) {
    pthread_rwlock_wrlock(&set->lock);
    stub_region_result result = add(set, region);
    pthread_rwlock_unlock(&set->lock);
    return result;
}

bool stub_region_remove(stub_region_set *set, uintptr_t begin, stub_region *removed) {
    pthread_rwlock_wrlock(&set->lock);
    size_t after = upper_bound(set, begin);
    bool found = after > 0 && set->regions[after - 1].begin == begin;
    if (found) {
        *removed = set->regions[after - 1];
        memmove(set->regions + after - 1, set->regions + after, (set->count - after) * sizeof *set->regions);
        set->count--;
    }
    pthread_rwlock_unlock(&set->lock);
    return found;
}

bool stub_region_find(stub_region_set *set, uintptr_t begin, uintptr_t end, stub_region *found) {
    pthread_rwlock_rdlock(&set->lock);
    size_t after = upper_bound(set, begin);
    bool contained = after > 0 && set->regions[after - 1].end >= end && set->regions[after - 1].end > begin;
    if (contained) {
        *found = set->regions[after - 1];
    }
    pthread_rwlock_unlock(&set->lock);
    return contained;
}
