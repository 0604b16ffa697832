/* Races; see races.h.
 *
 * Two tasks are compared when the later of them has touched its bytes, whichever that is: the earlier one is over for
 * it, or nothing orders them, as it cannot be before what is done already. So what is found does not depend on which
 * came first. */
#include "check/races.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check/accesses.h"
#include "check/report.h"
#include "core/stream_state.h"

/* ---- comparing ---- */

static bool is_same_pair(const stub_touch *a, const stub_touch *b, const stub_touch *c, const stub_touch *d) {
    return a->task->watched->place == c->task->watched->place && b->task->watched->place == d->task->watched->place &&
           a->task->watched->name == c->task->watched->name && b->task->watched->name == d->task->watched->name;
}

static void add_race(stub_race_list *races, const stub_touch *a, const stub_touch *b) {
    const stub_touch *first = a->task->sequence < b->task->sequence ? a : b;
    const stub_touch *second = first == a ? b : a;
    for (size_t i = 0; i < races->count; i++) {
        if (is_same_pair(races->items[i].first, races->items[i].second, first, second)) {
            return;
        }
    }
    if (races->count < STUB_MOST_RACES) {
        stub_watched_retain(first->task->watched);
        stub_watched_retain(second->task->watched);
        races->items[races->count].first = first;
        races->items[races->count++].second = second;
    }
}

static bool one_writes(const stub_touch *a, const stub_touch *b) {
    return ((a->access->mode | b->access->mode) & STUB_WRITES) != 0;
}

static bool race(const stub_touch *mine, const stub_touch *other) {
    const stub_check_task *task = mine->task;
    return other->task->touched && other->task->book != task->book &&
           stub_is_same_memory(&mine->memory, &other->memory) && one_writes(mine, other) &&
           !stub_task_is_over(other->task, &task->book->clock) && stub_accesses_overlap(mine->access, other->access);
}

typedef struct {
    const stub_touch *mine;
    stub_race_list *races;
} comparison;

static void compare(stub_touch *other, void *argument) {
    const comparison *with = argument;
    if (race(with->mine, other)) {
        add_race(with->races, with->mine, other);
    }
}

static bool touches_anything(const stub_check_task *task) {
    for (size_t i = 0; i < task->count; i++) {
        if (task->touches[i].memory.address != 0) {
            return true;
        }
    }
    return false;
}

/* ---- keeping ---- */

static bool is_alike(const stub_touch *a, const stub_touch *b) {
    const stub_access *x = a->access;
    const stub_access *y = b->access;
    bool alike = stub_is_same_memory(&a->memory, &b->memory) && x->first == y->first && x->run == y->run &&
                 x->rank == y->rank && x->mode == y->mode && x->bounding == y->bounding;
    for (uint32_t i = 0; alike && i < x->rank; i++) {
        alike = x->dims[i].count == y->dims[i].count && x->dims[i].stride == y->dims[i].stride;
    }
    return alike;
}

static bool repeats(const stub_check_task *task, const stub_check_task *earlier) {
    bool alike = earlier != task && earlier->touched && earlier->book == task->book &&
                 earlier->likeness == task->likeness && earlier->count == task->count &&
                 earlier->by_host == task->by_host && earlier->watched->place == task->watched->place &&
                 earlier->watched->name == task->watched->name;
    for (size_t i = 0; alike && i < task->count; i++) {
        alike = is_alike(&task->touches[i], &earlier->touches[i]);
    }
    return alike;
}

typedef struct {
    const stub_check_task *task;
    stub_check_task *earlier;
} repetition;

static void find_repeated(stub_touch *touch, void *argument) {
    repetition *look = argument;
    if (look->earlier == NULL && repeats(look->task, touch->task)) {
        look->earlier = touch->task;
    }
}

/* What an earlier task of the stream could still race with races with its repetition as well: a loop needs one entry.
 */
static void drop_repeated(const stub_check_task *task) {
    const stub_touch *mine = task->touches;
    while (mine->memory.address == 0) {
        mine++;
    }
    repetition look = {task, NULL};
    stub_touches_in(mine->access->first, mine->access->first + 1, find_repeated, &look);
    if (look.earlier != NULL) {
        stub_book_drop(look.earlier);
    }
}

static void compare_all(const stub_check_task *task, stub_race_list *races) {
    for (size_t i = 0; i < task->count; i++) {
        if (task->touches[i].memory.address != 0 && !task->touches[i].access->bounding) {
            comparison with = {&task->touches[i], races};
            stub_touches_in(with.mine->access->first, with.mine->end, compare, &with);
        }
    }
}

void stub_races_touched(stub_check_task *task, stub_race_list *races) {
    if (!touches_anything(task)) {
        stub_book_drop(task);
        return;
    }
    if (stub_checks(STUB_CHECK_RACES)) {
        compare_all(task, races);
    }
    drop_repeated(task);
    stub_book_keep(task);
}

/* ---- the host ---- */

static stub_watched *new_host_watched(const char *function, const stub_access_list *accesses) {
    stub_watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL) {
        return NULL;
    }
    atomic_init(&watched->references, 1);
    watched->name = function;
    watched->place = stub_place_here();
    for (size_t i = 0; i < accesses->count; i++) {
        stub_access_add(&watched->accesses, &accesses->items[i]);
    }
    watched->check = stub_check_task_new(watched);
    if (watched->check != NULL) {
        watched->check->by_host = true;
        return watched;
    }
    stub_watched_release(watched);
    return NULL;
}

/* A host function is part of its stream's work. Elsewhere the access is in the host's own book: all that is queued
 * later knows that it is over, and what is queued already is compared with it when its turn comes. */
static void enter(stub_check_task *task, stub_race_list *races) {
    const stub_stream *worker = stub_worker_stream();
    stub_book *host = stub_book_host();
    stub_book *book = worker == NULL ? host : stub_book_find(stub_stream_id(worker));
    if (book == NULL || !touches_anything(task)) {
        return;
    }
    const uint64_t position = stub_ticking_at(&book->clock, book->slot);
    stub_book_add(book, task, position);
    compare_all(task, races);
    drop_repeated(task);
    if (book == host && !stub_ticking_raise(&host->clock, host->slot, position + 1)) {
        stub_books_give_up();
    }
}

void stub_races_host_access(const char *function, const stub_access_list *accesses) {
    stub_race_list races = {0};
    stub_watched *watched = stub_checks(STUB_CHECK_RACES) ? new_host_watched(function, accesses) : NULL;
    if (watched == NULL) {
        return;
    }
    stub_books_lock();
    enter(watched->check, &races);
    stub_books_unlock();
    stub_races_report(&races);
    stub_watched_release(watched);
}

/* ---- telling ---- */

static const char *does(const stub_touch *touch) {
    static const char *const words[] = {
        [STUB_READS] = "reads", [STUB_WRITES] = "writes", [STUB_READS_AND_WRITES] = "reads and writes"};
    return words[touch->access->mode];
}

static void tell_bytes(stub_report *report, const stub_touch *a, const stub_touch *b) {
    const stub_check_memory *memory = &a->memory;
    const uintptr_t begin = a->access->first > b->access->first ? a->access->first : b->access->first;
    const uintptr_t ends[] = {stub_access_end(a->access), stub_access_end(b->access)};
    const uintptr_t end = ends[0] < ends[1] ? ends[0] : ends[1];
    stub_report_line(report,
                     "both touch %sbytes [%" PRIuPTR ", %" PRIuPTR ") of the %zu bytes that %s gave at 0x%" PRIxPTR,
                     a->access->rank + b->access->rank == 0 ? "" : "some of the ", begin - memory->address,
                     end - memory->address, memory->size, memory->made_by, memory->address);
}

static void tell_touch(stub_report *report, const stub_touch *touch) {
    const stub_watched *watched = touch->task->watched;
    const stub_argument_name name = stub_argument_of(touch->access);
    if (touch->task->by_host) {
        stub_report_place(report, watched->place, "%s %s them on the host (%s), called", watched->name, does(touch),
                          name.text);
    } else {
        stub_report_place(report, watched->place, "%s %s them (%s) on stream %u of device %d, queued", watched->name,
                          does(touch), name.text, watched->stream, watched->device);
    }
}

static void tell_cure(stub_report *report, const stub_touch *a, const stub_touch *b) {
    if (b->task->by_host) {
        stub_report_line(report,
                         "Wait for stream %u before %s (aclrtSynchronizeStream), or for an event that is recorded "
                         "behind %s.",
                         a->task->watched->stream, b->task->watched->name, a->task->watched->name);
    } else if (a->task->by_host) {
        stub_report_line(report, "Call %s before %s is queued or after stream %u has been waited for.",
                         a->task->watched->name, b->task->watched->name, b->task->watched->stream);
    } else {
        stub_report_line(report,
                         "Record an event behind the one (aclrtRecordEvent) and let the other's stream wait for it "
                         "(aclrtStreamWaitEvent), or queue both on one stream.");
    }
}

static void report_race(const stub_touch *first, const stub_touch *second) {
    const stub_watched *a = first->task->watched;
    const stub_watched *b = second->task->watched;
    stub_report *report = stub_report_begin(STUB_CHECK_RACES, "%s and %s touch the same bytes, and nothing orders them",
                                            a->name, b->name);
    tell_bytes(report, first, second);
    tell_touch(report, first);
    tell_touch(report, second);
    if (first->memory.made != NULL) {
        stub_report_place(report, first->memory.made, "the memory comes from %s", first->memory.made_by);
    }
    tell_cure(report, first, second);
    stub_report_key(report, stub_place_key(a) + stub_place_key(b));
    stub_report_end(report);
}

void stub_races_report(const stub_race_list *races) {
    for (size_t i = 0; i < races->count; i++) {
        const stub_touch *first = races->items[i].first;
        const stub_touch *second = races->items[i].second;
        stub_watched *watched[] = {first->task->watched, second->task->watched};
        report_race(first, second);
        stub_watched_release(watched[0]);
        stub_watched_release(watched[1]);
    }
}
