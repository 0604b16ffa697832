/* Queued tasks, from their way into the checks' books to their way out. */
#include <stdlib.h>

#include "check/accesses.h"
#include "check/books.h"
#include "check/races.h"
#include "core/memory.h"

/* ---- making ---- */

/* Memory from before the checks were turned on is known by where it starts; what comes later at the same address has a
 * generation. Memory that is freed already is not for these checks, and neither is the host's own. */
static void look_up(stub_touch *touch) {
    stub_allocation found;
    if (stub_check_find_memory(touch->access->first, &touch->memory)) {
        if (touch->memory.freed_by != NULL) {
            touch->memory = (stub_check_memory){0};
        }
    } else if (stub_is_device_address((const void *)touch->access->first) &&
               stub_find_allocation((const void *)touch->access->first, &found)) {
        touch->memory = (stub_check_memory){
            .kind = STUB_OBJECT_DEVICE_MEMORY, .address = found.address, .size = found.size, .made_by = "aclrtMalloc"};
    }
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15) + (hash >> 29);
}

static uint64_t mix_touch(uint64_t hash, const stub_touch *touch) {
    const stub_access *access = touch->access;
    hash = mix(mix(hash, touch->memory.generation), access->first);
    hash = mix(mix(hash, access->run), access->rank);
    for (uint32_t i = 0; i < access->rank; i++) {
        hash = mix(mix(hash, access->dims[i].count), access->dims[i].stride);
    }
    return mix(hash, (uint64_t)access->mode << 1 | access->bounding);
}

stub_check_task *stub_check_task_new(stub_watched *watched) {
    const size_t count = watched->accesses.count;
    stub_check_task *task = calloc(1, sizeof *task + count * sizeof *task->touches);
    if (task == NULL) {
        return NULL;
    }
    task->watched = watched;
    task->count = count;
    task->likeness = mix(mix(count, (uintptr_t)watched->place), (uintptr_t)watched->name);
    for (size_t i = 0; i < count; i++) {
        task->touches[i].task = task;
        task->touches[i].access = &watched->accesses.items[i];
        look_up(&task->touches[i]);
        task->likeness = mix_touch(task->likeness, &task->touches[i]);
    }
    return task;
}

void stub_check_forget(stub_watched *watched) {
    if (watched->check != NULL) {
        stub_clock_release(watched->check->seen);
        stub_clock_release(watched->check->follows);
        free(watched->check);
    }
}

/* ---- a queued task's life ---- */

void stub_check_prepare(stub_watched *watched) {
    watched->check = stub_check_task_new(watched);
    stub_check_accesses(watched);
}

void stub_check_queued(stub_watched *watched) {
    if (!stub_books_matter()) {
        return;
    }
    stub_books_lock();
    stub_book *book = stub_book_of(watched->stream);
    if (book != NULL) {
        stub_book_queue(book, watched->check, watched->number);
    }
    stub_books_unlock();
}

/* The host's clocks come in the order in which they were shown, so the latest contains the earlier. */
static bool join_seen(stub_book *book, stub_check_task *task) {
    if (book->joined == task->seen) {
        return true;
    }
    stub_clock_release(book->joined);
    book->joined = stub_clock_retain(task->seen);
    return stub_ticking_join(&book->clock, task->seen);
}

static bool start(stub_book *book, stub_check_task *task) {
    task->started = true;
    return join_seen(book, task) && stub_ticking_join(&book->clock, task->follows) &&
           stub_ticking_raise(&book->clock, book->slot, task->position);
}

void stub_check_started(stub_watched *watched) {
    stub_check_task *task = watched->check;
    stub_books_lock();
    if (task->book != NULL && !start(task->book, task)) {
        stub_books_give_up();
    }
    stub_books_unlock();
    stub_check_reads(watched);
}

void stub_check_finished(stub_watched *watched, bool skipped) {
    stub_check_task *task = watched->check;
    stub_race_list races = {0};
    stub_books_lock();
    if (task->book != NULL && skipped) {
        stub_book_drop(task);
    } else if (task->book != NULL && !task->touched) {
        stub_races_touched(task, &races);
    }
    stub_books_unlock();
    stub_races_report(&races);
    stub_check_writes(watched);
}
