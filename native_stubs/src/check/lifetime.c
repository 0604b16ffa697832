/* Memory that is freed while queued work needs it: whether that work has run by chance does not matter, only whether
 * the host has seen its end. */
#include "check/accesses.h"
#include "check/books.h"
#include "check/report.h"

static bool needs(const stub_touch *touch, const stub_check_memory *memory) {
    const stub_book *host = stub_book_host();
    return stub_is_same_memory(&touch->memory, memory) && touch->task->book != host &&
           !stub_task_is_over(touch->task, &host->clock);
}

typedef struct {
    const stub_check_memory *memory;
    const stub_touch *first;
} need;

static void look_at(stub_touch *touch, void *argument) {
    need *found = argument;
    if (needs(touch, found->memory) && (found->first == NULL || touch->task->sequence < found->first->task->sequence)) {
        found->first = touch;
    }
}

/* Under the lock: the one that was queued first, with a reference to its task; NULL when nothing needs the memory. */
static const stub_touch *first_need(const stub_check_memory *memory) {
    need found = {memory, NULL};
    stub_touches_in(memory->address, memory->address + memory->size, look_at, &found);
    if (found.first != NULL) {
        stub_watched_retain(found.first->task->watched);
    }
    return found.first;
}

static const char *kind_of(const stub_touch *touch) {
    switch (touch->memory.kind) {
    case STUB_OBJECT_PINNED_MEMORY:
        return "pinned memory";
    case STUB_OBJECT_REGISTERED_MEMORY:
        return "registered memory";
    default:
        return "device memory";
    }
}

static void tell(const stub_touch *touch, const stub_check_memory *memory) {
    const stub_watched *watched = touch->task->watched;
    const stub_place *here = stub_place_here();
    const bool registered = memory->kind == STUB_OBJECT_REGISTERED_MEMORY;
    stub_report *report =
        stub_report_begin(STUB_CHECK_LIFETIME, "%s is %s while queued work needs it: %s, its \"%s\"", kind_of(touch),
                          registered ? "unregistered" : "freed", watched->name, stub_argument_of(touch->access).text);
    stub_report_line(report, "%zu bytes at 0x%zx", memory->size, (size_t)memory->address);
    stub_report_place(report, watched->place, "%s was queued on stream %u of device %d", watched->name, watched->stream,
                      watched->device);
    stub_report_place(report, here, "%s", registered ? "unregistered" : "freed");
    if (memory->made != NULL) {
        stub_report_place(report, memory->made, "the memory comes from %s", memory->made_by);
    }
    stub_report_line(report,
                     "The host has not waited for that work, so it may not have run. Wait for stream %u "
                     "(aclrtSynchronizeStream) or for an event that is recorded behind it before.",
                     watched->stream);
    stub_report_key(report, stub_place_key(watched) + (uintptr_t)here);
    stub_report_end(report);
}

static void look_for_needs(const void *address) {
    stub_check_memory memory;
    if (!stub_checks(STUB_CHECK_LIFETIME) || !stub_check_find_memory((uintptr_t)address, &memory)) {
        return;
    }
    stub_books_lock();
    const stub_touch *touch = first_need(&memory);
    stub_books_unlock();
    if (touch != NULL) {
        stub_watched *watched = touch->task->watched;
        tell(touch, &memory);
        stub_watched_release(watched);
    }
}

void stub_check_freed(const void *address) {
    look_for_needs(address);
    stub_contents_forget(address);
}
