/* Pools of tagged objects, one per handle kind.
 *
 * A pool is a short list of slabs, each twice as large as the one before, so that a look-up (lock-free) visits a
 * handful of ranges. Released objects wait in a first-in first-out queue until a good number of others is behind. */
#include "core/handle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TAG_MAGIC UINT32_C(0xA5CE9D00)
#define FIRST_SLAB_OBJECTS 64u
#define SLAB_COUNT 24
/* A released object is reused only while at least this many younger ones are waiting. */
#define QUARANTINE 1024u
#define OBJECT_ALIGNMENT 64u

typedef struct released {
    struct released *next;
    void *object;
} released;

typedef struct {
    size_t stride; /* a power of two, so that no look-up divides; written before the first slab is published */
    _Atomic(char *) slabs[SLAB_COUNT];
    _Alignas(OBJECT_ALIGNMENT) pthread_mutex_t lock; /* look-ups do without it and what follows */
    size_t slab_used;                                /* objects taken from the newest slab */
    int slab_count;
    uint32_t next_id;
    released *oldest, *youngest;
    size_t waiting;
} pool;

#define POOL {.lock = PTHREAD_MUTEX_INITIALIZER}
static pool pools[STUB_HANDLE_KIND_COUNT] = {POOL, POOL, POOL, POOL, POOL};

static size_t slab_objects(int slab) {
    return (size_t)FIRST_SLAB_OBJECTS << slab;
}

static uint32_t live_tag(stub_handle_kind kind) {
    return TAG_MAGIC ^ (uint32_t)kind;
}

static bool add_slab(pool *p, size_t size) {
    if (p->slab_count == SLAB_COUNT) {
        return false;
    }
    if (p->slab_count == 0) { /* look-ups read it without the lock later */
        for (p->stride = OBJECT_ALIGNMENT; p->stride < size; p->stride *= 2) {
        }
    }
    size_t bytes = p->stride * slab_objects(p->slab_count);
    void *slab = NULL;
    if (posix_memalign(&slab, OBJECT_ALIGNMENT, bytes) != 0) {
        return false;
    }
    memset(slab, 0, bytes);
    atomic_store_explicit(&p->slabs[p->slab_count++], slab, memory_order_release);
    p->slab_used = 0;
    return true;
}

static void *take_fresh(pool *p, size_t size) {
    bool full = p->slab_count == 0 || p->slab_used == slab_objects(p->slab_count - 1);
    if (full && !add_slab(p, size)) {
        return NULL;
    }
    char *slab = atomic_load_explicit(&p->slabs[p->slab_count - 1], memory_order_relaxed);
    return slab + p->stride * p->slab_used++;
}

static void *take_released(pool *p) {
    released *entry = p->oldest;
    if (entry == NULL) {
        return NULL;
    }
    p->oldest = entry->next;
    p->waiting--;
    void *object = entry->object;
    free(entry);
    return object;
}

static void *take_object(pool *p, size_t size) {
    void *object = p->waiting > QUARANTINE ? take_released(p) : take_fresh(p, size);
    return object != NULL ? object : take_released(p);
}

void *stub_handle_new(stub_handle_kind kind, size_t size) {
    pool *p = &pools[kind];
    pthread_mutex_lock(&p->lock);
    stub_handle *object = take_object(p, size);
    uint32_t id = object == NULL ? 0 : p->next_id++;
    pthread_mutex_unlock(&p->lock);
    if (object == NULL) {
        return NULL;
    }
    memset(object + 1, 0, size - sizeof *object);
    object->id = id;
    atomic_store_explicit(&object->tag, live_tag(kind), memory_order_release);
    return object;
}

/* The object when `address` is the start of one of the pool's, live or not. */
static stub_handle *find_object(pool *p, const void *address) {
    for (int i = 0; i < SLAB_COUNT; i++) {
        char *slab = atomic_load_explicit(&p->slabs[i], memory_order_acquire);
        if (slab == NULL) {
            return NULL;
        }
        uintptr_t offset = (uintptr_t)address - (uintptr_t)slab;
        if (offset < p->stride * slab_objects(i)) {
            return (offset & (p->stride - 1)) == 0 ? (stub_handle *)(void *)(slab + offset) : NULL;
        }
    }
    return NULL;
}

bool stub_handle_is(const void *object, stub_handle_kind kind) {
    stub_handle *found = find_object(&pools[kind], object);
    return found != NULL && atomic_load_explicit(&found->tag, memory_order_acquire) == live_tag(kind);
}

bool stub_handle_was(const void *object, stub_handle_kind kind) {
    return find_object(&pools[kind], object) != NULL;
}

bool stub_handle_is_still(const stub_handle *handle, stub_handle_kind kind) {
    return atomic_load_explicit(&handle->tag, memory_order_acquire) == live_tag(kind);
}

static void queue_released(pool *p, released *entry) {
    if (p->oldest == NULL) {
        p->oldest = entry;
    } else {
        p->youngest->next = entry;
    }
    p->youngest = entry;
    p->waiting++;
}

void stub_handle_release(void *object, stub_handle_kind kind) {
    pool *p = &pools[kind];
    stub_handle *found = find_object(p, object);
    uint32_t tag = live_tag(kind);
    if (found == NULL || !atomic_compare_exchange_strong(&found->tag, &tag, 0)) {
        return;
    }
    released *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return; /* the object is lost, which only costs its memory */
    }
    entry->object = found;
    pthread_mutex_lock(&p->lock);
    queue_released(p, entry);
    pthread_mutex_unlock(&p->lock);
}
