/* Device memory: one heap per device behind stub_device_malloc and stub_device_free. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "acl/acl_base.h"
#include "core/device_heap.h"
#include "core/device_space.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/memory.h"
#include "core/settings.h"
#include "fault/fault.h"
#include "trace/trace.h"

static pthread_once_t heaps_once = PTHREAD_ONCE_INIT;
static stub_heap heaps[STUB_MAX_DEVICES];

static void make_locks(void) {
    for (int i = 0; i < STUB_MAX_DEVICES; i++) {
        pthread_mutex_init(&heaps[i].lock, NULL);
    }
}

/* The page map and the slot table, both sparse: they cost memory where pages are used. */
static int open_heap(stub_heap *heap) {
    size_t hbm = (size_t)stub_get_settings()->hbm_bytes;
    size_t count = hbm / STUB_DEVICE_PAGE;
    size_t map_bytes = (count * sizeof(stub_page) + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE * STUB_DEVICE_PAGE;
    size_t slot_bytes = hbm / STUB_MEMORY_ALIGNMENT * sizeof(uint32_t);
    char *map =
        mmap(NULL, map_bytes + slot_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                         "The ascend-ops stand-in has no memory for its page tables of device memory: %s. Set "
                         "ASCEND_STUB_HBM to a smaller value.",
                         strerror(errno));
    }
    stub_page *pages = (stub_page *)(void *)map;
    pages[0].length = pages[count - 1].length = (uint32_t)count;
    heap->page_count = (uint32_t)count;
    heap->slot_sizes = (_Atomic(uint32_t) *)(void *)(map + map_bytes);
    memset(heap->with_room, 0xff, sizeof heap->with_room); /* STUB_NO_PAGE everywhere */
    atomic_store_explicit(&heap->pages, pages, memory_order_release);
    return ACL_SUCCESS;
}

/* Callers hold the heap's lock. */
static int prepare_device(int device) {
    int status = stub_space_map(device);
    if (status == ACL_SUCCESS && atomic_load_explicit(&heaps[device].pages, memory_order_relaxed) == NULL) {
        status = open_heap(&heaps[device]);
    }
    return status;
}

static bool take_span(stub_heap *heap, size_t size, size_t block, size_t *offset) {
    size_t count = (block + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE;
    if (count > heap->page_count) {
        return false;
    }
    uint32_t first = stub_pages_take(heap, (uint32_t)count);
    if (first == STUB_NO_PAGE) {
        return false;
    }
    stub_page *pages = atomic_load_explicit(&heap->pages, memory_order_relaxed);
    atomic_store_explicit(&pages[first].size, size, memory_order_relaxed);
    for (uint32_t i = first; i < first + count; i++) {
        atomic_store_explicit(&pages[i].head, first, memory_order_relaxed);
        atomic_store_explicit(&pages[i].kind, STUB_PAGE_SPAN, memory_order_release);
    }
    *offset = (size_t)first * STUB_DEVICE_PAGE;
    return true;
}

static size_t block_bytes(size_t block) {
    return block <= STUB_LARGEST_SMALL ? stub_slot_bytes(block)
                                       : (block + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE * STUB_DEVICE_PAGE;
}

static bool take_block(stub_heap *heap, size_t size, size_t block, size_t *offset) {
    bool taken =
        block <= STUB_LARGEST_SMALL ? stub_slot_take(heap, size, block, offset) : take_span(heap, size, block, offset);
    if (taken) {
        atomic_fetch_add_explicit(&heap->used_bytes, block_bytes(block), memory_order_relaxed);
    }
    return taken;
}

/* Under the heap's lock, so that the trace sees every change in its order. */
static void trace_usage(stub_heap *heap, int device) {
    if (stub_is_watched_by(STUB_WATCH_TRACE)) {
        stub_trace_memory(device, (size_t)atomic_load_explicit(&heap->used_bytes, memory_order_relaxed));
    }
}

static int fail_full(int device, size_t size) {
    size_t free_bytes = 0;
    size_t total = 0;
    stub_device_usage(device, &free_bytes, &total);
    return stub_fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                     "Out of device memory on device %d: %zu bytes were asked for, %zu of %zu bytes are in use. Free "
                     "memory first (aclrtFree), or give the stand-in's devices more with ASCEND_STUB_HBM.",
                     device, size, total - free_bytes, total);
}

int stub_device_malloc_spare(int device, size_t size, size_t spare, void **address) {
    int status = stub_space_open();
    if (status != ACL_SUCCESS) {
        return status;
    }
    if (size == 0 || size > stub_get_settings()->hbm_bytes) {
        return size == 0 ? stub_fail(ACL_ERROR_RT_PARAM_INVALID, "size is 0; device memory needs at least 1 byte.")
                         : fail_full(device, size);
    }
    pthread_once(&heaps_once, make_locks);
    stub_heap *heap = &heaps[device];
    size_t offset = 0;
    pthread_mutex_lock(&heap->lock);
    status = prepare_device(device);
    if (status == ACL_SUCCESS && stub_is_watched_by(STUB_WATCH_FAULTS)) {
        status = stub_fault_memory(device, atomic_load(&heap->used_bytes), block_bytes(size + spare));
    }
    bool taken = status == ACL_SUCCESS && take_block(heap, size, size + spare, &offset);
    if (taken) {
        trace_usage(heap, device);
    }
    pthread_mutex_unlock(&heap->lock);
    if (status == ACL_SUCCESS && !taken) {
        return fail_full(device, size);
    }
    if (taken) {
        *address = (void *)stub_space_address(device, offset);
    }
    return status;
}

int stub_device_malloc(int device, size_t size, void **address) {
    return stub_device_malloc_spare(device, size, 0, address);
}

static bool find_block(const stub_heap *heap, size_t offset, size_t *start, size_t *size) {
    stub_page *pages = atomic_load_explicit(&heap->pages, memory_order_acquire);
    if (pages == NULL) {
        return false;
    }
    uint32_t page = (uint32_t)(offset / STUB_DEVICE_PAGE);
    switch (atomic_load_explicit(&pages[page].kind, memory_order_acquire)) {
    case STUB_PAGE_SPAN: {
        uint32_t head = atomic_load_explicit(&pages[page].head, memory_order_relaxed);
        *start = (size_t)head * STUB_DEVICE_PAGE;
        *size = (size_t)atomic_load_explicit(&pages[head].size, memory_order_relaxed);
        return true;
    }
    case STUB_PAGE_SMALL:
        return stub_slot_find(heap, page, offset, start, size);
    default:
        return false;
    }
}

bool stub_find_allocation(const void *address, stub_allocation *allocation) {
    int device = 0;
    size_t offset = 0;
    size_t start = 0;
    size_t size = 0;
    if (!stub_space_locate(address, &device, &offset) || !find_block(&heaps[device], offset, &start, &size)) {
        return false;
    }
    *allocation = (stub_allocation){stub_space_address(device, start), size, device};
    return true;
}

/* What was asked for and the room behind it, which is nobody else's. */
static size_t room_of(const stub_page *page, size_t size) {
    if (atomic_load_explicit(&page->kind, memory_order_relaxed) == STUB_PAGE_SMALL) {
        return stub_class_bytes(atomic_load_explicit(&page->size_class, memory_order_relaxed));
    }
    return (size + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE * STUB_DEVICE_PAGE;
}

size_t stub_block_bytes_from(const void *address) {
    int device = 0;
    size_t offset = 0;
    size_t start = 0;
    size_t size = 0;
    if (!stub_space_locate(address, &device, &offset)) {
        return stub_host_mapped_bytes_from(address);
    }
    if (!find_block(&heaps[device], offset, &start, &size)) {
        return 0;
    }
    size_t end = start + room_of(&stub_heap_pages(device)[offset / STUB_DEVICE_PAGE], size);
    return offset < end ? end - offset : 0;
}

static int fail_free(const void *address) {
    stub_allocation found;
    if (!stub_is_device_address(address)) {
        return stub_fail(
            ACL_ERROR_RT_PARAM_INVALID,
            "devPtr %p is not a device address; aclrtFree takes what aclrtMalloc returned (host memory goes "
            "to aclrtFreeHost).",
            address);
    }
    if (stub_find_allocation(address, &found)) {
        return stub_fail(ACL_ERROR_RT_PARAM_INVALID,
                         "devPtr %p is byte %" PRIuPTR " of the allocation of %zu bytes that starts at 0x%" PRIxPTR
                         " on device %d; aclrtFree takes the start.",
                         address, (uintptr_t)address - found.address, found.size, found.address, found.device);
    }
    return stub_fail(
        ACL_ERROR_RT_PARAM_INVALID,
        "devPtr %p is a device address but no live allocation starts there; it may have been freed before.", address);
}

stub_page *stub_heap_pages(int device) {
    return atomic_load_explicit(&heaps[device].pages, memory_order_acquire);
}

/* Gives a live block back; the heap's lock is held. Pages that become empty lose their memory before they can be taken
 * again. */
static void release_block(stub_heap *heap, int device, size_t offset) {
    stub_page *pages = atomic_load_explicit(&heap->pages, memory_order_relaxed);
    uint32_t first = (uint32_t)(offset / STUB_DEVICE_PAGE);
    uint32_t count = pages[first].length;
    size_t bytes = count * STUB_DEVICE_PAGE;
    if (atomic_load_explicit(&pages[first].kind, memory_order_relaxed) == STUB_PAGE_SMALL) {
        unsigned size_class = atomic_load_explicit(&pages[first].size_class, memory_order_relaxed);
        bytes = stub_class_bytes(size_class);
        first = stub_slot_release(heap, offset);
    }
    atomic_fetch_sub_explicit(&heap->used_bytes, bytes, memory_order_relaxed);
    if (first != STUB_NO_PAGE) {
        stub_space_discard(device, first * STUB_DEVICE_PAGE, count * STUB_DEVICE_PAGE);
        stub_pages_return(heap, first, count);
    }
}

int stub_device_free(void *address) {
    int device = 0;
    size_t offset = 0;
    int refused = stub_refuse_forked_child("aclrtFree"); /* the parent's memory is shared with the child */
    if (refused != 0) {
        return refused;
    }
    if (!stub_space_locate(address, &device, &offset)) {
        return fail_free(address);
    }
    pthread_once(&heaps_once, make_locks);
    stub_heap *heap = &heaps[device];
    size_t start = 0;
    size_t size = 0;
    pthread_mutex_lock(&heap->lock);
    bool found = find_block(heap, offset, &start, &size) && start == offset;
    if (found) {
        release_block(heap, device, offset);
        trace_usage(heap, device);
    }
    pthread_mutex_unlock(&heap->lock);
    return found ? ACL_SUCCESS : fail_free(address);
}

void stub_device_usage(int device, size_t *free_bytes, size_t *total_bytes) {
    size_t used = (size_t)atomic_load_explicit(&heaps[device].used_bytes, memory_order_relaxed);
    *total_bytes = (size_t)stub_get_settings()->hbm_bytes;
    if (stub_is_watched_by(STUB_WATCH_FAULTS)) {
        *total_bytes = (size_t)stub_fault_memory_size(device, *total_bytes);
    }
    *free_bytes = *total_bytes > used ? *total_bytes - used : 0;
}
