/* Memory for pages of device memory that are about to be written as a whole. Shadows are sparse and the system fills
 * them 4 KiB at a time, each with a fault that costs more than copying the 4 KiB. */
#include <stdatomic.h>

#include "core/device_heap.h"
#include "core/device_space.h"
#include "core/parallel.h"

typedef struct {
    int device;
    size_t first;
    stub_page *pages;
} range;

/* One page, by its number in the range: whoever sees it first. */
static void populate_page(void *state, size_t index) {
    const range *whole = state;
    size_t page = whole->first + index;
    if (!atomic_exchange_explicit(&whole->pages[page].populated, true, memory_order_relaxed)) {
        stub_space_populate(whole->device, page * STUB_DEVICE_PAGE);
    }
}

static bool all_populated(const range *whole, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!atomic_load_explicit(&whole->pages[whole->first + i].populated, memory_order_relaxed)) {
            return false;
        }
    }
    return true;
}

void stub_device_populate(const void *address, size_t size) {
    int device = 0;
    size_t offset = 0;
    if (size < STUB_DEVICE_PAGE || !stub_space_locate(address, &device, &offset)) {
        return;
    }
    range whole = {device, (offset + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE, stub_heap_pages(device)};
    size_t end = (offset + size) / STUB_DEVICE_PAGE;
    if (whole.pages != NULL && end > whole.first && !all_populated(&whole, end - whole.first)) {
        stub_parallel(end - whole.first, populate_page, &whole);
    }
}
