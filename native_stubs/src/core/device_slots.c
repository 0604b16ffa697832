/* Size classes: a page carved into slots of 512 bytes to 1 MiB, four classes per doubling.
 *
 * slot_sizes has one entry per slot of a page (4096 at most): 0 never used, the size asked for while the slot is live,
 * RELEASED with the number of the next released slot afterwards. */
#include <stdatomic.h>

#include "core/device_heap.h"
#include "core/device_space.h"

#define GRANULE STUB_MEMORY_ALIGNMENT
#define SLOTS_PER_PAGE (STUB_DEVICE_PAGE / GRANULE)
#define RELEASED UINT32_C(0x80000000)
#define NO_SLOT UINT32_C(0x7FFFFFFF)
#define LINEAR_CLASSES 8u
#define STEPS 4u

static unsigned class_of(size_t block) {
    uint32_t granules = (uint32_t)((block + GRANULE - 1) / GRANULE);
    if (granules <= LINEAR_CLASSES) {
        return granules == 0 ? 0 : granules - 1;
    }
    unsigned shift = 29u - (unsigned)__builtin_clz(granules - 1); /* leaves the top three bits: 4 to 7 quarters */
    return LINEAR_CLASSES + (shift - 1) * STEPS + ((granules - 1) >> shift) - STEPS;
}

size_t stub_class_bytes(unsigned size_class) {
    if (size_class < LINEAR_CLASSES) {
        return (size_t)(size_class + 1) * GRANULE;
    }
    unsigned step = size_class - LINEAR_CLASSES;
    return (size_t)(step % STEPS + STEPS + 1) * GRANULE << (step / STEPS + 1);
}

size_t stub_slot_bytes(size_t block) {
    return stub_class_bytes(class_of(block));
}

static stub_page *page_at(const stub_heap *heap, uint32_t index) {
    return atomic_load_explicit(&heap->pages, memory_order_relaxed) + index;
}

static _Atomic(uint32_t) *slot_entry(const stub_heap *heap, uint32_t page, uint32_t slot) {
    return &heap->slot_sizes[(size_t)page * SLOTS_PER_PAGE + slot];
}

static void link_page(stub_heap *heap, uint32_t index, unsigned size_class) {
    stub_page *page = page_at(heap, index);
    page->previous = STUB_NO_PAGE;
    page->next = heap->with_room[size_class];
    if (page->next != STUB_NO_PAGE) {
        page_at(heap, page->next)->previous = index;
    }
    heap->with_room[size_class] = index;
}

static void unlink_page(stub_heap *heap, uint32_t index, unsigned size_class) {
    stub_page *page = page_at(heap, index);
    if (page->previous == STUB_NO_PAGE) {
        heap->with_room[size_class] = page->next;
    } else {
        page_at(heap, page->previous)->next = page->next;
    }
    if (page->next != STUB_NO_PAGE) {
        page_at(heap, page->next)->previous = page->previous;
    }
}

static uint32_t carve_page(stub_heap *heap, unsigned size_class) {
    uint32_t index = stub_pages_take(heap, 1);
    if (index == STUB_NO_PAGE) {
        return index;
    }
    stub_page *page = page_at(heap, index);
    page->used = 0;
    page->carved = 0;
    page->free_slot = NO_SLOT;
    atomic_store_explicit(&page->size_class, (uint8_t)size_class, memory_order_relaxed);
    atomic_store_explicit(&page->kind, STUB_PAGE_SMALL, memory_order_release);
    link_page(heap, index, size_class);
    return index;
}

static uint32_t slots_of(unsigned size_class) {
    return (uint32_t)(STUB_DEVICE_PAGE / stub_class_bytes(size_class));
}

/* The page has room. */
static uint32_t pop_slot(stub_heap *heap, uint32_t index) {
    stub_page *page = page_at(heap, index);
    uint32_t slot = page->free_slot;
    if (slot == NO_SLOT) {
        return page->carved++;
    }
    page->free_slot = atomic_load_explicit(slot_entry(heap, index, slot), memory_order_relaxed) & ~RELEASED;
    return slot;
}

bool stub_slot_take(stub_heap *heap, size_t size, size_t block, size_t *offset) {
    unsigned size_class = class_of(block);
    uint32_t index = heap->with_room[size_class];
    if (index == STUB_NO_PAGE) {
        index = carve_page(heap, size_class);
    }
    if (index == STUB_NO_PAGE) {
        return false;
    }
    uint32_t slot = pop_slot(heap, index);
    if (++page_at(heap, index)->used == slots_of(size_class)) {
        unlink_page(heap, index, size_class);
    }
    atomic_store_explicit(slot_entry(heap, index, slot), (uint32_t)size, memory_order_release);
    *offset = (size_t)index * STUB_DEVICE_PAGE + slot * stub_class_bytes(size_class);
    return true;
}

uint32_t stub_slot_release(stub_heap *heap, size_t offset) {
    uint32_t index = (uint32_t)(offset / STUB_DEVICE_PAGE);
    stub_page *page = page_at(heap, index);
    unsigned size_class = atomic_load_explicit(&page->size_class, memory_order_relaxed);
    uint32_t slot = (uint32_t)(offset % STUB_DEVICE_PAGE / stub_class_bytes(size_class));
    atomic_store_explicit(slot_entry(heap, index, slot), RELEASED | page->free_slot, memory_order_release);
    page->free_slot = slot;
    if (page->used-- == slots_of(size_class)) {
        link_page(heap, index, size_class);
    }
    if (page->used > 0) {
        return STUB_NO_PAGE;
    }
    unlink_page(heap, index, size_class);
    return index;
}

bool stub_slot_find(const stub_heap *heap, uint32_t page, size_t offset, size_t *start, size_t *size) {
    size_t bytes = stub_class_bytes(atomic_load_explicit(&page_at(heap, page)->size_class, memory_order_relaxed));
    size_t slot = offset % STUB_DEVICE_PAGE / bytes;
    if (slot >= STUB_DEVICE_PAGE / bytes) {
        return false; /* the rest behind the last whole slot */
    }
    uint32_t entry = atomic_load_explicit(slot_entry(heap, page, (uint32_t)slot), memory_order_acquire);
    *start = offset / STUB_DEVICE_PAGE * STUB_DEVICE_PAGE + slot * bytes;
    *size = entry;
    return entry != 0 && (entry & RELEASED) == 0;
}
