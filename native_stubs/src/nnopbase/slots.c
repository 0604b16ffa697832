/* A table of slots that grows by chunks and never shrinks, and the caches of free slots. */
#include "nnopbase/slots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CHUNK_SLOTS 256u
#define CHUNKS ((1u << STUB_SLOT_NUMBER_BITS) / CHUNK_SLOTS)
/* Slots a thread takes at once from the table. */
#define PORTION 16u
#define CACHE_LINE 64u

/* Lives for ever: slots refer to it. A thread that ends leaves its cache to a later one. */
struct stub_slot_cache {
    _Alignas(CACHE_LINE) stub_executor *free; /* its thread's */
    stub_slot_cache *next;                    /* in the list of all caches */
    stub_slot_cache *next_idle;
    _Alignas(CACHE_LINE) _Atomic(stub_executor *) returned; /* pushed to by any thread, taken as a whole */
};

static _Atomic(stub_executor *) chunks[CHUNKS];
static _Atomic(uint32_t) first_unused;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_slot_cache *idle;             /* of threads that have ended; under the lock */
static _Atomic(stub_slot_cache *) caches; /* all of them; grows at its head, under the lock */
static _Thread_local stub_slot_cache *own;

stub_executor *stub_slot_at(uint32_t number) {
    stub_executor *chunk = atomic_load_explicit(&chunks[number / CHUNK_SLOTS], memory_order_acquire);
    return chunk != NULL ? &chunk[number % CHUNK_SLOTS] : NULL;
}

uint32_t stub_slot_count(void) {
    return atomic_load_explicit(&first_unused, memory_order_relaxed);
}

static void abandon(void *cache) {
    own = NULL;
    pthread_mutex_lock(&lock);
    ((stub_slot_cache *)cache)->next_idle = idle;
    idle = cache;
    pthread_mutex_unlock(&lock);
}

static void make_key(void) {
    if (pthread_key_create(&key, abandon) != 0) {
        abort(); /* only when the process has used up its keys */
    }
}

/* Under the lock. */
static stub_slot_cache *new_cache(void) {
    stub_slot_cache *made = aligned_alloc(CACHE_LINE, sizeof *made);
    if (made != NULL) {
        *made = (stub_slot_cache){.next = atomic_load_explicit(&caches, memory_order_relaxed)};
        atomic_store_explicit(&caches, made, memory_order_release);
    }
    return made;
}

static stub_slot_cache *adopt_cache(void) {
    pthread_once(&key_once, make_key);
    pthread_mutex_lock(&lock);
    stub_slot_cache *cache = idle;
    if (cache != NULL) {
        idle = cache->next_idle;
    } else {
        cache = new_cache();
    }
    pthread_mutex_unlock(&lock);
    if (cache != NULL && pthread_setspecific(key, cache) != 0) {
        abandon(cache);
        return NULL;
    }
    own = cache;
    return cache;
}

/* Several threads may get here at once; the first one's chunk stays. */
static bool ensure_chunk(uint32_t index) {
    if (atomic_load_explicit(&chunks[index], memory_order_acquire) != NULL) {
        return true;
    }
    /* calloc leaves it to the system to clear pages when they are used; aligned_alloc would not. */
    char *memory = calloc(1, CHUNK_SLOTS * sizeof(stub_executor) + CACHE_LINE);
    if (memory == NULL) {
        return false;
    }
    void *chunk = memory + (CACHE_LINE - (uintptr_t)memory % CACHE_LINE);
    stub_executor *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&chunks[index], &none, chunk, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        free(memory);
    }
    return true;
}

/* A list of slots that nobody has had; they are neighbours in one chunk. */
static stub_executor *take_portion(void) {
    uint32_t number = atomic_load_explicit(&first_unused, memory_order_relaxed);
    do {
        if (number / CHUNK_SLOTS >= CHUNKS || !ensure_chunk(number / CHUNK_SLOTS)) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&first_unused, &number, number + PORTION, memory_order_relaxed,
                                                    memory_order_relaxed));
    stub_executor *first = stub_slot_at(number);
    for (uint32_t i = 0; i < PORTION; i++) {
        first[i].number = number + i;
        first[i].next_free = i + 1 < PORTION ? &first[i + 1] : NULL;
    }
    return first;
}

static stub_executor *take_returned(stub_slot_cache *cache) {
    return atomic_load_explicit(&cache->returned, memory_order_relaxed) == NULL
               ? NULL
               : atomic_exchange_explicit(&cache->returned, NULL, memory_order_acquire);
}

/* When the table is used up: what came back to others. */
static stub_executor *take_from_others(void) {
    stub_executor *slots = NULL;
    stub_slot_cache *cache = atomic_load_explicit(&caches, memory_order_acquire);
    for (; cache != NULL && slots == NULL; cache = cache->next) {
        slots = take_returned(cache);
    }
    return slots;
}

static stub_executor *find_slots(stub_slot_cache *cache) {
    stub_executor *slots = take_returned(cache);
    if (slots == NULL) {
        slots = take_portion();
    }
    return slots != NULL ? slots : take_from_others();
}

stub_executor *stub_slot_take(void) {
    stub_slot_cache *cache = own != NULL ? own : adopt_cache();
    if (cache == NULL) {
        return NULL;
    }
    stub_executor *slot = cache->free != NULL ? cache->free : find_slots(cache);
    if (slot != NULL) {
        cache->free = slot->next_free;
        slot->cache = cache;
    }
    return slot;
}

void stub_slot_give(stub_executor *slot) {
    stub_slot_cache *cache = slot->cache;
    if (cache == own) {
        slot->next_free = cache->free;
        cache->free = slot;
        return;
    }
    stub_executor *first = atomic_load_explicit(&cache->returned, memory_order_relaxed);
    do {
        slot->next_free = first;
    } while (!atomic_compare_exchange_weak_explicit(&cache->returned, &first, slot, memory_order_release,
                                                    memory_order_relaxed));
}
