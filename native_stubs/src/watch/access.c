/* Lists of accesses; see access.h. */
#include "watch/access.h"

#include <stdlib.h>

#define FIRST_CAPACITY 8u

static bool grow(stub_access_list *list) {
    size_t capacity = list->capacity == 0 ? FIRST_CAPACITY : 2 * list->capacity;
    stub_access *items = realloc(list->items, capacity * sizeof *items);
    if (items != NULL) {
        list->items = items;
        list->capacity = capacity;
    }
    return items != NULL;
}

void stub_access_add(stub_access_list *list, const stub_access *access) {
    if (access->first == 0 || access->run == 0) {
        return;
    }
    if (list->count < list->capacity || grow(list)) {
        list->items[list->count++] = *access;
    }
}

void stub_access_free(stub_access_list *list) {
    free(list->items);
    *list = (stub_access_list){0};
}

uintptr_t stub_access_end(const stub_access *access) {
    uintptr_t last = access->first;
    for (uint32_t i = 0; i < access->rank; i++) {
        last += (access->dims[i].count - 1) * access->dims[i].stride;
    }
    return last + access->run;
}
