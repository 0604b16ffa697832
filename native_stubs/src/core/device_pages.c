/* Runs of 2 MiB pages: first fit from a hint, boundary lengths so that neighbours merge at once. */
#include <stdatomic.h>

#include "core/device_heap.h"

static stub_page *pages_of(const stub_heap *heap) {
    return atomic_load_explicit(&heap->pages, memory_order_relaxed);
}

static bool is_free(const stub_page *page) {
    return atomic_load_explicit(&page->kind, memory_order_relaxed) == STUB_PAGE_FREE;
}

static void set_free_run(stub_page *pages, uint32_t first, uint32_t count) {
    pages[first].length = count;
    pages[first + count - 1].length = count;
}

uint32_t stub_pages_take(stub_heap *heap, uint32_t count) {
    stub_page *pages = pages_of(heap);
    uint32_t first = heap->hint;
    while (first < heap->page_count && !(is_free(&pages[first]) && pages[first].length >= count)) {
        first += pages[first].length;
    }
    if (first >= heap->page_count) {
        return STUB_NO_PAGE;
    }
    uint32_t rest = pages[first].length - count;
    if (rest > 0) {
        set_free_run(pages, first + count, rest);
    }
    pages[first].length = count;
    if (first == heap->hint) {
        heap->hint = first + count;
    }
    return first;
}

void stub_pages_return(stub_heap *heap, uint32_t first, uint32_t count) {
    stub_page *pages = pages_of(heap);
    for (uint32_t i = first; i < first + count; i++) {
        atomic_store_explicit(&pages[i].populated, false, memory_order_relaxed);
        atomic_store_explicit(&pages[i].kind, STUB_PAGE_FREE, memory_order_release);
    }
    uint32_t end = first + count;
    if (end < heap->page_count && is_free(&pages[end])) {
        end += pages[end].length;
    }
    if (first > 0 && is_free(&pages[first - 1])) {
        first -= pages[first - 1].length;
    }
    set_free_run(pages, first, end - first);
    if (first < heap->hint) {
        heap->hint = first;
    }
}
