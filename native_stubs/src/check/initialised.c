/* Reads of device memory that nobody has written. Judged when the task runs: what ran before it in its stream's order
 * has written by then. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check/accesses.h"
#include "check/contents.h"
#include "check/forks.h"
#include "check/ledger.h"
#include "check/place.h"
#include "check/report.h"
#include "check/settings.h"
#include "core/memory.h"

#define BUCKETS 1024u

/* What is known of the contents of an allocation; made when it is first touched. */
typedef struct book {
    struct book *next;
    uintptr_t address;
    size_t size;
    uint64_t generation;
    stub_contents *contents;
} book;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf, like the checks' lock */
static book *books[BUCKETS];
static _Atomic(uint64_t) noted_since = UINT64_MAX; /* the generation of memory whose writes have all been seen */

static void start(void) {
    stub_lock_survives_forks(&lock);
}

void stub_contents_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

static book **bucket_of(uintptr_t address) {
    return &books[address / STUB_MEMORY_ALIGNMENT % BUCKETS];
}

/* Under the lock, as all of these. */
static book **find_link(uintptr_t address) {
    book **link = bucket_of(address);
    while (*link != NULL && (*link)->address != address) {
        link = &(*link)->next;
    }
    return link;
}

static void drop(book **link) {
    book *dropped = *link;
    *link = dropped->next;
    stub_contents_free(dropped->contents);
    free(dropped);
}

static book *open_new(const stub_check_memory *memory) {
    book *made = malloc(sizeof *made);
    stub_contents *contents = stub_contents_new(memory->size);
    if (made == NULL || contents == NULL) {
        free(made);
        stub_contents_free(contents);
        return NULL;
    }
    book **bucket = bucket_of(memory->address);
    *made = (book){*bucket, memory->address, memory->size, memory->generation, contents};
    *bucket = made;
    return made;
}

/* NULL when nothing is known: without memory for it, or when another thread has freed it by now. */
static book *open_book(const stub_check_memory *memory) {
    book **link = find_link(memory->address);
    if (*link != NULL && (*link)->generation < memory->generation) {
        drop(link); /* of earlier memory at the same address */
        link = find_link(memory->address);
    }
    if (*link == NULL) {
        return open_new(memory);
    }
    return (*link)->generation == memory->generation ? *link : NULL;
}

void stub_contents_forget(const void *address) {
    pthread_mutex_lock(&lock);
    book **link = find_link((uintptr_t)address);
    if (*link != NULL) {
        drop(link);
    }
    pthread_mutex_unlock(&lock);
}

void stub_contents_note(bool on) {
    const uint64_t next = stub_ledger_mark();
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (books[i] != NULL) {
            drop(&books[i]);
        }
    }
    pthread_mutex_unlock(&lock);
    atomic_store_explicit(&noted_since, on ? next : UINT64_MAX, memory_order_relaxed);
}

/* Memory that was made while nobody looked may hold anything. What a queued task needs may be gone by now. */
static bool find_owner(const stub_accessor *by, size_t index, stub_check_memory *memory) {
    const uintptr_t address = by->accesses->items[index].first;
    if (!stub_is_device_address((const void *)address) || !stub_check_find_memory(address, memory) ||
        memory->freed_by != NULL || memory->generation < atomic_load_explicit(&noted_since, memory_order_relaxed)) {
        return false;
    }
    return by->task == NULL || by->task->touches[index].memory.generation == memory->generation;
}

/* ---- the runs of an access ---- */

/* An access's runs of bytes one by one, as offsets from the start of its memory. */
typedef struct {
    const stub_access *access;
    size_t begin; /* of the run */
    size_t index[STUB_ACCESS_RANK];
} run;

static run first_run(const stub_access *access, const book *in) {
    return (run){.access = access, .begin = access->first - in->address};
}

static bool next_run(run *at) {
    for (uint32_t i = at->access->rank; i-- > 0;) {
        const size_t stride = at->access->dims[i].stride;
        if (++at->index[i] < at->access->dims[i].count) {
            at->begin += stride;
            return true;
        }
        at->begin -= (at->access->dims[i].count - 1) * stride;
        at->index[i] = 0;
    }
    return false;
}

/* ---- writes ---- */

/* A bounding access may have written all of its range; so may one that does not fit. */
static void write_access(book *in, const stub_access *access) {
    const size_t begin = access->first - in->address;
    const size_t end = stub_access_end(access) - in->address;
    if (stub_contents_find(in->contents, begin, end, false) == end) {
        return;
    }
    if (access->bounding || end > in->size) {
        stub_contents_write(in->contents, begin, end);
        return;
    }
    run at = first_run(access, in);
    do {
        stub_contents_write(in->contents, at.begin, at.begin + access->run);
    } while (next_run(&at));
}

void stub_contents_written(const stub_accessor *by) {
    if (!stub_checks(STUB_CHECK_UNINITIALISED)) {
        return;
    }
    for (size_t i = 0; i < by->accesses->count; i++) {
        const stub_access *access = &by->accesses->items[i];
        stub_check_memory memory;
        if ((access->mode & STUB_WRITES) == 0 || !find_owner(by, i, &memory)) {
            continue;
        }
        pthread_mutex_lock(&lock);
        book *in = open_book(&memory);
        if (in != NULL) {
            write_access(in, access);
        }
        pthread_mutex_unlock(&lock);
    }
}

/* ---- reads ---- */

typedef struct {
    size_t begin, end; /* the first bytes in a row */
    size_t count;      /* of all of them */
} unwritten;

static void find_unwritten(const book *in, size_t begin, size_t end, unwritten *found) {
    for (;;) {
        begin = stub_contents_find(in->contents, begin, end, false);
        if (begin == end) {
            return;
        }
        const size_t stop = stub_contents_find(in->contents, begin, end, true);
        if (found->count == 0) {
            found->begin = begin;
        }
        if (found->count == 0 || found->end == begin) {
            found->end = stop;
        }
        found->count += stop - begin;
        begin = stop;
    }
}

/* What reaches beyond the memory is another check's. */
static unwritten look_at(const book *in, const stub_access *access) {
    unwritten found = {0};
    const size_t begin = access->first - in->address;
    const size_t end = stub_access_end(access) - in->address;
    if (end > in->size || stub_contents_find(in->contents, begin, end, false) == end) {
        return found;
    }
    run at = first_run(access, in);
    do {
        find_unwritten(in, at.begin, at.begin + access->run, &found);
    } while (next_run(&at));
    return found;
}

static size_t bytes_of(const stub_access *access) {
    size_t bytes = access->run;
    for (uint32_t i = 0; i < access->rank; i++) {
        bytes *= access->dims[i].count;
    }
    return bytes;
}

static void report(const stub_accessor *by, const stub_access *access, const stub_check_memory *memory,
                   const unwritten *found) {
    char range[256];
    stub_report *report = stub_report_begin(STUB_CHECK_UNINITIALISED,
                                            "%s: %s is read, but %zu of its %zu bytes were "
                                            "never written",
                                            by->name, stub_argument_of(access).text, found->count, bytes_of(access));
    stub_report_line(
        report, "%s%s", found->end - found->begin < found->count ? "first of them: " : "",
        stub_report_range(memory->address + found->begin, memory->address + found->end, range, sizeof range));
    stub_report_line(report, "new memory holds what was left there: copy to it, aclrtMemset it, or let an operator "
                             "write it first");
    stub_report_place(report, memory->made, "allocated by %s", memory->made_by);
    stub_report_place(report, by->place, "%s was called", by->name);
    stub_report_end(report);
}

static void read_access(const stub_accessor *by, size_t index) {
    const stub_access *access = &by->accesses->items[index];
    stub_check_memory memory;
    if (!find_owner(by, index, &memory)) {
        return;
    }
    unwritten found = {0};
    pthread_mutex_lock(&lock);
    const book *in = open_book(&memory);
    if (in != NULL) {
        found = look_at(in, access);
    }
    pthread_mutex_unlock(&lock);
    if (found.count > 0) {
        report(by, access, &memory, &found);
    }
}

void stub_contents_read(const stub_accessor *by) {
    if (!stub_checks(STUB_CHECK_UNINITIALISED)) {
        return;
    }
    for (size_t i = 0; i < by->accesses->count; i++) {
        const stub_access *access = &by->accesses->items[i];
        if ((access->mode & STUB_READS) != 0 && !access->partial && !access->bounding) {
            read_access(by, i);
        }
    }
}
