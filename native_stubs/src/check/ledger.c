/* See ledger.h: a table by kind and address, lists of the living and of the dead, and the ranges of memory. */
#include "check/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check/forks.h"
#include "check/ranges.h"

#define BUCKETS 16384u
#define MOST_DEAD 16384u
#define MOST_AT_ONE_ADDRESS 4u

struct stub_object {
    stub_object *next;          /* in its bucket */
    stub_object *older, *newer; /* in its list */
    stub_facts facts;
    stub_need *needs; /* executors */
    size_t need_count;
    bool reported;
};

typedef struct {
    stub_object *oldest, *newest;
    size_t count;
} list;

static pthread_once_t forks_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_object *table[BUCKETS];
static list living, dead_memory, dead_handles; /* apart: handles come and go by the thousand */
static stub_ranges ranges[STUB_OBJECT_COUNT];  /* of the kinds that are memory */
static stub_tally tallies_of[STUB_OBJECT_COUNT];
static uint64_t next_generation = 1;
static uint64_t first_generation = 1; /* of this process: what a parent made is not its child's to destroy */

static void forget_parent(void) {
    first_generation = next_generation;
}

static void watch_forks(void) {
    stub_lock_survives_forks(&lock);
    pthread_atfork(NULL, NULL, forget_parent); /* a child has one thread */
}

static void enter(void) {
    pthread_mutex_lock(&lock);
}

static void leave(void) {
    pthread_mutex_unlock(&lock);
}

/* ---- under the lock ---- */

static bool is_memory(stub_object_kind kind) {
    return kind == STUB_OBJECT_DEVICE_MEMORY || kind == STUB_OBJECT_PINNED_MEMORY ||
           kind == STUB_OBJECT_REGISTERED_MEMORY;
}

static void link_newest(list *to, stub_object *object) {
    object->newer = NULL;
    object->older = to->newest;
    *(to->newest == NULL ? &to->oldest : &to->newest->newer) = object;
    to->newest = object;
    to->count++;
}

static void unlink_object(list *from, stub_object *object) {
    *(object->older == NULL ? &from->oldest : &object->older->newer) = object->newer;
    *(object->newer == NULL ? &from->newest : &object->newer->older) = object->older;
    from->count--;
}

static bool is_alive(const stub_object *object) {
    return object->facts.ended_by == NULL;
}

static list *dead_of(const stub_object *object) {
    return is_memory(object->facts.kind) ? &dead_memory : &dead_handles;
}

static stub_object **bucket_of(stub_object_kind kind, uintptr_t address) {
    uint64_t hash = ((uint64_t)address >> 4 ^ (uint64_t)kind << 40) * UINT64_C(0x9E3779B97F4A7C15);
    return &table[hash >> 50];
}

/* The latest that was there: buckets begin with the newest. */
static stub_object *find(stub_object_kind kind, const void *handle) {
    stub_object *object = *bucket_of(kind, (uintptr_t)handle);
    while (object != NULL && (object->facts.kind != kind || object->facts.address != (uintptr_t)handle)) {
        object = object->next;
    }
    return object;
}

static void drop_ranges(stub_object *object) {
    const stub_facts *facts = &object->facts;
    if (is_memory(facts->kind)) {
        stub_ranges_drop(&ranges[facts->kind], facts->address, facts->address + facts->size, object);
    }
}

static void forget(stub_object *object) {
    stub_object **at = bucket_of(object->facts.kind, object->facts.address);
    while (*at != object) {
        at = &(*at)->next;
    }
    *at = object->next;
    drop_ranges(object);
    unlink_object(is_alive(object) ? &living : dead_of(object), object);
    free(object->needs);
    free(object);
}

static void bury(stub_object *object, const char *by, const stub_place *place) {
    list *dead = dead_of(object);
    unlink_object(&living, object);
    object->facts.ended_by = by;
    object->facts.ended = place;
    link_newest(dead, object);
    tallies_of[object->facts.kind].destroyed++;
    if (object->facts.kind != STUB_OBJECT_DEVICE_MEMORY) {
        drop_ranges(object); /* the host gives its addresses to others, who tell nobody */
    }
    if (dead->count > MOST_DEAD) {
        forget(dead->oldest);
    }
}

/* Without memory what was at the address is forgotten, as an object that nobody knows lives there now. */
static void forget_all_at(stub_object_kind kind, const void *handle) {
    for (stub_object *object = find(kind, handle); object != NULL; object = find(kind, handle)) {
        forget(object);
    }
}

static stub_object *new_object(const stub_facts *made) {
    stub_object *object = calloc(1, sizeof *object);
    if (object == NULL) {
        forget_all_at(made->kind, (const void *)made->address);
        return NULL;
    }
    object->facts = *made;
    object->facts.generation = next_generation++;
    stub_object **bucket = bucket_of(made->kind, made->address);
    object->next = *bucket;
    *bucket = object;
    link_newest(&living, object);
    tallies_of[made->kind].made++;
    if (is_memory(made->kind)) {
        stub_ranges_put(&ranges[made->kind], made->address, made->address + made->size, object);
    }
    return object;
}

/* ---- for everybody ---- */

void stub_ledger_clear(void) {
    pthread_once(&forks_once, watch_forks);
    enter();
    list *const lists[] = {&living, &dead_memory, &dead_handles};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        while (lists[i]->oldest != NULL) {
            forget(lists[i]->oldest);
        }
    }
    memset(tallies_of, 0, sizeof tallies_of);
    leave();
}

/* Of the dead that a live object stands on, the latest are enough: their addresses come back again and again. */
static void trim(stub_object_kind kind, uintptr_t address) {
    unsigned count = 0;
    for (stub_object *object = *bucket_of(kind, address), *next = NULL; object != NULL; object = next) {
        next = object->next;
        const bool same = object->facts.kind == kind && object->facts.address == address;
        count += same;
        if (same && count > MOST_AT_ONE_ADDRESS) {
            forget(object);
        }
    }
}

uint64_t stub_ledger_add(const stub_facts *made) {
    enter();
    stub_object *before = find(made->kind, (const void *)made->address);
    if (before != NULL && is_alive(before)) {
        tallies_of[made->kind].destroyed++; /* by somebody who was not seen */
        forget(before);
    }
    stub_object *object = new_object(made);
    const uint64_t generation = object == NULL ? 0 : object->facts.generation;
    trim(made->kind, made->address);
    leave();
    return generation;
}

static bool tell(const stub_object *object, stub_facts *facts) {
    if (object != NULL) {
        *facts = object->facts;
    }
    return object != NULL;
}

bool stub_ledger_find(stub_object_kind kind, const void *handle, stub_facts *facts) {
    enter();
    const bool found = tell(find(kind, handle), facts);
    leave();
    return found;
}

bool stub_ledger_find_generation(const stub_need *need, stub_facts *facts) {
    enter();
    stub_object *object = *bucket_of(need->kind, (uintptr_t)need->handle);
    while (object != NULL && object->facts.generation != need->generation) {
        object = object->next;
    }
    const bool found = tell(object, facts);
    leave();
    return found;
}

bool stub_ledger_find_memory(uintptr_t address, stub_facts *facts) {
    enter();
    bool found = tell(stub_ranges_find(&ranges[STUB_OBJECT_DEVICE_MEMORY], address), facts) ||
                 tell(stub_ranges_find(&ranges[STUB_OBJECT_PINNED_MEMORY], address), facts) ||
                 tell(stub_ranges_find(&ranges[STUB_OBJECT_REGISTERED_MEMORY], address), facts);
    leave();
    return found;
}

stub_ending stub_ledger_end(stub_object_kind kind, const void *handle, const char *by, const stub_place *place,
                            stub_facts *facts) {
    stub_ending ending = STUB_UNKNOWN;
    enter();
    stub_object *object = find(kind, handle);
    if (tell(object, facts)) {
        ending = is_alive(object) ? STUB_ENDED_NOW : STUB_ENDED_BEFORE;
    }
    if (ending == STUB_ENDED_NOW) {
        bury(object, by, place);
    }
    leave();
    return ending;
}

void stub_ledger_revive(stub_object_kind kind, const void *handle, uint64_t generation) {
    enter();
    stub_object *object = find(kind, handle);
    if (object != NULL && object->facts.generation == generation && !is_alive(object)) {
        unlink_object(dead_of(object), object);
        object->facts.ended_by = NULL;
        object->facts.ended = NULL;
        link_newest(&living, object);
        tallies_of[kind].destroyed--;
    }
    leave();
}

void stub_ledger_sweep(stub_object_kind kind, bool (*still)(const void *handle), const char *by,
                       const stub_place *place) {
    enter();
    for (stub_object *object = living.oldest, *newer = NULL; object != NULL; object = newer) {
        newer = object->newer;
        if (object->facts.kind == kind && !still((const void *)object->facts.address)) {
            bury(object, by, place);
        }
    }
    leave();
}

void stub_ledger_set_repeatable(const void *executor) {
    enter();
    stub_object *object = find(STUB_OBJECT_EXECUTOR, executor);
    if (object != NULL) {
        object->facts.repeatable = true;
    }
    leave();
}

void stub_ledger_set_needs(const void *executor, stub_need *needs, size_t count) {
    enter();
    stub_object *object = find(STUB_OBJECT_EXECUTOR, executor);
    if (object != NULL) {
        object->needs = needs;
        object->need_count = count;
    }
    leave();
    if (object == NULL) {
        free(needs);
    }
}

stub_need *stub_ledger_needs(const void *executor, size_t *count) {
    stub_need *needs = NULL;
    enter();
    const stub_object *object = find(STUB_OBJECT_EXECUTOR, executor);
    *count = object == NULL ? 0 : object->need_count;
    if (*count > 0 && (needs = malloc(*count * sizeof *needs)) != NULL) {
        memcpy(needs, object->needs, *count * sizeof *needs);
    }
    leave();
    *count = needs == NULL ? 0 : *count;
    return needs;
}

uint64_t stub_ledger_mark(void) {
    enter();
    const uint64_t mark = next_generation;
    leave();
    return mark;
}

void stub_ledger_tallies(stub_tally tallies[STUB_OBJECT_COUNT]) {
    enter();
    memcpy(tallies, tallies_of, sizeof tallies_of);
    leave();
}

static int compare_generations(const void *a, const void *b) {
    const uint64_t left = ((const stub_facts *)a)->generation;
    const uint64_t right = ((const stub_facts *)b)->generation;
    return (left > right) - (left < right);
}

stub_facts *stub_ledger_leaks(uint64_t mark, size_t *count) {
    enter();
    const uint64_t first = mark > first_generation ? mark : first_generation;
    stub_facts *leaks = living.count == 0 ? NULL : malloc(living.count * sizeof *leaks);
    *count = 0;
    for (stub_object *object = leaks == NULL ? NULL : living.oldest; object != NULL; object = object->newer) {
        if (object->facts.generation >= first && !object->reported) {
            object->reported = true;
            leaks[(*count)++] = object->facts;
        }
    }
    leave();
    if (*count > 0) {
        qsort(leaks, *count, sizeof *leaks, compare_generations); /* a revived one is out of order */
    }
    return leaks;
}
