/* The page map of one device: which 2 MiB page belongs to which allocation. Only the memory sources include this.
 *
 * Allocations above 1 MiB take runs of pages (spans), first fit. Smaller ones take slots of a page that is carved into
 * slots of one size class. Fields that look-ups read without the lock are atomic. */
#ifndef ASCEND_STUB_CORE_DEVICE_HEAP_H
#define ASCEND_STUB_CORE_DEVICE_HEAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/memory.h"

#define STUB_NO_PAGE UINT32_MAX
#define STUB_SIZE_CLASSES 40
#define STUB_LARGEST_SMALL ((size_t)1 << 20)

typedef enum { STUB_PAGE_FREE = 0, STUB_PAGE_SPAN, STUB_PAGE_SMALL } stub_page_kind;

typedef struct {
    _Atomic(uint8_t) kind;
    _Atomic(uint8_t) size_class; /* small */
    _Atomic(bool) populated;     /* stub_device_populate has seen the page since it was taken */
    _Atomic(uint32_t) head;      /* span: its first page */
    _Atomic(uint64_t) size;      /* first page of a span: bytes asked for */
    uint32_t length;             /* pages of the run, on its first page; on the last page too when it is free */
    uint32_t used;               /* small: live slots */
    uint32_t carved;             /* small: slots handed out at least once */
    uint32_t free_slot;          /* small: released slots, linked through slot_sizes */
    uint32_t next, previous;     /* small: pages of the class that have room */
} stub_page;

typedef struct {
    pthread_mutex_t lock;
    _Atomic(stub_page *) pages; /* NULL until the device is used */
    uint32_t page_count;
    uint32_t hint;                         /* start of a run; no free page lies before it */
    uint32_t with_room[STUB_SIZE_CLASSES]; /* small pages with a free slot, STUB_NO_PAGE */
    _Atomic(uint32_t) *slot_sizes;         /* per 512 bytes of HBM: see device_slots.c */
    _Atomic(uint64_t) used_bytes;
} stub_heap;

/* The page map of a device, NULL until it is used. Lock-free. */
stub_page *stub_heap_pages(int device);

/* Pages. Callers hold the lock. The taken pages stay STUB_PAGE_FREE until the caller says what they are; STUB_NO_PAGE
 * when no run is long enough. */
uint32_t stub_pages_take(stub_heap *heap, uint32_t count);
void stub_pages_return(stub_heap *heap, uint32_t first, uint32_t count);

/* Slots for blocks up to STUB_LARGEST_SMALL. Callers hold the lock. */
bool stub_slot_take(stub_heap *heap, size_t size, size_t block, size_t *offset);
/* Releases the slot that starts at `offset`; returns the page when it became empty, else STUB_NO_PAGE. */
uint32_t stub_slot_release(stub_heap *heap, size_t offset);
size_t stub_slot_bytes(size_t block); /* what a block really takes */
size_t stub_class_bytes(unsigned size_class);

/* Lock-free: the live slot of a small page that contains `offset`. */
bool stub_slot_find(const stub_heap *heap, uint32_t page, size_t offset, size_t *start, size_t *size);

#endif
